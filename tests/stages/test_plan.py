"""An experiment file is checked against all that it names before anything runs."""

from pathlib import Path

import pytest

from lesionless.errors import UsageError
from lesionless.stages.plan import read_plan


def write(path: Path, text: str) -> Path:
    path.write_text(f'title = "x"\n{text}\n[[methods]]\nname = "sAE3"\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('regions = ["all", "midle"]', "one of all, mid, paper, found 'midle'"),
        ('operating_points = ["p99"]', "operating point out of p98.*found 'p99'"),
        ("seeds = []", "seeds"),
        ("seeds = [-1]", "seeds.0"),
        ("[cohort]\nanatomy_mm = 3", r"cohort\.anatomy_mm"),
        ("[prepare]\nslice = 'all'", "prepare: expected fields among .*slices.*, found slice"),
        ("[prepare]\nmatrix = '128'", "prepare: expected another value of matrix, found '128'"),
        ("[prepare]\nmatrix = 0", "prepare: .*matrix of 0"),
        ("[prepare]\ndevice = 'nonsense'", "found 'nonsense'"),
        ("[prepare]\nspace = 'none.nii.gz'", "none.nii.gz: expected an atlas image"),
        ("[normals]\nlevels = 'middle'", "normals: .*found 'middle'"),
        ("[normals]\nmargins = 1", "normals: .*margin, .*found margins"),
        ("[training]\nepoch = 3", "training: expected fields among epochs, .*found epoch"),
        ("[training]\nepochs = 0", "training: .*at least one epoch"),
        ("[training]\nseed = 1", "training: .*seeds"),
        ("[training]\nprecision = 'fp16'", "training: .*found 'fp16'"),
        ("[training]\ndevice = 'nonsense'", "found 'nonsense'"),
        ("[scoring]\nfilter = 'midian'", "scoring: .*filter .*median-2d.*, found 'midian'"),
        ("[scoring]\nresidual = 'signed'", "scoring: .*residual .*absolute.*, found 'signed'"),
        ("[scoring]\nfilters = 3", "scoring: .*filter, .*found filters"),
        ("[lesion_rules]\nconnectivity = 7", "lesion_rules: .*6, 18 or 26, found 7"),
        ("[lesion_rules]\nminimum = 3", "lesion_rules: .*minimum_mm3, .*found minimum"),
        ("[[methods]]\nname = 'sAE4'", "found 'sAE4'"),
        ("[[methods]]\nname = 'dAE'\nsettings = { latents = 3 }", "settings of dAE: .*latents"),
        ("[[methods]]\nname = 'dAE'\nsettings = { latent = '3' }", "another value of latent"),
        (
            "[[methods]]\nname = 'dAE'\nsettings = { law = 'vae' }",
            "settings of dAE: Expected law to be one of AE, VAE, found 'vae'",
        ),
        ("[[methods]]\nname = 'dAE'\nsettings = { norm = 'layer' }", "settings of dAE: .*'layer'"),
        ("[scoring]\nerosion_pixels = -1", "scoring: .*erosion_pixels of at least 0, found -1"),
        ("[[methods]]\nname = 'dAE'\nscoring = { filters = 3 }", "scoring of dAE: .*filters"),
        ("[[methods]]\nname = 'dAE'\ntraining = { epoch = 3 }", "training of dAE: .*epoch"),
        ("[[methods]]\nname = 'dAE'\ncalibration_slices = 0", "calibration_slices"),
    ],
    ids=lambda value: value.splitlines()[-1],
)
def test_what_cannot_be_is_an_error_before_anything_runs(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=rf"own\.toml: (?s:.*){said}"):
        read_plan(write(tmp_path / "own.toml", text))


def test_lists_stand_for_tuples_in_the_settings_of_a_method(tmp_path: Path) -> None:
    text = "[[methods]]\nname = 'sAE3'\nlabel = 'narrow'\nsettings = { widths = [8, 8, 8, 8] }"
    assert read_plan(write(tmp_path / "own.toml", text)).methods[0].title == "narrow"


def test_the_atlas_of_an_experiment_is_named_as_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.nii.gz").touch()
    monkeypatch.chdir(tmp_path)
    plan = read_plan(write(tmp_path / "own.toml", "[prepare]\nspace = 'own.nii.gz'"))
    assert plan.prepare == {"space": str(tmp_path.resolve() / "own.nii.gz")}
    monkeypatch.setattr("lesionless.preprocess.atlas.fetched", lambda name: tmp_path)
    plan = read_plan(write(tmp_path / "own.toml", "[prepare]\nspace = 'sri24'"))
    assert plan.prepare == {"space": "sri24"}


@pytest.mark.parametrize("said", ["settings = { latent = 8 }", "training = { epochs = 1 }"])
def test_of_a_trained_model_nothing_else_may_be_said(tmp_path: Path, said: str) -> None:
    row = f"[[methods]]\nname = 'sAE3'\ntrained = 'intensity'\n{said}"
    with pytest.raises(UsageError, match=f"as it is, found {said.split()[0]}"):
        read_plan(write(tmp_path / "own.toml", row))
