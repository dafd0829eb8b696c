"""Set the operating points of trained models on other normal scans; several become one."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.models.bundle import Bundle
from lesionless.models.ensemble import Ensemble, EnsembleSettings, Member
from lesionless.provenance import describe_software
from lesionless.scoring.threshold import point_named
from lesionless.stages.calibrate import calibrate, check_max_slices
from lesionless.stages.fits import check_fits, warn_of_change
from lesionless.stages.model_folder import check_is_no_store, clear
from lesionless.stages.normals import Normals, check_held_out
from lesionless.stages.progress import Track, silent
from lesionless.stages.rebuild import rebuilder
from lesionless.stages.store_settings import load_settings, load_suffix
from lesionless.training.normals import NormalsSettings


def recalibrate(
    models: Sequence[str | Path],
    prepared: Path,
    out: Path,
    normals: NormalsSettings,
    *,
    operating_point: str | None = None,
    max_slices: int | None = None,
    device: str = "cpu",
    overwrite: bool = False,
    track: Track = silent,
) -> Bundle:
    """Save trained models as one, with normative figures and thresholds from a store.

    So a site sets thresholds on healthy subjects of its own, and networks that were trained apart
    become an ensemble, see `Ensemble`.

    Args:
        models: Folders of trained models, or names of shipped ones.
        prepared: A store.
        out: The new model's folder.
        normals: Which slices of the store are normal, and who is held out for thresholds.
        operating_point: The one that masks are cut at; that of the first model by default.
        max_slices: See `calibrate`.
        device: A torch device.
        overwrite: Whether a model in the folder is thrown away.
        track: Shows progress.

    Raises:
        UsageError: The models do not go together or with the store, nobody is held back for
            thresholds, the folder is taken or a store, or the operating point does not exist.
        ModelError: A model is missing or broken.
    """
    check_max_slices(max_slices)
    check_is_no_store(out)
    if operating_point is not None:
        point_named(operating_point)
    if bundles.is_complete(out) and not overwrite:
        raise UsageError(f"{out}: expected no model yet, found one. Give --overwrite.")
    parts = [bundles.load(model) for model in models]
    _check(parts, [str(model) for model in models], prepared)
    held_out = Normals(prepared, "val", normals)
    check_held_out(held_out)
    joined = parts[0] if len(parts) == 1 else _joined(parts)
    point = operating_point or joined.operating_point
    how = asdict(load_settings(prepared))
    ready = calibrate(
        replace(joined, prepare=how, suffix=load_suffix(prepared), operating_point=point),
        Normals(prepared, "train", normals),
        held_out,
        rebuild=rebuilder(joined.method, device=device),
        max_slices=max_slices,
        track=track,
    )
    calibration = {"normals": asdict(normals), "software": describe_software()}
    ready = replace(ready, training={**joined.training, "calibration": calibration})
    clear(out)
    bundles.save(ready, out)
    return ready


def _joined(parts: Sequence[Bundle]) -> Bundle:
    """Return several models as one, without thresholds; their training is listed."""
    settings = EnsembleSettings(tuple(Member(part.name, part.settings) for part in parts))
    records = [part.training for part in parts]
    return replace(
        parts[0],
        name="+".join(dict.fromkeys(part.name for part in parts)),
        settings=settings,
        method=Ensemble(settings, [part.method for part in parts]).eval(),
        training={
            "epochs": max(record["epochs"] for record in records),
            "n_slices": max(record["n_slices"] for record in records),
            "hours": sum(record["hours"] for record in records),
            "members": [dict(record) for record in records],
        },
    )


def _check(parts: Sequence[Bundle], names: Sequence[str], prepared: Path) -> None:
    for part, name in zip(parts, names, strict=True):
        check_fits(part, name, prepared)
        warn_of_change(part, name, prepared)
        if part.scoring != parts[0].scoring:
            raise UsageError(
                f"{name}: expected the scoring of {names[0]}, {parts[0].scoring}, found "
                f"{part.scoring}. Join models whose scores are made alike."
            )
