"""The page of a segmented scan: what is drawn, what a methods section may say, and provenance."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lesionless.data.scan import Scan
from lesionless.preprocess.atlas import load_atlas
from lesionless.report.html import Html
from lesionless.report.quality import figures_of
from lesionless.report.scan_page import ScanReport, scan_page
from lesionless.scoring.threshold import OPERATING_POINTS
from lesionless.stages.segmented import Segmented


def page_of(name: str, scan: Scan, result: Segmented, record: Mapping[str, Any]) -> Html:
    """Return the page to look at; scan and reconstruction are drawn with air at 0.

    Args:
        name: Of the scan.
        scan: The scan.
        result: What a model finds in it.
        record: What `model_record` says of the model.
    """
    maps, software = result.maps, result.maps.software
    point, air = record["OperatingPoint"], np.float32(result.maps.air)
    return scan_page(
        ScanReport(
            name=name,
            image=scan.image - air,
            reconstruction=maps.reconstruction - air * maps.seen,
            anomaly=maps.anomaly,
            segmentation=result.segmentation,
            brain=maps.brain,
            affine=scan.affine,
            threshold=result.threshold,
            lesions=result.lesions,
            model=record["Model"],
            operating_point=point,
            methods=_methods(result, record, software["lesionless"]),
            quality=figures_of(maps.quality, maps.record),
            warnings=maps.record.get("messages", ()),
            provenance=_provenance(maps.record, record, software),
        )
    )


def _methods(result: Segmented, record: Mapping[str, Any], version: str) -> str:
    """Return the sentences for a methods section."""
    prepared = result.maps.record
    how, strip = prepared["settings"], prepared["strip"]["method"]
    brain = _BRAIN.get(strip, f"was found by {strip}")
    bias = ", and its bias field was corrected (N4)" if how["n4"] else ""
    smooth = ", smoothed by curvature flow" if how["curvature_iterations"] else ""
    promised = OPERATING_POINTS[record["OperatingPoint"]].description
    return (
        f"The scan was processed with lesionless {version}. The brain {brain}"
        f"{bias}; it was aligned to {load_atlas(how['space']).name} "
        f"by an affine transform, resampled to {how['matrix']} x {how['matrix']} pixels{smooth}, "
        "and scaled by its tissue. Its slices were rebuilt without lesions by the "
        f"model {record['Model']}. The anomaly score is given in standard deviations of normal "
        f"scans; the lesion mask is cut at {promised} (a score of {result.threshold:.2f})."
    )


_BRAIN = {"none": "had been stripped before", "mask": "was given by a mask"}


def _provenance(
    prepared: Mapping[str, Any], record: Mapping[str, Any], software: Mapping[str, Any]
) -> dict[str, Any]:
    """Return versions, settings and the model, one name and one value each."""
    packages = {f"{name} (package)": version for name, version in software["packages"].items()}
    plain = {name: value for name, value in software.items() if name != "packages"}
    settings = {f"{name} (setting)": on for name, on in prepared["settings"].items()}
    return {**plain, **packages, **settings, **record, "scan": _source(prepared)}


def _source(prepared: Mapping[str, Any]) -> str:
    source = prepared["sources"]["scan"]
    return f"{source['path']}, sha256 {source['sha256']}"
