"""Commands around one model: train, calibrate, models, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lesionless.cli.app import DONE, Count, app, ready_torch
from lesionless.cli.show import Show

if TYPE_CHECKING:
    from rich.table import Table


@app.command
def train(
    prepared: Path,
    model_dir: Path,
    /,
    *,
    model: str | None = None,
    start: str | None = None,
    epochs: int = 150,
    batch_size: int = 8,
    seed: int = 0,
    margin: int = 2,
    beside_lesions_mm: float | None = None,
    every: int = 1,
    also: tuple[Path, ...] = (),
    patients: Path | None = None,
    val_fraction: float = 0.2,
    slices: Literal["all", "mid", "paper"] = "all",
    beta1: float = 0.5,
    decay: Literal["none", "cosine"] = "none",
    rate: float = 1.0,
    precision: Literal["auto", "bf16", "fp32"] = "auto",
    operating_point: str | None = None,
    calibration_slices: int | None = None,
    threads: Count | None = None,
    device: str = "cpu",
    overwrite: bool = False,
) -> int:
    """Train a model on slices without lesions and set its thresholds; resumable.

    Args:
        prepared: Folder written by `prepare`.
        model_dir: Folder for the model; a stopped run in it goes on.
        model: A name listed by `lesionless models`; sVAE-GAN by default.
        start: Instead, a model folder or the name of a shipped model, to be trained on.
        epochs: Passes over the slices.
        batch_size: Slices per batch.
        seed: Of weights, batches, noise and split.
        margin: Slices next to a lesion that are not used.
        beside_lesions_mm: Use all slices instead, without the tissue closer than this to a lesion.
        every: Learn from every n-th slice of a scan.
        also: Further prepared folder to learn from, such as phantoms; may be repeated. None of its
            subjects is kept back, unless its participants.tsv says so.
        patients: Prepared folder of patients' scans without labels: what the model given by --start
            finds in them is learnt as lesion; all their slices are kept in memory. For restoration.
        val_fraction: Share of subjects kept for thresholds where participants.tsv has no split.
        slices: Heights to learn from.
        beta1: First decay of Adam.
        decay: How learning rates fall from epoch to epoch.
        rate: Learning rates as a share of the usual ones; 0.3 suits a model that is trained on.
        precision: auto uses bf16 where the device is faster by it.
        operating_point: Where masks are cut; that of --start, or fpr-1e-3, by default.
        calibration_slices: At most so many normal slices, of those to learn from and of those held
            back, set the thresholds; for AnoGAN, which searches seconds per slice.
        threads: Threads of torch; all cores by default.
        device: A torch device.
        overwrite: Throw away an earlier run in the folder.
    """
    from lesionless.stages.request import TrainRequest
    from lesionless.stages.train import train_model
    from lesionless.training.loop import TrainSettings
    from lesionless.training.normals import NormalsSettings

    ready_torch(device, threads)
    name = model if model or start else "sVAE-GAN"
    request = TrainRequest(
        model=name,
        start=start,
        training=TrainSettings(
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            beta1=beta1,
            decay=decay,
            rate=rate,
            precision=precision,
            device=device,
        ),
        normals=NormalsSettings(
            margin=margin,
            val_fraction=val_fraction,
            seed=seed,
            levels=slices,
            every=every,
            beside_lesions_mm=beside_lesions_mm,
        ),
        operating_point=operating_point,
        calibration_slices=calibration_slices,
    )
    with Show() as show:
        train_model(
            prepared,
            model_dir,
            request,
            also=also,
            patients=patients,
            overwrite=overwrite,
            on_epoch=show.epochs(start or str(name)),
            track=show.track,
        )
    print(f"model in {model_dir}")
    return DONE


@app.command
def calibrate(
    prepared: Path,
    model_dir: Path,
    /,
    *,
    model: tuple[str, ...] = ("restoration",),
    margin: int = 2,
    beside_lesions_mm: float | None = None,
    val_fraction: float = 0.2,
    seed: int = 0,
    slices: Literal["all", "mid", "paper"] = "all",
    operating_point: str | None = None,
    calibration_slices: int | None = None,
    threads: Count | None = None,
    device: str = "cpu",
    overwrite: bool = False,
) -> int:
    """Set a trained model's thresholds on your own healthy scans; several models become one.

    Args:
        prepared: Folder written by `prepare`.
        model_dir: Folder for the new model.
        model: A model folder, or the name of a shipped model; repeated, their mean is taken.
        margin: Slices next to a lesion that are not used.
        beside_lesions_mm: Use all slices instead, without the tissue closer than this to a lesion.
        val_fraction: Share of subjects kept for thresholds where participants.tsv has no split.
        seed: Of that split.
        slices: Heights that are used.
        operating_point: Where masks are cut; the first model's by default.
        calibration_slices: At most so many normal slices of either part are used; for AnoGAN, which
            searches seconds per slice.
        threads: Threads of torch; all cores by default.
        device: A torch device.
        overwrite: Throw away an earlier model in the folder.
    """
    from lesionless.stages.recalibrate import recalibrate
    from lesionless.training.normals import NormalsSettings

    ready_torch(device, threads)
    normals = NormalsSettings(
        margin=margin,
        val_fraction=val_fraction,
        seed=seed,
        levels=slices,
        beside_lesions_mm=beside_lesions_mm,
    )
    with Show() as show:
        recalibrate(
            model,
            prepared,
            model_dir,
            normals,
            operating_point=operating_point,
            max_slices=calibration_slices,
            device=device,
            overwrite=overwrite,
            track=show.track,
        )
    print(f"model in {model_dir}")
    return DONE


@app.command
def models(model: str | None = None, /) -> int:
    """List the methods that can be trained and the models that are shipped, or describe a model.

    Args:
        model: A model folder, or the name of a shipped model, whose scans and operating points are
            listed instead.
    """
    from rich.console import Console

    Console().print(_catalogue() if model is None else _described(model))
    return DONE


def _catalogue() -> "Table":
    from rich.table import Table

    from lesionless.models.bundle import shipped
    from lesionless.models.catalogue import CATALOGUE

    table = Table("name", "what it is", "shipped")
    for name, listed in CATALOGUE.items():
        table.add_row(name, listed.about, "yes" if name in shipped() else "")
    return table


def _described(model: str) -> "Table":
    """List the operating points of a trained model, that of its masks marked by a star."""
    from rich.table import Table

    from lesionless.models.bundle import load
    from lesionless.scoring.threshold import point_named

    bundle = load(model)
    how = bundle.prepare
    scans = f"{bundle.suffix or 'scans'}, {how['matrix']} x {how['matrix']} pixels, {how['space']}"
    table = Table(
        "operating point",
        "score above",
        "means",
        title=f"{bundle.name}: {scans}",
        caption="* where masks are cut",
    )
    for name, threshold in bundle.thresholds.items():
        mark = " *" if name == bundle.operating_point else ""
        table.add_row(name + mark, f"{threshold:.4g}", point_named(name).description)
    return table


@app.command
def export(
    model: str,
    out: Path | None = None,
    /,
    *,
    format: Literal["onnx"] = "onnx",  # the option's name, which hides no builtin that is used here
    overwrite: bool = False,
) -> int:
    """Write a model's network for other programs; needs `pip install '.[onnx]'`.

    Args:
        model: A model folder, or the name of a shipped model.
        out: The file; by default the model's name with the format's ending, in this folder.
        format: onnx: prepared slices in, reconstruction out, both (batch, 1, row, column) float32.
        overwrite: Replace a file that is there.
    """
    from lesionless.stages import export as stage

    path = out or Path(f"{Path(model).name}.{format}")
    stage.export(model, path, overwrite=overwrite)
    print(f"network in {path}")
    return DONE
