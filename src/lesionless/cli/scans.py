"""Commands that make scans ready: phantom, prepare."""

import sys
from pathlib import Path
from typing import Literal

from lesionless.cli.app import DONE, Count, app, ready_torch
from lesionless.cli.show import Show, end


@app.command
def phantom(
    out: Path,
    /,
    *,
    healthy: int,
    patients: int,
    seed: int = 0,
    skull: bool = False,
    thickness_mm: float | None = None,
) -> int:
    """Write a synthetic FLAIR cohort with known lesions as a BIDS data set.

    Args:
        out: Folder to write to.
        healthy: Number of subjects without lesions.
        patients: Number of subjects with lesions.
        seed: Source of everything random; one seed gives the same bytes.
        skull: Draw the head around the brain.
        thickness_mm: Slice thickness; drawn per subject from 1 to 6 mm by default.
    """
    from lesionless.data.phantom import write_cohort

    with Show() as show:
        write_cohort(
            out,
            healthy=healthy,
            patients=patients,
            seed=seed,
            skull=skull,
            thickness_mm=thickness_mm,
            workers=2,
            progress=show.counter("phantom", healthy + patients),
        )
    print(f"{healthy + patients} subjects in {out}")
    return DONE


@app.command
def prepare(
    source: Path,
    out: Path,
    /,
    *,
    strip: str = "deepbet",
    mask: str | None = None,
    space: str = "mni152",
    slices: Literal["all", "mid", "paper"] = "all",
    n4: bool = True,
    curvature_iterations: int = 5,
    matrix: int = 256,
    lesions: Path | None = None,
    label: str = "lesion",
    suffix: str = "FLAIR",
    jobs: Count | None = None,
    threads: Count = 1,
    device: str = "cpu",
    overwrite: bool = False,
) -> int:
    """Bring raw scans to atlas space: stripped, denoised, scaled to [0, 1]; resumable.

    Args:
        source: BIDS tree, folder of NIfTI files, one NIfTI file, or DICOM series (folder or file).
        out: Folder for the prepared scans.
        strip: deepbet, robex, hd-bet, synthstrip, or none for scans that are stripped already.
        mask: Your brain masks: a path with {subject}, {session}, {name} and wildcards.
        space: mni152, sri24 with its files fetched, or the path of a stripped atlas image,
            which must stay there: models that are trained on these scans need it.
        slices: all brain slices, mid (42 to 80 % of the height), or the paper's 20.
        n4: Correct the bias field.
        curvature_iterations: Steps of curvature flow; 0 switches it off.
        matrix: Pixels per row of 256 mm.
        lesions: Folder of reference lesion masks; derivatives/lesion by default.
        label: Which masks are lesions.
        suffix: BIDS suffix of the scans.
        jobs: Scans at a time; as many as the cores hold by default.
        threads: Threads per scan.
        device: Torch device of the strip network.
        overwrite: Prepare scans again that are there already.
    """
    from lesionless.preprocess.atlas import resolve_space
    from lesionless.preprocess.pipeline import PrepareSettings
    from lesionless.stages.prepare import prepare as stage

    ready_torch(device)
    settings = PrepareSettings(
        strip="mask" if mask else strip,
        space=resolve_space(space),
        slices=slices,
        n4=n4,
        curvature_iterations=curvature_iterations,
        matrix=matrix,
        threads=threads,
        device=device,
    )
    with Show() as show:
        run = stage(
            source,
            out,
            settings,
            lesions=lesions,
            label=label,
            masks=mask,
            suffix=suffix,
            jobs=jobs,
            overwrite=overwrite,
            arguments=sys.argv,
            track=show.track,
        )
    return end(run, out)


@app.command
def fetch(name: str | None = None, /, *, source: Path | None = None) -> int:
    """Download a data set by its manifest, checked by hash; without a name, list them.

    Args:
        name: For example sri24.
        source: Folder that holds the files already.
    """
    from lesionless.data.fetch import fetch as bring
    from lesionless.data.manifest import manifests, read_manifest

    if name is None:
        for known in map(read_manifest, manifests()):
            print(f"{known.name}: {known.title}, {known.licence}. {known.citation}")
        return DONE
    print(f"{name} in {bring(name, source=source)}")
    return DONE
