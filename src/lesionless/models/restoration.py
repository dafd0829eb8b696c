"""A network that takes synthetic lesions away again, and real ones with them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lesionless.errors import UsageError
from lesionless.models import losses
from lesionless.models.appearance import Variation, moved, rescanned, stretched
from lesionless.models.corruption import Shape, bumpy_ellipse, implant, region
from lesionless.models.findings import Findings
from lesionless.models.method import Losses, Update
from lesionless.models.unet import UNet
from lesionless.models.window import brain_window
from lesionless.preprocess.prepared import FIELD_OF_VIEW_MM

LESION = 0.05  # share of lesion from which a pixel counts as one
SPREAD_STEPS = (1, 2, 3)  # by which a window of one pixel grows, never by more than it is long
SPREAD_PIXELS = 1 + sum(SPREAD_STEPS)  # a lesion's pixel is as bright as the most in this square


@dataclass(frozen=True)
class RestorationSettings:
    """Describe a restoration network.

    Attributes:
        size: Rows (= columns) of the slices, which show `FIELD_OF_VIEW_MM`.
        widths: Channels at each level of the U-Net.
        learning_rate: Of Adam.
        variation: How far pose and scanner vary in training, as a share of `Variation`.
        lesion_weight: How much more a lesion's pixels count than others.
        lambda_segmentation: Weight of the cross-entropy between found and true lesions: those
            that were implanted, or taken for lesion in patients.
        lambda_overlap: Weight of one minus their Dice.
        lambda_restoration: Weight of the mean absolute error of the restored slice.
        patients_share: Share of the examples that are slices of patients, where there are any.
        contrasts: Stretches of the contrast between tissues at which a slice is looked at when it
            is rebuilt; what is taken away is the mean. Every second look is at the mirror image, a
            pixel aside, so that their order matters.
        enlargement: How much larger the network sees a slice, at least 1 and less than 2, so that
            small lesions cover more of its pixels. Taken from the nearest share of the pixels in
            the network's coarsest cell: 1.25 is 16 / 13 where that has 16 along each axis.

    Raises:
        UsageError: There is no contrast, or one is not a number above 0, or the enlargement is
            out of its range.
    """

    size: int = 256
    widths: tuple[int, ...] = (32, 64, 96, 128)
    learning_rate: float = 1e-3
    variation: float = 1.0
    lesion_weight: float = 3.0
    lambda_segmentation: float = 1.0
    lambda_overlap: float = 0.5
    lambda_restoration: float = 2.0
    patients_share: float = 0.25
    contrasts: tuple[float, ...] = (1.0,)
    enlargement: float = 1.0

    def __post_init__(self) -> None:
        looks = self.contrasts if isinstance(self.contrasts, tuple) else ()
        if not looks or not all(isinstance(c, int | float) and 0 < c < math.inf for c in looks):
            raise UsageError(
                f"Expected contrasts above 0, such as (1.0, 1.6), found {self.contrasts!r}."
            )
        if not 1 <= self.enlargement < 2:
            raise UsageError(
                f"Expected an enlargement from 1 to less than 2, found {self.enlargement!r}."
            )


class Restoration(nn.Module):
    """Say of each pixel whether it is lesion and how much too bright; take that away.

    It learns from slices without lesions, in which some are implanted, under changing pose and
    scanner, and from patients' slices if it is given what was found in them. No label of a real
    lesion takes part.

    Attributes:
        shape: What draws the shapes of the implanted lesions.
        findings: Slices of patients, and what another model has found in them, to learn from too.
        reduced_precision: bfloat16 moves the reconstruction by less than 0.01.
    """

    reduced_precision = True
    shape: Shape = staticmethod(bumpy_ellipse)
    findings: Findings | None = None

    def __init__(self, settings: RestorationSettings) -> None:
        super().__init__()
        self.settings = settings
        self._variation = Variation().scaled(settings.variation)
        self.network = UNet(settings.widths, maps=2)
        self._cell = round(self.network.multiple / settings.enlargement)  # pixels of the slice
        self._inside = brain_window(settings.size, multiple=math.lcm(self._cell, 2))

    def updates(self) -> list[Update]:
        """Return the one update of the network."""
        parameters = list(self.network.parameters())
        return [Update("restoration", parameters, self.settings.learning_rate, self._loss)]

    def reconstruct(
        self, x: Float[Tensor, "batch 1 row column"]
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices with what is taken for lesion taken away.

        Pixels at a lesion's edge are partly tissue, which p says; what they would hold if they
        were all lesion is told by the core beside them: x - p max(p d), the maximum taken over
        `SPREAD_PIXELS`. So faint edges of bright lesions rank before bright normal tissue. What is
        taken away is the mean over several looks, at which the network errs at different places.
        """
        return self._without(x, range(len(self.settings.contrasts)))

    def glance(self, x: Float[Tensor, "batch 1 row column"]) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices with what the last look alone takes for lesion taken away."""
        return self.look(x, -1)

    def look(
        self, x: Float[Tensor, "batch 1 row column"], number: int
    ) -> Float[Tensor, "batch 1 row column"]:
        """Return the slices with what one look alone takes for lesion taken away.

        Args:
            x: In [0, 1].
            number: Of the look; beyond the last one they are counted from the first again.
        """
        return self._without(x, [number % len(self.settings.contrasts)])

    def _without(self, x: Tensor, looks: Sequence[int]) -> Tensor:
        """Return the slices without the mean of what some looks take away."""
        rows, columns = self._inside
        taken = [self._taken_at(x[..., rows, columns], number) for number in looks]
        x_hat = x.clone()
        x_hat[..., rows, columns] -= torch.stack(taken).mean(dim=0).to(x.dtype)
        return x_hat

    def _taken_at(self, x: Tensor, number: int) -> Tensor:
        """Return what is taken away at one contrast, of the slice or of its mirror image."""
        seen = stretched(x, self.settings.contrasts[number]).clip(0, 1)
        return _mirrored_back(self._taken(_mirrored(seen))) if number % 2 else self._taken(seen)

    def _taken(self, x: Tensor) -> Tensor:
        """Return p max(p d)."""
        logit, excess = self._found(x)
        probability = torch.sigmoid(logit)
        return probability * _highest_nearby(probability * excess)

    def _found(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logit of lesion, and the excess if it is one, never below 0."""
        shape = x.shape[-2:]
        seen = _resized(x, [n // self._cell * self.network.multiple for n in shape])
        found = _resized(self.network(seen), shape)
        return found[:, :1], functional.softplus(found[:, 1:] - 2)

    def _loss(self, x: Tensor, generator: torch.Generator) -> Losses:
        rows, columns = self._inside
        patient, clean, lesion, brain = self._examples(x[..., rows, columns], generator)
        logit, excess = self._found(patient)
        pixels = brain.sum().clamp(min=1)
        weight = brain * (1 + self.settings.lesion_weight * (lesion > LESION))
        missed = functional.binary_cross_entropy_with_logits(logit, lesion, reduction="none")
        probability = torch.sigmoid(logit) * brain
        off = (patient - probability * excess - clean).abs()
        how = self.settings
        terms = {
            "segmentation": how.lambda_segmentation * (missed * weight).sum() / pixels,
            "overlap": how.lambda_overlap * losses.overlap(probability, lesion),
            "restoration": how.lambda_restoration * (off * weight).sum() / pixels,
        }
        return Losses(terms)

    def _examples(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return slices with lesions, without, the lesions, and the brain as far as it counts."""
        drawn = torch.randint(2**62, (1,), generator=generator, device=generator.device)
        noise = np.random.default_rng(int(drawn.item()))
        pixel_mm = FIELD_OF_VIEW_MM / self.settings.size
        planes = x[:, 0].float().cpu().numpy()
        examples = [self._example(noise, plane, pixel_mm) for plane in planes]
        parts = (np.stack(part)[:, np.newaxis] for part in zip(*examples, strict=True))
        return tuple(torch.from_numpy(part).to(x.device) for part in parts)

    def _example(
        self, noise: np.random.Generator, plane: np.ndarray, pixel_mm: float
    ) -> tuple[np.ndarray, ...]:
        if self.findings is not None and noise.random() < self.settings.patients_share:
            return self._patient(noise, self.findings, pixel_mm)
        (clean,) = moved(noise, [plane], self._variation)
        patient, lesion = self._implanted(noise, clean, pixel_mm)
        patient, clean = rescanned(noise, [patient, clean], self._variation)
        return patient, clean, lesion, region(clean).astype(np.float32)

    def _patient(
        self, noise: np.random.Generator, findings: Findings, pixel_mm: float
    ) -> tuple[np.ndarray, ...]:
        """Take a patient's slice, implant lesions beside those found, leave the unsure unjudged."""
        planes = [plane[self._inside] for plane in findings.draw(noise)]
        image, clean, found, unsure = moved(noise, planes, self._variation)
        patient, implanted = self._implanted(noise, image, pixel_mm)
        patient, clean = rescanned(noise, [patient, clean], self._variation)
        judged = region(clean) & ((unsure <= 0.5) | (implanted > LESION))
        return patient, clean, np.maximum(found, implanted) * judged, judged.astype(np.float32)

    def _implanted(
        self, noise: np.random.Generator, x: np.ndarray, pixel_mm: float
    ) -> tuple[np.ndarray, np.ndarray]:
        shape = self.shape if self.findings is None else self.findings.shape
        return implant(noise, x, pixel_mm=pixel_mm, shape=shape)


def _mirrored(x: Tensor) -> Tensor:
    """Mirror slices and move them by a pixel, so that the network folds others together."""
    return x.flip(-1).roll((1, 1), (-2, -1))


def _mirrored_back(x: Tensor) -> Tensor:
    return x.roll((-1, -1), (-2, -1)).flip(-1)


def _resized(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Interpolate linearly to other rows and columns, unless they are those."""
    if tuple(x.shape[-2:]) == tuple(shape):
        return x
    return functional.interpolate(x, size=tuple(shape), mode="bilinear", align_corners=False)


def _highest_nearby(excess: Tensor) -> Tensor:
    """Return the maximum over a square: of 2, 4, then 7 rows, and of so many columns.

    It equals that of `max_pool2d`, which is many times as slow.
    """
    highest = functional.pad(excess, [SPREAD_PIXELS // 2] * 4)
    for axis in (-2, -1):
        for step in SPREAD_STEPS:
            n = highest.shape[axis] - step
            highest = torch.maximum(highest.narrow(axis, 0, n), highest.narrow(axis, step, n))
    return highest
