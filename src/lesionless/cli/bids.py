"""The command of a BIDS App."""

from pathlib import Path
from typing import Literal

from lesionless.cli.app import DONE, SOME_FAILED, app
from lesionless.cli.model import Labels, segment


@app.command
def bids(
    bids_dir: Path,
    out: Path,
    level: Literal["participant", "group"],
    /,
    *,
    participant_label: Labels | None = None,
    model: str = "restoration",
    strip: str = "deepbet",
    mask: str | None = None,
    slices: Literal["all", "mid", "paper"] = "all",
    operating_point: str | None = None,
    suffix: str = "FLAIR",
    threads: int = 2,
    device: str = "cpu",
    overwrite: bool = False,
) -> int:
    """Run as a BIDS App: segment participants, or write one table of all that are segmented.

    Args:
        bids_dir: The BIDS data set; the group level does not read it.
        out: Folder for the BIDS derivative.
        level: participant segments scans as `segment` does, group writes group_lesions.tsv.
        participant_label: The only subjects to do, with or without sub-; all by default.
        model: A model folder, or the name of a shipped model.
        strip: deepbet, robex, hd-bet, synthstrip, or none for scans that are stripped already.
        mask: Your brain masks: a path with {subject}, {session}, {name} and wildcards.
        slices: all brain slices, mid (42 to 80 % of the height), or the paper's 20.
        operating_point: Where masks are cut; the model's own by default.
        suffix: BIDS suffix of the scans.
        threads: Threads per scan.
        device: A torch device.
        overwrite: Segment scans again whose outputs are there.
    """
    if level == "participant":
        return segment(
            bids_dir,
            out,
            model=model,
            strip=strip,
            mask=mask,
            slices=slices,
            operating_point=operating_point,
            suffix=suffix,
            participant_label=participant_label,
            threads=threads,
            device=device,
            overwrite=overwrite,
        )
    from lesionless.stages.group import write_group

    group = write_group(out, subjects=participant_label)
    print(f"table in {group.table}")
    for name in group.failed:
        print(f"failed: {name}: {group.failed[name]}")
    return SOME_FAILED if group.failed else DONE
