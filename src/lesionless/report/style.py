"""How all figures look, and how a figure becomes a file or a string of bytes."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from lesionless.provenance import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

WIDTH_INCH = 6.9
"""Width of every figure: an A4 page between its margins, so that 7 points print as 7 points."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00")
"""Told apart with every kind of colour vision. Source: Okabe and Ito 2008, yellow darkened."""

DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
"""Line styles that go with the colours, so that curves differ in print without colour too."""

NORMAL, LESION = COLOURS[0], COLOURS[1]
"""Colours of normal and lesion voxels in graphs; blue and red in the paper's Fig. 6."""

SEGMENTATION, REFERENCE = "#FFA60A", "#4CC9FF"
"""Colours of our mask and of the reference over a grey slice."""

HEAT = "inferno"
"""Colour map of residuals and scores: even in lightness, from black."""

_RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so figures look alike everywhere
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "regular",
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#444444",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "image.interpolation": "nearest",
    "savefig.facecolor": "white",
    "svg.hashsalt": "lesionless",
}

_SAVE: Any = {
    "png": {"metadata": {"Software": None}},
    "jpeg": {"pil_kwargs": {"quality": 88}},
    "svg": {"metadata": {"Date": None}},
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the common style, whatever the user's matplotlib settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Make a function draw in the common style."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with figure_style():
            return draw(*args, **kwargs)

    return wrapper


def new_figure(height_inch: float, *, width_inch: float = WIDTH_INCH) -> "Figure":
    """Return an empty figure that no window and no list of open figures knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(h_pad=0.03, w_pad=0.05, hspace=0.02, wspace=0.02)
    figure = Figure(figsize=(width_inch, height_inch), layout=engine)
    FigureCanvasAgg(figure)
    return figure


@styled
def figure_bytes(
    figure: "Figure", *, kind: Literal["png", "jpeg", "svg"] = "png", dpi: int = 150
) -> bytes:
    """Return a figure as an image file; the same figure gives the same bytes.

    Args:
        figure: What to draw.
        kind: `png` for graphs, `jpeg` for many slices, `svg` for print.
        dpi: Dots per inch.
    """
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=dpi, **_SAVE[kind])
    return stream.getvalue()


def save_figure(figure: "Figure", path: Path, *, dpi: int = 200) -> None:
    """Write a figure as the file type that its name says; it appears only when it is whole."""
    kind = path.suffix.removeprefix(".").replace("jpg", "jpeg")
    content = figure_bytes(figure, kind=kind, dpi=dpi)  # type: ignore[arg-type]
    with whole(path) as partial:
        partial.write_bytes(content)
