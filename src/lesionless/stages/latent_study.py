"""The study of latent size: found where the networks of an experiment differ in that alone."""

from collections.abc import Mapping
from dataclasses import replace

from lesionless.evaluation.metrics import METRICS
from lesionless.evaluation.results import Results
from lesionless.models.autoencoder import AutoencoderSettings
from lesionless.models.blocks import halved
from lesionless.models.bundle import Bundle
from lesionless.report.figures import LatentPoint
from lesionless.report.table_cells import setting_of

STUDIED = {"auprc": "pooled", "dice": "subject"}
"""From a metric to the scope that is drawn."""


def latent_study(
    networks: Mapping[str, Bundle], results: Results, *, operating_point: str, region: str
) -> dict[str, list[LatentPoint]]:
    """Return metrics over the shape of the code; nothing where there is no study.

    There is one where all networks are autoencoders of at least two latent sizes that share
    every other setting, the scoring and the number of epochs.

    Args:
        networks: The trained networks by the name of their row.
        results: What the evaluation found.
        operating_point: Of metrics that need a threshold.
        region: `all` or the name of a region.
    """
    codes = {title: _code(bundle) for title, bundle in networks.items()}
    if len(set(codes.values())) < 2 or len({_rest(bundle) for bundle in networks.values()}) > 1:
        return {}
    return {
        METRICS[metric].label: [
            LatentPoint(label, n_values, *_found(results, title, metric, operating_point, region))
            for title, (label, n_values) in codes.items()
        ]
        for metric in STUDIED
    }


def _code(bundle: Bundle) -> tuple[str, int]:
    """Return the shape of a network's code, as in Table 1, and the number of its values."""
    settings = bundle.settings
    if not isinstance(settings, AutoencoderSettings) or settings.shape == "dense":
        latent: int = getattr(settings, "latent", 0)
        return str(latent), latent
    rows = halved(settings.size, settings.halvings)
    return f"{rows}x{rows}x{settings.latent}", rows**2 * settings.latent


def _rest(bundle: Bundle) -> str:
    """Describe everything about a network that is not the size of its code."""
    settings = bundle.settings
    if isinstance(settings, AutoencoderSettings):
        settings = replace(settings, latent=0, halvings=0)
    return repr((settings, dict(bundle.scoring), bundle.training["epochs"]))


def _found(
    results: Results, title: str, metric: str, operating_point: str, region: str
) -> tuple[float, float, float]:
    """Return a metric's value and its interval; nan where it is undefined."""
    setting = setting_of(metric, region, operating_point)
    found = results.find(
        title,
        metric,
        region=setting.region,
        operating_point=setting.operating_point,
        scope=STUDIED[metric],
    )
    nan = float("nan")
    return (found.value, found.lower, found.upper) if found else (nan, nan, nan)
