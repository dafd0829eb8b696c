"""What labels would give: a U-Net trained on all patients but one, judged on the one left out.

A reference for what is left to find; it is not a model of this package and is never shipped.
Network, changes of pose and scanner, optimiser and batch size are those of `restoration`.

Usage: python runs/supervised_reference.py PREPARED OUT [EPOCHS]
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from lesionless import store
from lesionless.evaluation.archive import write_results
from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.models import losses
from lesionless.models.appearance import moved, rescanned
from lesionless.models.method import Losses, Update
from lesionless.models.restoration import Restoration, RestorationSettings
from lesionless.preprocess.prepared import PreparedScan
from lesionless.report.table_formats import to_markdown
from lesionless.report.tables import operating_point_table, summary_table
from lesionless.stages.cases import level_mask, spacing_mm
from lesionless.training.loop import TrainSettings, train

EPOCHS = 40
CUT = "p > 0.5"


class Supervised(Restoration):
    """Learn the lesions that a patient really has; a slice and its lesions come as one image."""

    def updates(self) -> list[Update]:
        """Return the one update."""
        rate = self.settings.learning_rate
        return [Update("supervised", list(self.network.parameters()), rate, self._supervised)]

    def probability(self, x: Tensor) -> Tensor:
        """Return the probability of lesion, 0 where a slice never holds brain."""
        rows, columns = self._inside
        p = torch.zeros_like(x)
        p[..., rows, columns] = torch.sigmoid(self._found(x[..., rows, columns])[0])
        return p

    def _supervised(self, both: Tensor, generator: torch.Generator) -> Losses:
        rows, columns = self._inside
        drawn = int(torch.randint(2**62, (1,), generator=generator).item())
        planes = both[:, 0, :, columns].numpy()
        image, lesion = planes[:, : planes.shape[1] // 2], planes[:, planes.shape[1] // 2 :]
        pairs = [
            _varied(np.random.default_rng([drawn, n]), i, m)
            for n, (i, m) in enumerate(zip(image[:, rows], lesion[:, rows], strict=True))
        ]
        x, truth = (torch.from_numpy(np.stack(part)[:, None]) for part in zip(*pairs, strict=True))
        logit = self._found(x)[0]
        brain = (x > 0).float()
        weight = brain * (1 + self.settings.lesion_weight * truth)
        missed = binary_cross_entropy_with_logits(logit, truth, reduction="none")
        terms = {
            "segmentation": (missed * weight).sum() / brain.sum().clamp(min=1),
            "overlap": 0.5 * losses.overlap(torch.sigmoid(logit) * brain, truth),
        }
        return Losses(terms)


def main(prepared: Path, out: Path, epochs: int) -> None:
    """Train and judge once per patient; write results, and the tables as `tables.md`."""
    scans = [store.load(path) for path in store.paths(prepared)]
    results = evaluate(_cases(scans, out, epochs), EvaluationSettings())
    write_results(results, out / "results")
    tables = [
        table
        for region in ("all", "mid")
        for table in (
            summary_table(results, operating_point=CUT, region=region),
            operating_point_table(results, region=region),
        )
    ]
    text = "\n\n".join(to_markdown(table) for table in tables)
    (out / "tables.md").write_text(text + "\n", encoding="utf-8")


def _cases(scans: Sequence[PreparedScan], out: Path, epochs: int) -> Iterator[Case]:
    for left_out in scans:
        others = [scan for scan in scans if scan.subject != left_out.subject]
        p = _predicted(_trained(others, out / left_out.subject, epochs), left_out)
        yield Case(
            subject=left_out.subject,
            name=left_out.name,
            method="supervised, one left out",
            score=p,
            brain=left_out.brain,
            lesion=left_out.lesion,
            segmentations={CUT: p > 0.5},
            spacing_mm=spacing_mm(left_out),
            regions={"mid": level_mask(left_out, "mni152", "mid")},
        )


def _trained(scans: Sequence[PreparedScan], folder: Path, epochs: int) -> nn.Module:
    torch.manual_seed(0)
    method = Supervised(RestorationSettings())
    slices = np.concatenate([np.concatenate([s.image, s.lesion], axis=1) for s in scans])
    settings = TrainSettings(epochs=epochs, beta1=0.9, decay="cosine")
    train(method, slices.astype(np.float32), settings, folder, about={"left out": folder.name})
    return method


def _predicted(method: nn.Module, scan: PreparedScan) -> np.ndarray:
    with torch.inference_mode():
        x = torch.from_numpy(scan.image[:, None])
        p = torch.cat([method.probability(x[n : n + 8]) for n in range(0, len(x), 8)])
    return p[:, 0].numpy() * scan.brain


def _varied(
    noise: np.random.Generator, image: np.ndarray, lesion: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move image and lesions alike, then change the scanner."""
    pose = int(noise.integers(2**62))
    image, lesion = (moved(np.random.default_rng(pose), plane) for plane in (image, lesion))
    (image,) = rescanned(noise, [image])
    return image, (lesion > 0.5).astype(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else EPOCHS)
