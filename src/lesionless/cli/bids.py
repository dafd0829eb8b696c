"""The command of a BIDS App."""

from pathlib import Path
from typing import Literal

from lesionless.cli.app import DONE, SOME_FAILED, app
from lesionless.cli.segment import DEFAULTS, SegmentOptions, segment


@app.command
def bids(
    bids_dir: Path,
    out: Path,
    level: Literal["participant", "group"],
    /,
    *,
    options: SegmentOptions = DEFAULTS,
) -> int:
    """Run as a BIDS App: segment participants, or write one table of all that are segmented.

    Args:
        bids_dir: The BIDS data set; the group level names its scans that have no outputs.
        out: Folder for the BIDS derivative.
        level: participant segments scans as `segment` does, group writes group_lesions.tsv.
        options: See `SegmentOptions`; the group level heeds the subjects alone.
    """
    if level == "participant":
        return segment(bids_dir, out, options=options)
    from lesionless.stages.group import unsegmented, write_group

    subjects = options.participant_label
    group = write_group(out, subjects=subjects)
    print(f"table in {group.table}")
    if left := unsegmented(bids_dir, out, subjects=subjects):
        print(f"not segmented: {', '.join(left)}")
    for name in group.failed:
        print(f"failed: {name}: {group.failed[name]}")
    return SOME_FAILED if group.failed else DONE
