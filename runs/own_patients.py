"""What a site gains that trains the shipped model on with patients of its own, without labels.

Each model is judged on all prepared patients; those that it has learnt from, by the record of its
training, make a row of their own. With two models, each trained on with one half of the patients,
every patient is judged once by a model that has not seen him or her, and once by one that has.

Usage: python runs/own_patients.py PREPARED OUT MODEL MODEL, where each MODEL was trained by
`lesionless train NORMALS MODEL --start restoration --patients HALF ...`.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lesionless import store
from lesionless.evaluation.archive import write_results
from lesionless.evaluation.case import Case
from lesionless.evaluation.evaluate import evaluate
from lesionless.evaluation.settings import EvaluationSettings
from lesionless.models.bundle import load
from lesionless.report.table_formats import to_markdown
from lesionless.report.tables import comparison_table, operating_point_table, summary_table
from lesionless.stages.cases import case_of
from lesionless.stages.rebuild import rebuilder

SHIPPED = "restoration"
POINT = "fpr-2e-3"
REGIONS = ("all", "mid")


def main(prepared: Path, out: Path, models: Sequence[str]) -> None:
    """Judge the shipped model and others; write results, and the tables as `tables.md`."""
    cases = (case for model in (SHIPPED, *models) for case in _cases(model, prepared))
    results = evaluate(cases, EvaluationSettings())
    write_results(results, out / "results")
    tables = [
        table
        for region in REGIONS
        for table in (
            summary_table(results, operating_point=POINT, region=region),
            operating_point_table(results, region=region),
            comparison_table(results, metric="auprc", operating_point=POINT, region=region),
            comparison_table(results, metric="dice", operating_point=POINT, region=region),
        )
    ]
    text = "\n\n".join(to_markdown(table) for table in tables)
    (out / "tables.md").write_text(text + "\n", encoding="utf-8")


def _cases(model: str, prepared: Path) -> Iterator[Case]:
    bundle = load(model)
    rebuild = rebuilder(bundle.method)
    learnt_from = set() if model == SHIPPED else _patients_of(bundle.training["patients"])
    for scan in store.scans(prepared):
        part = "with the patient" if scan.subject in learnt_from else "with other patients"
        yield case_of(
            bundle,
            scan,
            rebuild,
            title=SHIPPED if model == SHIPPED else f"trained on {part}",
            seed=0,
            regions=REGIONS,
            operating_points=[POINT],
        )


def _patients_of(folder: str) -> set[str]:
    return {store.subject_of(path) for path in store.paths(Path(folder))}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
