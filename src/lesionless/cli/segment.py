"""The command that segments, and its options, which the BIDS App has too."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from lesionless.cli.app import Count, app, ready_torch
from lesionless.cli.show import Show, end

Labels: TypeAlias = Annotated[
    tuple[str, ...],
    Parameter(("--participant-label", "--participant_label"), consume_multiple=True, negative=()),
]
"""Subjects, as BIDS Apps take them: several after one flag, with a hyphen or an underscore."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """Hold the options of every command that segments.

    Attributes:
        model: A model folder, or the name of a shipped model.
        strip: deepbet, robex, hd-bet, synthstrip, or none for scans that are stripped already.
        mask: Your brain masks: a path with {subject}, {session}, {name} and wildcards.
        slices: all brain slices, mid (42 to 80 % of the height), or the paper's 20.
        operating_point: Where masks are cut; the model's own by default.
        suffix: BIDS suffix of the scans; by default that of those that the model learnt from.
        participant_label: The only subjects to do, with or without sub-; all by default.
        threads: Threads per scan.
        device: A torch device.
        overwrite: Segment scans again whose outputs are there.
    """

    model: str = "restoration"
    strip: str = "deepbet"
    mask: str | None = None
    slices: Literal["all", "mid", "paper"] = "all"
    operating_point: str | None = None
    suffix: str | None = None
    participant_label: Labels | None = None
    threads: Count = 2
    device: str = "cpu"
    overwrite: bool = False


DEFAULTS = SegmentOptions()


@app.command
def segment(source: Path, out: Path, /, *, options: SegmentOptions = DEFAULTS) -> int:
    """Write anomaly map, lesion mask and reconstruction of each scan, in its own grid.

    Args:
        source: One NIfTI file, a folder of them, a BIDS tree, or DICOM series (folder or file).
        out: Folder for the BIDS derivative.
        options: See `SegmentOptions`.
    """
    from lesionless.models import bundle
    from lesionless.preprocess.pipeline import PrepareSettings
    from lesionless.stages.segment import segment_scans

    ready_torch(options.device, options.threads)
    settings = PrepareSettings(
        strip="mask" if options.mask else options.strip,
        slices=options.slices,
        threads=options.threads,
        device=options.device,
    )
    with Show() as show:
        run = segment_scans(
            source,
            out,
            bundle.load(options.model),
            settings,
            operating_point=options.operating_point,
            masks=options.mask,
            suffix=options.suffix,
            subjects=options.participant_label,
            overwrite=options.overwrite,
            arguments=sys.argv,
            track=show.track,
        )
    return end(run, out)
