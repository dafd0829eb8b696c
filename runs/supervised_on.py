"""What labels would give the shipped model: its first network trained on with labelled patients.

One network for each patient who is left out: it learns from the normals as the shipped one did, and
half of its examples are slices of the other patients with their reference lesions, in the place of
what the shipped model finds in patients without labels. A reference for what is left to find, with
labels of the very scanner; it is no model of this package and is never shipped.

The mask is cut where the mean Dice of the other patients is highest, each of whom was left out too.

Usage: python runs/supervised_on.py PREPARED OUT NORMALS ALSO [SUBJECT ...], where the stores are
those of `runs/restoration.sh`. With subjects, only their networks are trained, to share the work
among processes; without, those that are there are read, and all are judged.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from lesionless import store
from lesionless.arrays import SliceMask, Slices
from lesionless.evaluation.archive import write_results
from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.overlap import confusion, dice
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.models.bundle import Bundle, load
from lesionless.models.findings import Findings
from lesionless.models.restoration import Restoration
from lesionless.models.sections import Sections, profiles
from lesionless.preprocess.prepared import PreparedScan
from lesionless.report.table_formats import to_markdown
from lesionless.report.tables import comparison_table, operating_point_table, summary_table
from lesionless.stages.apply import apply
from lesionless.stages.cases import level_mask, spacing_mm
from lesionless.stages.findings import LENT_SHARE, learning_from
from lesionless.stages.normals import Normals, stack
from lesionless.stages.rebuild import rebuilder
from lesionless.training.loop import TrainSettings, train
from lesionless.training.normals import NormalsSettings

TITLES = {False: "first network, as shipped", True: "the same, trained on with labels"}
CUT = "best for the others"
PATIENTS_SHARE = 0.5
HOW = TrainSettings(epochs=4, beta1=0.9, decay="cosine")
NORMALS = NormalsSettings(beside_lesions_mm=15.0, every=2)


def main(prepared: Path, out: Path, normals: Path, also: Path, only: Sequence[str]) -> None:
    """Train one network per patient; judge them and the shipped one, and write tables."""
    scans = list(store.scans(prepared))
    shipped = load("restoration")
    learn = chain(Normals(normals, "train", NORMALS), Normals(also, "train", NORMALS))
    slices = stack(learn, every=NORMALS.every)
    findings = {scan.subject: _labelled(shipped, scan) for scan in scans}
    if unknown := set(only) - findings.keys():
        sys.exit(f"Expected subjects of {prepared}, found {', '.join(sorted(unknown))}.")
    networks = {}
    for subject in only or findings:
        others = [found for other, found in findings.items() if other != subject]
        networks[subject] = _trained(shipped, slices, others, out / subject)
    if not only:
        _judge(shipped, scans, networks, out)


def _judge(
    shipped: Bundle, scans: Sequence[PreparedScan], networks: dict[str, Restoration], out: Path
) -> None:
    with_labels = [_score(shipped, networks[scan.subject], scan) for scan in scans]
    as_shipped = [_score(shipped, _first(shipped), scan) for scan in scans]
    cases = chain(_cases(scans, as_shipped, False), _cases(scans, with_labels, True))
    results = evaluate(cases, EvaluationSettings())
    write_results(results, out / "results")
    tables = [
        table
        for region in ("all", "mid")
        for table in (
            summary_table(results, operating_point=CUT, region=region),
            operating_point_table(results, region=region),
            comparison_table(results, metric="auprc", operating_point=CUT, region=region),
        )
    ]
    text = "\n\n".join(to_markdown(table) for table in tables)
    (out / "tables.md").write_text(text + "\n", encoding="utf-8")


def _labelled(shipped: Bundle, scan: PreparedScan) -> tuple[Slices, ...]:
    """Return a patient's slices: image, clean image, reference lesions, and nothing unsure."""
    rebuilt = apply(shipped, scan, rebuilder(shipped.method)).reconstruction
    lesion = scan.lesion & scan.brain
    kept = scan.brain.any(axis=(1, 2))
    parts = (scan.image, np.where(lesion, rebuilt, scan.image), lesion, np.zeros_like(lesion))
    return tuple(part[kept] for part in parts)


def _trained(
    shipped: Bundle, slices: Slices, patients: Sequence[tuple[Slices, ...]], folder: Path
) -> Restoration:
    image, clean, lesion, unsure = (np.concatenate(part) for part in zip(*patients, strict=True))
    pairs = zip(image, lesion, strict=True)
    lent = [profile for plane, found in pairs for profile in profiles(plane, found)]
    findings = Findings(image, clean, lesion, unsure, Sections(lent, share=LENT_SHARE))
    network = _first(shipped)
    with learning_from(network, findings):
        train(network, slices, HOW, folder, about={"left out": folder.name})
    return network


def _first(shipped: Bundle) -> Restoration:
    """Return a copy of the network that sees all planes, half of its examples to be patients."""
    member = shipped.method.members[0]
    network = Restoration(replace(member.settings, patients_share=PATIENTS_SHARE))
    network.load_state_dict(member.state_dict())
    return network.eval()


def _score(shipped: Bundle, network: Restoration, scan: PreparedScan) -> Slices:
    return apply(shipped, scan, rebuilder(network)).score


def _cases(
    scans: Sequence[PreparedScan], scores: Sequence[Slices], with_labels: bool
) -> Iterator[Case]:
    cuts = np.quantile(np.concatenate([s[s > 0] for s in scores]), np.linspace(0.5, 1, 400))
    by_cut = np.array(
        [
            [_dice(scan, score > cut) for cut in cuts]
            for scan, score in zip(scans, scores, strict=True)
        ]
    )
    for number, (scan, score) in enumerate(zip(scans, scores, strict=True)):
        cut = cuts[np.delete(by_cut, number, axis=0).mean(axis=0).argmax()]
        yield Case(
            subject=scan.subject,
            name=scan.name,
            method=TITLES[with_labels],
            score=score,
            brain=scan.brain,
            lesion=scan.lesion,
            segmentations={CUT: score > cut},
            spacing_mm=spacing_mm(scan),
            regions={"mid": level_mask(scan, "mni152", "mid")},
        )


def _dice(scan: PreparedScan, segmentation: SliceMask) -> float:
    return dice(confusion(segmentation[scan.brain], scan.lesion[scan.brain], voxel_ml=1.0))


if __name__ == "__main__":
    prepared, out, normals, also = map(Path, sys.argv[1:5])
    main(prepared, out, normals, also, sys.argv[5:])
