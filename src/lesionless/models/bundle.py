"""A trained model in a folder: weights, settings, normative scores and operating points."""

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from lesionless.errors import ModelError, UsageError
from lesionless.models.catalogue import Settings, build, entry, from_file
from lesionless.models.ensemble import EnsembleSettings, Member
from lesionless.provenance import whole, write_text_whole

DESCRIPTION = "model.json"
WEIGHTS = "weights.safetensors"
NORMATIVE = "normative.npz"
SHIPPED = Path(__file__).parent / "shipped"

# What json, safetensors, numpy and torch raise for missing, damaged or foreign files
_BROKEN = (
    *(OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError),
    *(SafetensorError, zipfile.BadZipFile, UsageError),
)


@dataclass(frozen=True, eq=False)
class Bundle:
    """Hold all that segmenting a scan needs.

    Attributes:
        name: Name in the catalogue; those of an ensemble's members, joined by +.
        settings: What the network is made of.
        prepare: How scans are prepared; fields of `PrepareSettings`.
        scoring: How scores are made; fields of `ScoreSettings`.
        normative: Arrays `centre` and `spread` of the normals' scores.
        thresholds: Operating points by name, in units of the normals' spread; infinite where
            there were too few normal scans.
        operating_point: The one that masks are cut at.
        training: What the model was trained on and how; JSON values only.
        suffix: BIDS suffix of the scans that it learnt from; empty where models of earlier
            versions do not say it.
        method: The network with its weights, in evaluation mode.
    """

    name: str
    settings: Settings
    prepare: Mapping[str, Any]
    scoring: Mapping[str, Any]
    normative: Mapping[str, np.ndarray]
    thresholds: Mapping[str, float]
    operating_point: str
    training: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = ""
    method: Any = None


def save(bundle: Bundle, folder: Path) -> None:
    """Write a bundle; the description comes last, so that a folder with one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (DESCRIPTION, WEIGHTS, NORMATIVE):
        (folder / name).unlink(missing_ok=True)
    weights = {name: w.contiguous() for name, w in bundle.method.state_dict().items()}
    if weights:
        with whole(folder / WEIGHTS) as partial:
            partial.write_bytes(to_bytes(weights))  # with the permissions of all other files
    with whole(folder / NORMATIVE) as partial:
        np.savez_compressed(partial, allow_pickle=False, **bundle.normative)
    text = json.dumps(describe(bundle), indent=2, allow_nan=False) + "\n"
    write_text_whole(folder / DESCRIPTION, text)


def describe(bundle: Bundle) -> dict[str, Any]:
    """Return all of a bundle but its arrays, as JSON values."""
    return {
        "name": bundle.name,
        "suffix": bundle.suffix,
        "settings": asdict(bundle.settings),
        "prepare": dict(bundle.prepare),
        "scoring": dict(bundle.scoring),
        "thresholds": {
            point: threshold if math.isfinite(threshold) else None  # JSON knows no infinity
            for point, threshold in bundle.thresholds.items()
        },
        "operating_point": bundle.operating_point,
        "training": dict(bundle.training),
    }


def load(model: str | Path) -> Bundle:
    """Read a bundle from a folder, or one that is shipped with the package by its name.

    Raises:
        ModelError: There is none, or it is broken.
    """
    folder = folder_of(model)
    try:
        text = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        settings = _settings(text["name"], text["settings"])
        method: Any = build(settings)
        if method.state_dict():
            method.load_state_dict(from_bytes((folder / WEIGHTS).read_bytes()))
        with np.load(folder / NORMATIVE, allow_pickle=False) as arrays:
            normative = {name: arrays[name] for name in arrays.files}
        method.eval()
        fields = {**text, "settings": settings, "thresholds": _thresholds(text["thresholds"])}
        return Bundle(**fields, normative=normative, method=method)
    except PermissionError as error:
        raise ModelError(
            f"{error.filename}: expected a file of a model that may be read, found that it may "
            "not. Ask its owner for permission to read it."
        ) from error
    except _BROKEN as error:
        raise ModelError(
            f"{folder}: expected a trained model, found {type(error).__name__}: {error}. "
            "Train it again with `lesionless train`."
        ) from error


def shipped() -> list[str]:
    """List the names of the models that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))


def is_complete(folder: Path) -> bool:
    """Say whether a folder holds a whole bundle."""
    return (folder / DESCRIPTION).exists()


def folder_of(model: str | Path) -> Path:
    """Return the folder of a trained model, or of one that is shipped with the package.

    Raises:
        ModelError: There is none.
    """
    for folder in (Path(model), SHIPPED / str(model)):
        if is_complete(folder):
            return folder
    raise ModelError(
        f"Expected a model folder or a shipped model ({', '.join(shipped())}), found {model}. "
        "Train one with `lesionless train PREPARED MODEL_DIR`."
    )


def _thresholds(found: Mapping[str, float | None]) -> dict[str, float]:
    """Return thresholds; one that no finite number could keep is null in the file."""
    return {point: math.inf if value is None else value for point, value in found.items()}


def _settings(name: str, fields: dict[str, Any]) -> Settings:
    if "members" in fields:
        members = [(m["name"], _settings(m["name"], m["settings"])) for m in fields["members"]]
        return EnsembleSettings(tuple(Member(*member) for member in members))
    kind: Any = type(entry(name).settings)
    settings: Settings = kind(**from_file(fields))
    return settings
