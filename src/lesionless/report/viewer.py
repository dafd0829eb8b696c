"""A viewer of slices for a page: a slider over pictures that lie in the page itself.

Each layer (scan, reconstruction, heat map, outline) is one picture with all slices side by side;
the script shows one slice of each by shifting it. Without the script nothing is shown.
"""

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import UInt8

from lesionless.arrays import SliceMask, Slices
from lesionless.report.html import Html, data_address
from lesionless.report.montage import tiled
from lesionless.report.style import HEAT, SEGMENTATION

COLUMNS = 8  # slices side by side in a picture; keeps both its sides short


@dataclass(frozen=True, eq=False)
class Layer:
    """Hold one layer of the viewer.

    Attributes:
        label: Its name at the switch.
        picture: All slices side by side, JPEG or PNG.
        is_shown: Whether it is on at first.
        is_base: Whether it fills the picture; of those, one is shown at a time.
    """

    label: str
    picture: bytes
    is_shown: bool
    is_base: bool


def grey_layer(
    label: str, image: Slices, *, white: float, is_shown: bool = False, quality: int = 80
) -> Layer:
    """Return slices as a layer that fills the picture.

    Args:
        label: Its name.
        image: (slice, row, column) intensity.
        white: Intensity drawn white.
        is_shown: Whether it is on at first.
        quality: Of the JPEG, up to 95.
    """
    grey = np.round(np.clip(image / white, 0, 1) * 255).astype(np.uint8)
    picture = _encoded(_sheet(grey), "JPEG", quality=quality)
    return Layer(label, picture, is_shown=is_shown, is_base=True)


def heat_layer(label: str, score: Slices, *, bottom: float, top: float) -> Layer:
    """Return scores as a layer of colours, clear below `bottom`, that ends at `top`.

    Args:
        label: Its name.
        score: (slice, row, column).
        bottom: Lower scores are not drawn.
        top: Score at the end of the colours, which start at 0.
    """
    from matplotlib import colormaps

    # 32 steps of colour: no more can be told apart over a scan, and the picture stays light
    step = np.where(score > bottom, 1 + np.clip(score / top * 31, 0, 30.99).astype(int), 0)
    colours = (colormaps[HEAT](np.linspace(0, 1, 31))[:, :3] * 255).round().astype(np.uint8)
    palette = np.vstack([np.zeros((1, 3), np.uint8), colours])
    picture = _indexed(_sheet(step.astype(np.uint8)), palette)
    return Layer(label, picture, is_shown=False, is_base=False)


def outline_layer(
    label: str, mask: SliceMask, *, colour: str = SEGMENTATION, is_shown: bool = True
) -> Layer:
    """Return a mask as a layer of its borders: the pixels around it that touch it."""
    from matplotlib.colors import to_rgb
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    border = ndimage.binary_dilation(mask, cross) & ~mask
    palette = np.array([[0, 0, 0], np.round(np.array(to_rgb(colour)) * 255)], dtype=np.uint8)
    return Layer(label, _indexed(_sheet(border.astype(np.uint8)), palette), is_shown, False)


def viewer(
    layers: Sequence[Layer],
    captions: Sequence[str],
    *,
    shape: tuple[int, int],
    aspect: float = 1.0,
    start: int = 0,
) -> Html:
    """Return the viewer.

    Args:
        layers: Bottom first; at least one fills the picture.
        captions: One per slice.
        shape: Rows and columns of a slice.
        aspect: Height of a pixel over its width.
        start: The slice that is shown first.
    """
    columns = min(COLUMNS, len(captions))
    about = {
        "captions": list(captions),
        "columns": columns,
        "rows": math.ceil(len(captions) / columns),
        "ratio": shape[1] / (shape[0] * aspect),
        "layers": [
            {"shown": layer.is_shown, "base": layer.is_base, "source": data_address(layer.picture)}
            for layer in layers
        ],
    }
    stage = "".join("<div></div>" for _ in layers)
    switches = "".join(_switch(number, layer) for number, layer in enumerate(layers))
    content = json.dumps(about, ensure_ascii=False).replace("<", "\\u003c")
    return Html(
        '<div class="viewer-part" hidden>\n<div class="viewer" role="group" '
        f'aria-label="Slices of the scan">\n<div class="stage">{stage}</div>\n'
        '<div class="controls">\n<label for="slice">Slice</label>\n'
        f'<input id="slice" type="range" min="0" max="{len(captions) - 1}" value="{start}">\n'
        f'<output for="slice"></output>\n</div>\n<div class="controls">{switches}</div>\n</div>\n'
        '<p class="note">Move with the slider, the arrow keys or the mouse wheel. '
        "The patient's right is on the left.</p>\n"
        f'<script type="application/json" id="viewer-slices">{content}</script>\n'
        f"<script>\n{_script()}</script>\n</div>"
    )


def _switch(number: int, layer: Layer) -> str:
    kind, name = ("radio", ' name="base"') if layer.is_base else ("checkbox", "")
    checked = " checked" if layer.is_shown else ""
    return (
        f'<label><input type="{kind}"{name} data-layer="{number}"{checked}> '
        f"{escape(layer.label)}</label>"
    )


def _sheet(slices: UInt8[np.ndarray, "slice row column"]) -> UInt8[np.ndarray, "y x"]:
    """Lay slices side by side, `COLUMNS` in a line."""
    return tiled(slices, n_columns=min(COLUMNS, len(slices)))


def _indexed(index: UInt8[np.ndarray, "y x"], palette: UInt8[np.ndarray, "colour 3"]) -> bytes:
    """Return a PNG whose pixels are colours of a palette; colour 0 is clear."""
    from PIL import Image

    image = Image.fromarray(index)
    image.putpalette(palette.tobytes())
    return _encoded(image, "PNG", transparency=0, optimize=True)


def _encoded(image: Any, kind: str, **options: Any) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    picture.save(stream, format=kind, **options)
    return stream.getvalue()


def _script() -> str:
    return (files("lesionless.report") / "viewer.js").read_text(encoding="utf-8")
