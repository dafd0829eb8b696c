"""The files of a segmented scan: written so that what is whole can be told, and read back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lesionless.arrays import Volume
from lesionless.data.bids import OutputPaths
from lesionless.data.derivatives import read_sidecar, write_sidecar
from lesionless.data.scan import Scan, read_map, read_mask, write_volume
from lesionless.data.transforms import read_transform, write_transform
from lesionless.errors import ScanError, UsageError
from lesionless.provenance import write_text_whole
from lesionless.report.html import Html
from lesionless.stages.lesion_table import write_lesions
from lesionless.stages.resume import PREPARATION
from lesionless.stages.segmented import ScanMaps, Segmented
from lesionless.stages.sources import WAY_OUT

_AIR, _QUALITY, _SOFTWARE = "air", "quality", "software"


def write_outputs(
    paths: OutputPaths, scan: Scan, result: Segmented, record: Mapping[str, Any], page: Html
) -> None:
    """Write all files of a scan; the anomaly map, whose presence means done, comes last.

    Args:
        paths: Where they go.
        scan: The scan.
        result: What a model finds in it.
        record: See `model_record`.
        page: The page to look at.
    """
    paths.anomaly.unlink(missing_ok=True)
    maps, about = result.maps, _about(scan, record)
    known = {
        **maps.record,
        **{_AIR: maps.air, _QUALITY: dict(maps.quality), _SOFTWARE: dict(maps.software)},
    }
    write_volume(paths.brain, maps.brain, scan)
    write_sidecar(paths.brain, {"Type": "Brain", **about, PREPARATION: known})
    write_volume(paths.reconstruction, maps.reconstruction, scan)
    write_sidecar(paths.reconstruction, {"Description": "the scan without lesions", **about})
    write_transform(paths.transform, maps.scan_to_atlas)
    write_sidecar(paths.transform, {"Description": "affine from the scan to the atlas", **about})
    _write_cut(paths, scan, result, record, page)
    write_sidecar(paths.anomaly, {"Units": "standard deviations of normal scans", **about})
    write_volume(paths.anomaly, maps.anomaly, scan)


def rewrite_cut(
    paths: OutputPaths, scan: Scan, result: Segmented, record: Mapping[str, Any], page: Html
) -> None:
    """Write anew what depends on the operating point; the maps stay.

    Whenever it is stopped, a sidecar says another operating point than the others do: that of the
    mask is replaced before the mask, that of the anomaly map after all else.

    Args:
        paths: As in `write_outputs`, and so are the others.
        scan: The scan.
        result: The same maps cut at another operating point.
        record: What the model's record is now.
        page: The page to look at.
    """
    _write_cut(paths, scan, result, record, page)
    for path in (paths.brain, paths.reconstruction, paths.transform, paths.anomaly):
        write_sidecar(path, {**read_sidecar(path), **record})


def discard(paths: OutputPaths) -> None:
    """Remove what would pass for the outputs of a scan that is made anew, if that fails."""
    for path in (paths.anomaly, paths.page, paths.lesions):
        path.unlink(missing_ok=True)


def refuse_lost(paths: OutputPaths) -> None:
    """Stop where a file of a scan is gone that only its model can make again.

    Raises:
        ScanError: One is.
    """
    for path in (paths.brain, paths.reconstruction, paths.transform):
        if not path.exists():
            raise ScanError(f"{path}: expected it beside the anomaly map, found none. {WAY_OUT}")


def missing(paths: OutputPaths) -> list[Path]:
    """Return the files of a scan that are not there, and can be cut from its maps again."""
    cut = (paths.segmentation, paths.labels, paths.lesions, paths.page)
    return [path for path in cut if not path.exists()]


def refuse_early_outputs(paths: OutputPaths) -> None:
    """Stop where an earlier version wrote too little to cut the mask of a scan anew.

    Raises:
        UsageError: It did.
    """
    if _AIR not in read_sidecar(paths.brain).get(PREPARATION, {}):
        raise UsageError(
            f"{paths.brain}: expected outputs whose masks can be cut anew, found those of an "
            f"earlier version. {WAY_OUT}"
        )


def read_maps(paths: OutputPaths, scan: Scan) -> ScanMaps:
    """Read back what `write_outputs` wrote of a scan, but for what is cut from the maps.

    Raises:
        ScanError: A file is missing or broken.
    """
    record = dict(read_sidecar(paths.brain)[PREPARATION])
    air, quality, software = (record.pop(name) for name in (_AIR, _QUALITY, _SOFTWARE))
    try:
        reconstruction = _read_map(paths.reconstruction, scan)
        return ScanMaps(
            anomaly=_read_map(paths.anomaly, scan),
            reconstruction=reconstruction,
            brain=read_mask(paths.brain, scan),
            seen=reconstruction != 0,
            scan_affine=scan.affine,
            scan_to_atlas=read_transform(paths.transform),
            air=air,
            quality={name: value for name, value in quality.items() if value is not None},
            record=record,
            software=software,
        )
    except ScanError as error:
        raise ScanError(f"{error} {WAY_OUT}") from error


def _write_cut(
    paths: OutputPaths, scan: Scan, result: Segmented, record: Mapping[str, Any], page: Html
) -> None:
    write_sidecar(paths.segmentation, {"Type": "Lesion", **_about(scan, record)})
    write_volume(paths.segmentation, result.segmentation, scan)
    write_volume(paths.labels, result.labels, scan)
    write_sidecar(paths.labels, {"Description": "lesions by their number", **_about(scan, record)})
    write_lesions(paths.lesions, result.lesions)
    write_text_whole(paths.page, page)


def _about(scan: Scan, record: Mapping[str, Any]) -> dict[str, Any]:
    return {"Sources": [scan.path.name], **record}


def _read_map(path: Path, scan: Scan) -> Volume:
    image = read_map(path).image
    if image.shape != scan.image.shape:
        raise ScanError(
            f"{path}: expected a map of shape {scan.image.shape} like {scan.path.name}, found "
            f"{image.shape}."
        )
    return image
