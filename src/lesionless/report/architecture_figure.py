"""The paper's Fig. 3: the architectures, drawn from the models themselves."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lesionless.errors import UsageError
from lesionless.report.architecture import Architecture, Block, has_code, read_architecture
from lesionless.report.style import new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

_GAP = 0.28  # between blocks, in units of the height of a whole slice
_SLICE, _CODE = "#555555", "#D55E00"
_PARTS = ("#0072B2", "#56B4E9", "#009E73", "#CC79A7", "#8C8C00")  # see style.COLOURS


@styled
def architecture_figure(methods: Mapping[str, "nn.Module"]) -> "Figure":
    """Draw every network with a code as a row of blocks, with the shapes that they really give.

    The height of a block stands for its rows, its width for its channels, both as logarithms.
    Methods without a code are left out: those without a network, and U-Nets.

    Args:
        methods: From the name to the model.

    Raises:
        UsageError: No method has a code.

    Source: Baur et al. 2018, Fig. 3.
    """
    read = {name: read_architecture(model) for name, model in methods.items() if has_code(model)}
    if not read:
        raise UsageError(f"Expected a network with a code, found {list(methods)}.")
    figure = new_figure(1.05 * len(read) + 0.3)
    axes = figure.subplots(len(read), 1, squeeze=False)[:, 0]
    parts = dict.fromkeys(block.part for one in read.values() for block in one.blocks)
    colours = dict(zip(parts, _PARTS, strict=False))
    widest = max(_draw(cell, one, colours) for cell, one in zip(axes, read.values(), strict=True))
    for cell, (name, one) in zip(axes, read.items(), strict=True):
        cell.set_xlim(-0.15, widest)
        cell.set_ylim(-1.15, 0.95)
        cell.set_axis_off()
        cell.set_title(_title(name, one), loc="left", pad=0, fontsize=7)
    _legend(figure, colours)
    return figure


def _draw(axes: Any, architecture: Architecture, colours: Mapping[str, str]) -> float:
    """Draw one row and return where it ends."""
    pen = _Pen(axes, max(max(block.shape) for block in architecture.blocks if block.shape[1:]))
    generates = architecture.start == architecture.code
    pen.box([architecture.start], _CODE if generates else _SLICE, "z" if generates else "x")
    columns = _columns(architecture)
    for column, following in zip(columns, [*columns[1:], None], strict=True):
        first = column[0]
        pen.box(
            [block.shape for block in column],
            colours[first.part],
            _operations(first),
            below=_names(column),
        )
        if first.part == "bottleneck" and first.shape == architecture.code:
            pen.box([architecture.code], _CODE, "z")
        if _gives_slice(first, following):
            pen.box([first.shape], _SLICE, "x̂ or x" if following else "x̂")
    return pen.x


class _Pen:
    """Draw boxes from left to right, each joined to the one before."""

    def __init__(self, axes: Any, full: int) -> None:
        self.axes, self.full, self.x = axes, full, 0.0

    def box(
        self, shapes: Sequence[tuple[int, ...]], colour: str, label: str, *, below: str = ""
    ) -> None:
        """Draw one box, or several above each other that share what they are given."""
        from matplotlib.patches import Rectangle

        height, width = _height(shapes[0], self.full), _width(shapes[0])
        if self.x:
            self.axes.plot([self.x - _GAP, self.x], [0, 0], color="#999999", linewidth=0.7)
        lower = -(height * len(shapes) + 0.06 * (len(shapes) - 1)) / 2
        for number in range(len(shapes)):
            corner = (self.x, lower + number * (height + 0.06))
            self.axes.add_patch(Rectangle(corner, width, height, color=colour, linewidth=0))
        middle = self.x + width / 2
        self.axes.text(middle, 0.56, label, ha="center", va="bottom", fontsize=4.5)
        size = _size(shapes[0]) + below
        self.axes.text(middle, -0.58, size, ha="center", va="top", fontsize=4.5)
        self.x += width + _GAP


def _columns(architecture: Architecture) -> list[list[Block]]:
    """Return the blocks by where they stand; those that share what they are given, together."""
    columns: list[list[Block]] = []
    for block in architecture.blocks:
        if block.is_parallel:
            columns[-1].append(block)
        else:
            columns.append([block])
    return columns


def _gives_slice(block: Block, following: Sequence[Block] | None) -> bool:
    """Say whether a block is the last before the discriminator, or the last of all."""
    if following is None:
        return block.part != "discriminator"
    return block.part != following[0].part == "discriminator"


def _height(shape: tuple[int, ...], full: int) -> float:
    if len(shape) == 3:
        return math.log2(max(shape[1], 2)) / math.log2(max(full, 4))
    return max(0.08, 0.05 * math.log2(max(shape[0], 1)))


def _width(shape: tuple[int, ...]) -> float:
    return 0.1 + (0.03 * math.log2(shape[0]) if len(shape) == 3 else 0)


def _size(shape: tuple[int, ...]) -> str:
    if len(shape) == 3:
        return f"{shape[1]}²\nx{shape[0]}" if shape[1] == shape[2] else "x".join(map(str, shape))
    return f"{shape[0]}\n"


def _operations(block: Block) -> str:
    return block.operations.replace("conv ", "").replace(" ", "\n").replace(",", "")


def _names(column: Sequence[Block]) -> str:
    """Return the names of blocks that stand above each other."""
    names = " + ".join(block.name.replace("_", " ") for block in column)
    return f"\n{names}" if len(column) > 1 else ""


def _title(name: str, architecture: Architecture) -> str:
    counts = ", ".join(
        f"{part} {number / 1e6:.2f}" for part, number in architecture.n_parameters.items()
    )
    return f"{name}: {architecture.kind} (million weights: {counts})"


def _legend(figure: "Figure", colours: Mapping[str, str]) -> None:
    from matplotlib.patches import Patch

    marks = [Patch(color=_SLICE, label="slice"), Patch(color=_CODE, label="code")]
    marks += [Patch(color=colour, label=part) for part, colour in colours.items()]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks))
