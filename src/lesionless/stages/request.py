"""What is to be trained, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lesionless.scoring.threshold import point_named
from lesionless.stages.calibrate import check_max_slices
from lesionless.training.loop import TrainSettings
from lesionless.training.normals import NormalsSettings

OPERATING_POINT = "fpr-1e-3"


@dataclass(frozen=True)
class TrainRequest:
    """Say what is to be trained.

    Attributes:
        model: A name of the catalogue; None with `start`.
        start: A trained model, by folder or shipped name, that is trained on.
        training: See `TrainSettings`.
        normals: See `NormalsSettings`.
        settings: Fields of the model's settings that differ from the catalogue's.
        scoring: Fields of `ScoreSettings` that differ from the catalogue's.
        operating_point: The one that masks are cut at; None for that of `start`, or
            `OPERATING_POINT`.
        calibration_slices: See `calibrate`.
    """

    model: str | None = None
    start: str | None = None
    training: TrainSettings = field(default_factory=TrainSettings)
    normals: NormalsSettings = field(default_factory=NormalsSettings)
    settings: Mapping[str, Any] = field(default_factory=dict)
    scoring: Mapping[str, Any] = field(default_factory=dict)
    operating_point: str | None = None
    calibration_slices: int | None = None

    def __post_init__(self) -> None:
        if self.operating_point is not None:
            point_named(self.operating_point)
        check_max_slices(self.calibration_slices)
