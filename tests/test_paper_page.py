"""docs/paper.md names every setting that a choice of the paper depends on, with its default."""

from dataclasses import fields
from pathlib import Path

import pytest

from lesionless.models.anogan import AnoGANSettings
from lesionless.models.autoencoder import AutoencoderSettings, count_parameters
from lesionless.models.catalogue import build, entry
from lesionless.preprocess.pipeline import PrepareSettings
from lesionless.scoring.recipe import ScoreSettings
from lesionless.training.loop import TrainSettings

PAGE = Path("docs/paper.md").read_text(encoding="utf-8")
CHANGES_NO_NUMBER = {"threads", "device"}
WITHOUT_DEFAULT = {"shape", "law"}


@pytest.mark.parametrize(
    "settings", [AutoencoderSettings, AnoGANSettings, TrainSettings, ScoreSettings, PrepareSettings]
)
def test_every_setting_stands_beside_the_paper_s_words(settings: type) -> None:
    names = {field.name for field in fields(settings)} - CHANGES_NO_NUMBER - WITHOUT_DEFAULT
    missing = [name for name in names if f"`{settings.__name__}.{name} = " not in PAGE]
    assert not missing
    for name in {field.name for field in fields(settings)} & WITHOUT_DEFAULT:
        assert f"`{name}`" in PAGE


def test_every_choice_has_its_own_anchor_a_setting_and_a_reason() -> None:
    start, end = PAGE.index("## Choices about the networks"), PAGE.index("## Where the paper contr")
    rows = [line for line in PAGE[start:end].splitlines() if line.startswith("| <a id=")]
    assert len(rows) > 30
    for row in rows:
        words, _, setting, reason = (cell.strip() for cell in row.strip("|").split(" | "))
        assert words and setting and len(reason.strip(" |")) > 1, row


@pytest.mark.parametrize("name", ["sAE1", "sAE3"])
def test_the_complexity_that_is_stated_is_the_networks(name: str) -> None:
    method = build(entry(name).settings)
    assert f"{count_parameters([method.encoder, method.decoder]):,}" in PAGE
