"""The only registry: every method by name, as a value made of its parts' settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from lesionless.errors import UsageError
from lesionless.models.anogan import AnoGAN, AnoGANSettings
from lesionless.models.autoencoder import Autoencoder, AutoencoderSettings
from lesionless.models.denoising import Denoising, DenoisingSettings
from lesionless.models.ensemble import Ensemble, EnsembleSettings
from lesionless.models.intensity import (
    Intensity,
    IntensitySettings,
    LocalContrast,
    LocalContrastSettings,
)
from lesionless.models.map_restoration import MapRestoration, MapRestorationSettings
from lesionless.models.method import Method
from lesionless.models.restoration import Restoration, RestorationSettings

Settings = (
    AutoencoderSettings
    | AnoGANSettings
    | DenoisingSettings
    | EnsembleSettings
    | IntensitySettings
    | LocalContrastSettings
    | MapRestorationSettings
    | RestorationSettings
)

BUILDERS: Mapping[type, Any] = {
    AutoencoderSettings: Autoencoder,
    AnoGANSettings: AnoGAN,
    DenoisingSettings: Denoising,
    IntensitySettings: Intensity,
    LocalContrastSettings: LocalContrast,
    MapRestorationSettings: MapRestoration,
    RestorationSettings: Restoration,
}


@dataclass(frozen=True)
class Entry:
    """List one method.

    Attributes:
        settings: What the method is made of.
        about: One line for `lesionless models`.
        scoring: Where the method departs from the default scoring; fields of `ScoreSettings`.
    """

    settings: Settings
    about: str
    scoring: Mapping[str, Any] | None = None


CATALOGUE: Mapping[str, Entry] = {
    "dAE": Entry(AutoencoderSettings("dense", "AE", latent=512), "dense autoencoder"),
    "sAE1": Entry(AutoencoderSettings("spatial", "AE", halvings=5), "spatial autoencoder, 8x8"),
    "sAE3": Entry(AutoencoderSettings("spatial", "AE"), "spatial autoencoder, 16x16"),
    "sAE-GAN": Entry(
        AutoencoderSettings("spatial", "AE", adversarial=True), "spatial AE with discriminator"
    ),
    "dVAE": Entry(AutoencoderSettings("dense", "VAE", latent=512), "dense variational autoencoder"),
    "sVAE": Entry(AutoencoderSettings("spatial", "VAE"), "spatial variational autoencoder"),
    "sVAE-GAN": Entry(
        AutoencoderSettings("spatial", "VAE", adversarial=True), "spatial VAE with discriminator"
    ),
    "AnoGAN": Entry(AnoGANSettings(), "GAN with a search for the latent code"),
    "intensity": Entry(
        IntensitySettings(), "plain intensity over the tissue's", {"residual": "positive"}
    ),
    "intensity-equalised": Entry(
        IntensitySettings(), "histogram-equalised intensity", {"residual": "equalised"}
    ),
    "local-contrast": Entry(
        LocalContrastSettings(),
        "intensity over the local tissue mean, as a z-score by location",
        {"residual": "ratio", "location": True},
    ),
    "context-AE": Entry(
        AutoencoderSettings("spatial", "AE", cutouts=4), "sAE3 that fills in what is cut out"
    ),
    "sVAE-MAP": Entry(
        MapRestorationSettings("spatial", "VAE"), "sVAE that changes slices until they are likely"
    ),
    "denoising": Entry(
        DenoisingSettings(),
        "U-Net that takes coarse noise away",
        {"residual": "positive", "times_equalised": True},
    ),
    "restoration": Entry(
        RestorationSettings(contrasts=(1.0, 1.6)),
        "U-Net that takes synthetic lesions away",
        {
            "residual": "positive",
            "times_intensity": True,
            "filter": "none",
            "reach_mm": 2.0,
            "all_planes": True,
            "outside_white_matter": 0.5,
        },
    ),
}


def entry(name: str) -> Entry:
    """Return the entry of a method.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in CATALOGUE:
        raise UsageError(
            f"Expected a model of the catalogue ({', '.join(CATALOGUE)}), found {name!r}. "
            "`lesionless models` lists them."
        )
    return CATALOGUE[name]


def build(settings: Settings, *, seed: int = 0) -> Method:
    """Build the method that settings describe; its first weights depend on the seed alone.

    >>> build(CATALOGUE["intensity"].settings).updates()
    []
    """
    if isinstance(settings, EnsembleSettings):
        members = [build(member.settings, seed=seed) for member in settings.members]
        return Ensemble(settings, members)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method: Method = BUILDERS[type(settings)](settings)
    return method


def resized(settings: Settings, size: int, **changes: Any) -> Settings:
    """Return settings for slices of `size` rows, with further fields changed; lists become tuples.

    Raises:
        UsageError: A field does not belong to these settings, or its value does not fit.
    """
    fields = settings.__dataclass_fields__
    unknown = set(changes) - set(fields)
    if unknown:
        raise UsageError(
            f"Expected settings among {sorted(fields)}, found {sorted(unknown)}. Correct the names."
        )
    values = from_file(changes)
    if "size" in fields:
        values["size"] = size
    return replace(settings, **values)


def from_file(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that were read from a file: its lists become tuples."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
