"""Write a trained model for other programs."""

from pathlib import Path

from lesionless.errors import UsageError
from lesionless.models import bundle as bundles
from lesionless.runtime import onnx


def export(model: str | Path, out: Path, *, overwrite: bool = False) -> None:
    """Write a model's network as an ONNX graph, what it says of itself in the metadata.

    Args:
        model: A model folder, or the name of a shipped model.
        out: The file.
        overwrite: Whether a file that is there is replaced.

    Raises:
        ModelError: There is no such model.
        UsageError: See `onnx.write`; or the file, or a folder of that name, is there.
    """
    if out.is_dir():
        raise UsageError(f"{out}: expected a file's name, found a folder. Give a name in it.")
    if out.exists() and not overwrite:
        raise UsageError(f"{out}: expected no file yet, found one. Give --overwrite.")
    bundle = bundles.load(model)
    about = bundles.describe(bundle)
    onnx.write(bundle.method, out, size=bundle.prepare["matrix"], about=about)
