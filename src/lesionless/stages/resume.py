"""Whether outputs that are there already are those asked for, by what their sidecars say."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save

from lesionless.data.derivatives import read_sidecar
from lesionless.errors import ScanError, UsageError
from lesionless.models.bundle import Bundle
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.provenance import as_json, json_text
from lesionless.stages.sources import SCAN, WAY_OUT, changed, other_source
from lesionless.training.differences import HOW_FAST, differences, told

PREPARATION = "Preparation"
POINT = frozenset({"OperatingPoint", "Threshold"})
"""What a mask can be cut anew by, without running the model."""


def model_record(bundle: Bundle, point: str) -> dict[str, Any]:
    """Return what sidecars say of the model, as JSON values.

    Args:
        bundle: The model.
        point: The operating point that masks are cut at.
    """
    return {
        "Model": bundle.name,
        "ModelSha256": _sha256(bundle),
        "OperatingPoint": point,
        "Threshold": as_json(bundle.thresholds[point]),
    }


def refuse_other_model(images: Sequence[Path], record: Mapping[str, Any]) -> None:
    """Stop where outputs of one scan are those of another model.

    Args:
        images: The images of the scan that have sidecars. What a sidecar does not say, as those of
            earlier versions, is not asked.
        record: See `model_record`; the operating point has no say.

    Raises:
        UsageError: They are.
    """
    for image in images:
        found = read_sidecar(image)
        others = sorted(differences(record, found).keys() - POINT)
        if others:
            raise UsageError(
                f"{image}: expected outputs of {_text(record, others)}, found those of "
                f"{_text(found, others)}. {WAY_OUT}"
            )


def is_cut_at(images: Sequence[Path], record: Mapping[str, Any]) -> bool:
    """Tell whether outputs of one scan are at the operating point of a record, all of them."""
    return not any(differences(record, read_sidecar(image)) for image in images)


def point_of(anomaly: Path, segmentation: Path) -> str | None:
    """Return the operating point of a scan's mask; None where sidecars do not say it.

    Raises:
        ScanError: That of the map says another one: a run was stopped while it cut the mask anew.
    """
    of_map, of_mask = (
        {key: value for key, value in read_sidecar(image).items() if key in POINT}
        for image in (anomaly, segmentation)
    )
    if differing := differences(of_map, of_mask):
        raise ScanError(
            f"{segmentation}: expected a mask with {told(differing)}: a run was stopped amid "
            "cutting it. Run the same `lesionless segment` once more."
        )
    return of_map.get("OperatingPoint")


def refuse_other_origin(
    images: Sequence[Path], settings: PrepareSettings, sources: Mapping[str, Any]
) -> None:
    """Stop where outputs of one scan were made of another scan, or in another way.

    Args:
        images: The images of the scan that have sidecars; what these do not say is not asked.
        settings: How the scan is prepared.
        sources: The files of the scan, from `sources_of`.

    Raises:
        ScanError: They were, or a sidecar is missing.
    """
    for image in images:
        found = read_sidecar(image)
        if not found:
            raise ScanError(f"{image}: expected a JSON file beside it, found none. {WAY_OUT}")
        _check_name(image, found, Path(sources[SCAN]["path"]).name)
        preparation = found.get(PREPARATION, {})
        _check_settings(image, preparation.get("settings", {}), as_json(asdict(settings)))
        known = preparation.get("sources")
        if known and (others := changed(known, sources)):
            raise other_source(known, sources, others[0])


def _check_name(image: Path, found: Mapping[str, Any], name: str) -> None:
    names = found.get("Sources", [name])
    if names != [name]:
        raise ScanError(
            f"{image}: expected the output of {name}, found that of {', '.join(names)}. {WAY_OUT}"
        )


def _check_settings(image: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    others = sorted(differences(wanted, found).keys() - HOW_FAST)
    if others:
        raise ScanError(
            f"{image}: expected a scan prepared with {_text(wanted, others)}, found one with "
            f"{_text(found, others)}. {WAY_OUT}"
        )


def _sha256(bundle: Bundle) -> str:
    """Return the sha256 of all that makes a model's scores."""
    made_of = {"settings": asdict(bundle.settings), "scoring": dict(bundle.scoring)}
    digest = hashlib.sha256(json_text(made_of).encode())
    for name in sorted(bundle.normative):
        digest.update(f"{name} {bundle.normative[name].dtype}".encode())
        digest.update(bundle.normative[name].tobytes())
    weights = {name: w.cpu().contiguous() for name, w in bundle.method.state_dict().items()}
    digest.update(save(weights))
    return digest.hexdigest()


def _text(fields: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Return fields for a message; of a hash, as much as tells it from others."""
    short = {key: fields[key][:12] if key.endswith("Sha256") else fields[key] for key in keys}
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in short.items())
