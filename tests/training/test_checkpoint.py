"""A killed run goes on where it was and ends as if it had never been stopped."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lesionless.errors import TrainingError
from lesionless.training.checkpoint import NAME
from lesionless.training.loop import TrainSettings, train

SETTINGS = TrainSettings(epochs=4, batch_size=4, precision="fp32")
ABOUT = {"model": "sAE3", "widths": (4, 8), "slices": "sha256:0", "nested": {"margin": 2}}


class KilledError(Exception):
    pass


def kill_after(epochs):
    def on_epoch(epoch):
        if epoch.done == epochs:
            raise KilledError

    return on_epoch


def state(folder):
    return torch.load(folder / NAME, weights_only=True)


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def killed(tiny, slices, tmp_path):
    """A folder with two of four epochs."""
    with pytest.raises(KilledError):
        train(tiny("sAE3"), slices, SETTINGS, tmp_path, about=ABOUT, on_epoch=kill_after(2))
    return tmp_path


@pytest.mark.parametrize("name", ["sAE3", "sVAE-GAN", "AnoGAN"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_killed_twice_ends_with_the_same_bits(name, precision, tiny, slices, tmp_path):
    settings = replace(SETTINGS, precision=precision)
    whole, folder = tiny(name), tmp_path / "killed"
    expected = train(whole, slices, settings, tmp_path / "whole", about=ABOUT)
    for stop in (1, 3):
        with pytest.raises(KilledError):
            train(tiny(name), slices, settings, folder, about=ABOUT, on_epoch=kill_after(stop))
    resumed = tiny(name, seed=9)  # its first weights must not matter
    found = train(resumed, slices, settings, folder, about=ABOUT)
    assert_same(whole.state_dict(), resumed.state_dict())
    assert not resumed.training
    assert [{**row, "seconds": 0} for row in found] == [{**row, "seconds": 0} for row in expected]
    optimizers = state(tmp_path / "whole")["optimizers"], state(folder)["optimizers"]
    for a, b in zip(*optimizers, strict=True):
        for moments, others in zip(a["state"].values(), b["state"].values(), strict=True):
            assert_same(moments, others)


def test_epochs_that_are_done_are_not_done_again(killed, tiny, slices):
    seen = []
    train(tiny("sAE3"), slices, SETTINGS, killed, about=ABOUT, on_epoch=seen.append)
    assert [epoch.done for epoch in seen] == [3, 4]


def test_a_run_is_prolonged(tiny, slices, tmp_path):
    whole, longer = tiny("sAE3"), tiny("sAE3")
    train(whole, slices, SETTINGS, tmp_path / "whole", about=ABOUT)
    for epochs in (2, 4):
        settings = replace(SETTINGS, epochs=epochs)
        train(longer, slices, settings, tmp_path / "longer", about=ABOUT)
    assert_same(whole.state_dict(), longer.state_dict())


def test_a_finished_run_is_read_back(tiny, slices, tmp_path):
    whole, again = tiny("sVAE-GAN"), tiny("sVAE-GAN", seed=5)
    expected = train(whole, slices, SETTINGS, tmp_path, about=ABOUT)
    assert train(again, slices, SETTINGS, tmp_path, about=ABOUT) == expected
    assert_same(whole.state_dict(), again.state_dict())
    assert not again.training


def test_a_run_longer_than_asked_for_is_refused(killed, tiny, slices):
    settings = replace(SETTINGS, epochs=1)
    with pytest.raises(TrainingError, match="at most 1 epochs, found one of 2"):
        train(tiny("sAE3"), slices, settings, killed, about=ABOUT)


@pytest.mark.parametrize(
    ("change", "about", "named"),
    [
        ({"seed": 1}, {}, "seed = 1, found one with 0"),
        ({"batch_size": 2}, {}, "batch_size"),
        ({"beta1": 0.9}, {}, "beta1"),
        ({"precision": "bf16"}, {}, "precision"),
        ({}, {"widths": (8, 8)}, "widths"),
        ({}, {"slices": "sha256:1"}, "slices"),
        ({}, {"nested": {"margin": 1}}, r"nested.margin = 1, found one with 2"),
        ({"seed": 1, "batch_size": 2}, {}, "batch_size = 2, seed = 1, found one with 4, 0"),
    ],
)
def test_another_run_s_checkpoint_is_refused_and_kept(change, about, named, killed, tiny, slices):
    before = (killed / NAME).read_bytes()
    with pytest.raises(TrainingError, match=named):
        settings = replace(SETTINGS, **change)
        train(tiny("sAE3"), slices, settings, killed, about={**ABOUT, **about})
    assert (killed / NAME).read_bytes() == before


def test_what_an_earlier_version_did_not_write_down_is_not_compared(killed, tiny, slices):
    history = train(tiny("sAE3"), slices, SETTINGS, killed, about={**ABOUT, "new": 1})
    assert len(history) == 4


def test_a_run_whose_rates_depend_on_its_length_is_not_prolonged(tiny, slices, tmp_path):
    cosine = replace(SETTINGS, decay="cosine")
    with pytest.raises(KilledError):
        train(tiny("sAE3"), slices, cosine, tmp_path, about=ABOUT, on_epoch=kill_after(2))
    with pytest.raises(TrainingError, match="epochs = 6, found one with 4"):
        train(tiny("sAE3"), slices, replace(cosine, epochs=6), tmp_path, about=ABOUT)
    assert len(train(tiny("sAE3"), slices, cosine, tmp_path, about=ABOUT)) == 4


def test_a_checkpoint_of_another_network_is_refused(killed, tiny, slices):
    with pytest.raises(TrainingError, match="expected a checkpoint of this method"):
        train(tiny("sVAE"), slices, SETTINGS, killed, about=ABOUT)


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_damaged_checkpoint_is_refused(damage, killed, tiny, slices):
    path = killed / NAME
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "text": b"hello"}[damage])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: expected a checkpoint.*--overwrite"):
        train(tiny("sAE3"), slices, SETTINGS, killed, about=ABOUT)


def test_a_run_killed_while_writing_goes_on_from_the_epoch_before(
    killed, tiny, slices, tmp_path, monkeypatch
):
    whole, resumed = tiny("sAE3"), tiny("sAE3")
    write = Path.write_bytes

    def half(path, content):
        write(path, content[:100])
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(KilledError):
            train(tiny("sAE3"), slices, SETTINGS, killed, about=ABOUT)
    assert len(state(killed)["history"]) == 2
    train(resumed, slices, SETTINGS, killed, about=ABOUT)
    train(whole, slices, SETTINGS, tmp_path / "whole", about=ABOUT)
    assert_same(whole.state_dict(), resumed.state_dict())


def test_a_torch_file_of_another_kind_is_refused(killed, tiny, slices):
    torch.save({"weights": torch.zeros(1)}, killed / NAME)
    with pytest.raises(TrainingError, match="expected a checkpoint, found KeyError"):
        train(tiny("sAE3"), slices, SETTINGS, killed, about=ABOUT)
