"""What is written down of a training run, and whether a finished one is what is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lesionless.errors import UsageError
from lesionless.models.bundle import Bundle
from lesionless.provenance import describe_software
from lesionless.stages.normals import digest
from lesionless.stages.request import TrainRequest
from lesionless.training.differences import HOW_FAST, differences, told


@dataclass(frozen=True)
class Sources:
    """Name the prepared scans that a model is made from.

    Attributes:
        prepared: Those that are learnt from and set thresholds.
        also: Further ones to learn from.
        patients: Those in which lesions are looked for, to learn from.
    """

    prepared: Path
    also: Sequence[Path] = ()
    patients: Path | None = None

    @property
    def further(self) -> list[Path]:
        """Return those that are learnt from beside the first."""
        return [*self.also, *([] if self.patients is None else [self.patients])]

    def record(self) -> dict[str, Any]:
        """Return what is written down of them: names of the further ones, and all their hashes."""
        return {
            "also": [str(folder.resolve()) for folder in self.also],
            "patients": None if self.patients is None else str(self.patients.resolve()),
            "scans_sha256": [digest(folder) for folder in (self.prepared, *self.further)],
        }


def check_same(
    found: Bundle, out: Path, begun: Bundle, request: TrainRequest, sources: Sources
) -> None:
    """Refuse a finished model that is another one than is asked for.

    Models of earlier versions are compared in what was written down of them.

    Args:
        found: The finished model.
        out: Its folder.
        begun: What a training would begin with.
        request: What is asked for.
        sources: What it would be made from.

    Raises:
        UsageError: It is another one; the message names the first fields that differ.
    """
    differing = differences(_asked(begun, request, sources), _written(found))
    if differing:
        raise UsageError(
            f"{out}: expected a model with {told(differing)}. Choose another folder, or remove "
            "this one to train it anew, as `lesionless train --overwrite` does."
        )


def point_of(begun: Bundle, request: TrainRequest) -> str:
    """Return the operating point that masks of the new model are cut at."""
    return request.operating_point or begun.operating_point


def with_record(
    bundle: Bundle,
    request: TrainRequest,
    about: Mapping[str, Any],
    history: list[dict[str, float]],
) -> Bundle:
    """Return a trained model with what is written down of its training.

    Args:
        bundle: The model.
        request: What was asked for.
        about: What made the run what it is.
        history: One row per epoch.
    """
    record = {
        "request": asdict(request),
        **{
            key: about[key]
            for key in (
                *("n_slices", "n_slices_of", "n_patient_slices"),
                *("also", "patients", "scans_sha256"),
            )
        },
        "epochs": len(history),
        "hours": sum(row["seconds"] for row in history) / 3600,
        "last_losses": history[-1] if history else {},
        "software": describe_software(),
    }
    before = {"start": dict(bundle.training)} if bundle.training else {}
    return replace(bundle, training=record | before)


def _asked(begun: Bundle, request: TrainRequest, sources: Sources) -> dict[str, Any]:
    """Return what makes a finished model what it is."""
    learns = bool(begun.method.updates())
    return {
        **_identity(begun),
        "start": request.start,
        "training": _lasting(asdict(request.training)) if learns else {},
        "normals": asdict(request.normals),
        "operating_point": point_of(begun, request),
        "calibration_slices": request.calibration_slices,
        **sources.record(),
    }


def _written(found: Bundle) -> dict[str, Any]:
    """Return the same of a finished model, as far as it was written down."""
    record = dict(found.training)
    return {
        "patients": None,  # as in records of versions that learnt from none
        **record,
        "start": None,  # the record's own is of the model that was started from
        **record.get("request", {}),
        **_identity(found),
        "operating_point": found.operating_point,
    }


def _identity(bundle: Bundle) -> dict[str, Any]:
    return {
        "model": bundle.name,
        "settings": asdict(bundle.settings),
        "scoring": dict(bundle.scoring),
        "prepare": _lasting(bundle.prepare),
    }


def _lasting(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in HOW_FAST}
