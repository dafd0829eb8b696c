"""What a model is made of, read off the model itself: its blocks and the shapes they give."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Block:
    """Hold one block that a slice runs through.

    Attributes:
        part: The part of the model that it belongs to, such as `encoder`.
        name: Its own name in there.
        operations: Its layers with weights, such as `conv 5x5 /2`.
        shape: Of what it gives: (channel, row, column), or (value) for a vector.
        is_parallel: Whether it is given the very same as the block before it.
    """

    part: str
    name: str
    operations: str
    shape: tuple[int, ...]
    is_parallel: bool = False


@dataclass(frozen=True)
class Architecture:
    """Hold the blocks of a model in the order in which they run.

    Attributes:
        blocks: One after the other; those of a discriminator come last.
        start: Shape of what the first block is given: a slice, or a code.
        code: Shape of the code z.
        is_variational: Whether z is drawn from a distribution.
        n_parameters: Trainable values by part.
    """

    blocks: tuple[Block, ...]
    start: tuple[int, ...]
    code: tuple[int, ...]
    is_variational: bool
    n_parameters: Mapping[str, int]

    @property
    def kind(self) -> str:
        """Return what the code looks like and which law it has."""
        shape = "dense" if len(self.code) == 1 else "spatial"
        if self.start == self.code:
            return f"{shape} code, drawn"
        return f"{shape} code, {'variational' if self.is_variational else 'deterministic'}"


def read_architecture(method: "nn.Module") -> Architecture:
    """Send a slice (or, where a model only generates, a code) through a model and note the shapes.

    A copy runs on PyTorch's `meta` device, which computes shapes and no numbers, so that the model
    is left as it is and the size of the slices costs nothing.

    Args:
        method: A network of the catalogue that has a code.
    """
    model = copy.deepcopy(method).to("meta").eval()
    notes = _Notes()
    for path, block in _blocks_of(model):
        block.register_forward_hook(notes.of(path, block))
    _run(model, notes)
    return Architecture(
        blocks=tuple(notes.blocks),
        start=notes.start,
        code=notes.code or notes.start,
        is_variational=notes.is_variational,
        n_parameters={
            name: number
            for name, part in model.named_children()
            if (number := sum(p.numel() for p in part.parameters() if p.requires_grad))
        },
    )


def is_network(method: Any) -> bool:
    """Say whether a method has weights, so that there is something to draw."""
    return any(True for _ in method.parameters())


def has_code(method: Any) -> bool:
    """Say whether all of a method runs through a code, so that its blocks stand in one row."""
    return hasattr(method, "bottleneck") or hasattr(method, "sample")


class _Notes:
    """Note what runs through the hooks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.start: tuple[int, ...] = ()
        self.code: tuple[int, ...] = ()
        self.is_variational = False
        self._given: Any = None

    def of(self, path: str, block: "nn.Module") -> Any:
        part, *_, name = path.split(".")

        def note(module: Any, given: Any, result: Any) -> None:
            if not self.blocks:
                self.start = tuple(given[0].shape[1:])
            is_parallel, self._given = given[0] is self._given, given[0]
            shape = tuple(result.shape[1:])
            self.blocks.append(Block(part, name, _operations(block), shape, is_parallel))

        return note

    def code_of(self, module: Any, given: Any, result: Any) -> None:
        self.code = tuple(result.z.shape[1:])
        self.is_variational = result.log_variance is not None


def _run(model: Any, notes: _Notes) -> None:
    import torch

    if hasattr(model, "bottleneck"):
        model.bottleneck.register_forward_hook(notes.code_of)
    with torch.no_grad():
        if hasattr(model, "sample"):
            x_hat = model.sample(1, torch.Generator())
        else:
            size = model.settings.size
            x_hat = model.decode(model.encode(torch.empty(1, 1, size, size, device="meta")).z)
        if getattr(model, "discriminator", None) is not None:
            model.discriminator(x_hat)


def _blocks_of(module: "nn.Module", path: str = "") -> Iterator[tuple[str, "nn.Module"]]:
    """Yield the modules to draw: layers with weights, and sequences of nothing but layers."""
    from torch import nn

    children = list(module.named_children())
    is_flat = not any(list(child.children()) for _, child in children)
    if not children or (isinstance(module, nn.Sequential) and is_flat):
        if list(module.parameters()):
            yield path, module
        return
    for name, child in children:
        yield from _blocks_of(child, f"{path}.{name}" if path else name)


def _operations(block: "nn.Module") -> str:
    return ", ".join(text for layer in block.modules() if (text := _operation(layer)))


def _operation(layer: Any) -> str:
    from torch import nn

    if isinstance(layer, nn.Linear):
        return "linear"
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        rows, columns = layer.kernel_size
        step = layer.stride[0]
        sign = "x" if isinstance(layer, nn.ConvTranspose2d) else "/"
        return f"conv {rows}x{columns}" + (f" {sign}{step}" if step > 1 else "")
    return ""
