"""The experiments that are shipped are what their comments and the paper say."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lesionless.data.phantom import cohort
from lesionless.errors import UsageError
from lesionless.experiment import Experiment, read_experiment
from lesionless.models.blocks import halved
from lesionless.models.catalogue import build, entry, from_file, resized
from lesionless.preprocess.atlas import load_atlas
from lesionless.preprocess.grid import range_mm
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.report.paper_table import PAPER_TABLE1
from lesionless.stages.plan import read_plan
from lesionless.training.loop import TrainSettings

FOLDER = Path(__file__).parents[1] / "experiments"
PATHS = sorted(FOLDER.glob("*.toml"))
COMPETITORS = {"intensity", "intensity-equalised", "local-contrast"}


def shipped(name: str) -> Experiment:
    return read_experiment(FOLDER / f"{name}.toml")


def height_mm(experiment: Experiment) -> float:
    settings = PrepareSettings(**experiment.prepare)
    low, high = range_mm(load_atlas(settings.space), settings.slices)
    return high - low


@pytest.mark.parametrize("name", ["paper2018", "paper2018-quick", "real2018"])
def test_all_of_table_1_and_the_competitors_are_compared(name: str) -> None:
    assert {row.name for row in shipped(name).methods} == {*PAPER_TABLE1, *COMPETITORS}


@pytest.mark.parametrize("name", ["paper2018", "paper2018-quick"])
def test_all_methods_share_one_recipe(name: str) -> None:
    assert not any(row.training or row.scoring for row in shipped(name).methods)


def test_the_paper_s_cohort_has_the_paper_s_size() -> None:
    plan = shipped("paper2018")
    assert (plan.cohort.healthy, plan.cohort.patients) == (83, 49)
    assert (plan.prepare["slices"], plan.prepare["matrix"]) == ("paper", 256)
    assert plan.cohort.thickness_mm <= 3  # so that slices are 1 mm apart
    assert height_mm(plan) == pytest.approx(20)


def test_the_paper_s_recipe_is_the_paper_s() -> None:
    plan = shipped("paper2018")
    training = TrainSettings(**plan.training)
    assert (training.epochs, training.batch_size) == (150, 8)
    for row in plan.methods:
        settings = resized(entry(row.name).settings, 256, **row.settings)
        rates = Counter(v for k, v in vars(settings).items() if k.endswith("learning_rate"))
        rates.pop(getattr(settings, "search_learning_rate", None), None)
        assert row.name in COMPETITORS or set(rates) == {1e-3, 1e-4}


def test_the_miniature_trains_within_half_an_hour_of_one_core() -> None:
    plan = shipped("paper2018-quick")
    assert plan.prepare["matrix"] == 128
    n_slices = 20 * round(height_mm(plan) / plan.cohort.thickness_mm)
    assert 190 <= n_slices <= 220
    adversarial = {"sAE-GAN", "sVAE-GAN", "AnoGAN"}
    # measured on one core with bf16: 14 ms for an autoencoder's slice, 32 with a discriminator
    ms = sum(32 if name in adversarial else 14 for name in PAPER_TABLE1)
    assert plan.training["epochs"] * n_slices * ms / 1000 < 1500


@pytest.mark.parametrize(
    ("name", "train", "val", "n_slices"),
    [("paper2018-quick", 20, 4, 10), ("paper2018", 71, 12, 20)],
)
def test_phantoms_are_as_many_and_as_high_as_the_comments_say(
    name: str, train: int, val: int, n_slices: int
) -> None:
    plan = shipped(name)
    splits = Counter(cohort._healthy_splits(plan.cohort.healthy, plan.cohort.seed))
    assert splits == {"train": train, "val": val}
    distance_mm = plan.cohort.thickness_mm if name == "paper2018-quick" else 1.0  # resampled
    assert round(height_mm(plan) / distance_mm) == n_slices


def test_there_are_shipped_experiments() -> None:
    assert {"paper2018", "paper2018-quick", "real2018"} <= {path.stem for path in PATHS}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_method_of_an_experiment_can_be_built(path: Path) -> None:
    for row in read_plan(path).methods:
        method = build(resized(entry(row.name).settings, 64, **row.settings))
        for field, value in from_file(row.settings).items():
            assert getattr(method.settings, field) == value


def test_the_study_of_latent_size_changes_nothing_else() -> None:
    plan = shipped("latent-size")
    built = [resized(entry(row.name).settings, 256, **row.settings) for row in plan.methods]
    rows = [halved(settings.size, settings.halvings) for settings in built]
    codes = [f"sAE {n}x{n}x{found.latent}" for n, found in zip(rows, built, strict=True)]
    assert codes == ["sAE 8x8x64", "sAE 16x16x16", "sAE 16x16x64", "sAE 32x32x64"]
    assert codes == [row.title for row in plan.methods]
    assert len({replace(settings, latent=0, halvings=0) for settings in built}) == 1
    assert not any(row.training or row.scoring for row in plan.methods)


def test_other_epochs_reach_every_method_without_its_own() -> None:
    plan = shipped("paper2018-quick")
    longer = plan.with_changes(epochs=7)
    assert longer.training == plan.training | {"epochs": 7}
    assert longer.model_copy(update={"training": plan.training}) == plan
    assert plan.with_changes() == plan
    with pytest.raises(UsageError, match="at least one epoch, found 0"):
        plan.with_changes(epochs=0)


def test_other_patients_can_be_reported_and_nothing_else_changes() -> None:
    plan = shipped("paper2018-quick")
    other = plan.with_changes(test_split="val")
    assert other.cohort.test_split == "val"
    assert other.with_changes(test_split=plan.cohort.test_split) == plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("methods = []", "methods: .*at least 1 item"),
        ("operating_points = []\n[[methods]]\nname = 'dAE'", "operating_points: .*at least 1 item"),
        (
            "[[methods]]\nname = 'dAE'\n[[methods]]\nname = 'sAE3'\nlabel = 'dAE'",
            "methods: expected another label for each row, found dAE twice",
        ),
        ("seeds = [3, 4, 3]\n[[methods]]\nname = 'dAE'", "seeds: expected .*, found 3 twice"),
    ],
)
def test_what_could_not_be_reported_after_training_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f"title = 'x'\n{text}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=rf"own\.toml: expected other fields\. {said}.*Correct"):
        read_experiment(path)


def test_one_method_may_have_rows_with_labels_of_their_own() -> None:
    rows = ({"name": "dAE"}, {"name": "dAE", "label": "wider"})
    assert [row.title for row in Experiment(title="x", methods=rows).methods] == ["dAE", "wider"]


BASE = """
title = "base"
seeds = [1, 2]
[prepare]
strip = "none"
matrix = 128
[[methods]]
name = "sAE3"
[[methods]]
name = "dAE"
"""
EXTENDING = """
extends = "base.toml"
title = "own"
[prepare]
matrix = 256
[training]
epochs = 3
[[methods]]
name = "sVAE"
"""


def test_an_experiment_extends_another_table_by_table(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE, encoding="utf-8")
    (tmp_path / "own.toml").write_text(EXTENDING, encoding="utf-8")
    own = read_experiment(tmp_path / "own.toml")
    assert (own.title, own.seeds, own.training) == ("own", (1, 2), {"epochs": 3})
    assert own.prepare == {"strip": "none", "matrix": 256}
    assert [row.name for row in own.methods] == ["sVAE"]


@pytest.mark.parametrize(
    ("extends", "found"),
    [("own.toml", "found the file itself"), ("none.toml", "No such file")],
)
def test_an_experiment_that_cannot_be_extended_is_named(
    tmp_path: Path, extends: str, found: str
) -> None:
    (tmp_path / "own.toml").write_text(f'title = "own"\nextends = "{extends}"', encoding="utf-8")
    with pytest.raises(UsageError, match=found):
        read_experiment(tmp_path / "own.toml")
