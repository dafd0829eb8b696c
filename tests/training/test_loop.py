"""The loop runs updates in order, each on its own parameters, and reports true means."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lesionless.errors import TrainingError, UsageError
from lesionless.models.catalogue import CATALOGUE, build, entry, resized
from lesionless.models.method import Losses, Update
from lesionless.training.checkpoint import NAME
from lesionless.training.loop import LOSSES, TrainSettings, autocast, train

QUICK = TrainSettings(epochs=2, batch_size=4, precision="fp32")
UPDATES = [
    (name, update.name)
    for name in CATALOGUE
    for update in build(resized(entry(name).settings, 32)).updates()
]


class Only(nn.Module):
    """A method with one of its updates."""

    def __init__(self, method, name):
        super().__init__()
        self.method, self.name = method, name

    def updates(self):
        return [update for update in self.method.updates() if update.name == self.name]


class Watched(nn.Module):
    """A method that calls back before each loss."""

    def __init__(self, method, before):
        super().__init__()
        self.method, self.before = method, before

    def updates(self):
        return [replace(u, loss=self.watched(u)) for u in self.method.updates()]

    def watched(self, update):
        def loss(x, noise):
            self.before(update.name, self.method)
            return update.loss(x, noise)

        return loss


def copy(method):
    return {name: value.clone() for name, value in method.state_dict().items()}


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def numbered(n_slices):
    """Slices that hold their own number."""
    return np.tile(np.arange(n_slices, dtype=np.float32)[:, None, None], (1, 4, 4))


def rows(folder):
    with (folder / LOSSES).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("name", "update"), UPDATES)
def test_each_update_changes_its_own_parameters_only(name, update, tiny, slices, tmp_path):
    method = tiny(name)
    (mine,) = Only(method, update).updates()
    own = {n for n, p in method.named_parameters() if any(p is q for q in mine.parameters)}
    others = {n for n, _ in method.named_parameters()} - own
    before = copy(method)
    train(Only(method, update), slices, QUICK, tmp_path, about={})
    moved = changed(before, method.state_dict())
    assert own <= moved
    assert not others & moved
    # A network that only runs in an update still follows its batches' mean and variance
    running = ("running_mean", "running_var", "num_batches_tracked")
    assert all(value.endswith(running) for value in moved - own)


def test_the_discriminator_s_update_keeps_what_the_autoencoder_computes(tiny, slices, tmp_path):
    """With statistics of the batch, not only the weights but the codes stay to the bit."""
    method = tiny("sVAE-GAN").to(memory_format=torch.channels_last).train()
    x = torch.from_numpy(slices[:4]).unsqueeze(1)
    before = method.encode(x, torch.Generator().manual_seed(1)).z
    train(Only(method, "discriminator"), slices, QUICK, tmp_path, about={})
    after = method.train().encode(x, torch.Generator().manual_seed(1)).z
    assert torch.equal(before, after)


@pytest.mark.parametrize(("gan", "without"), [("sAE-GAN", "sAE3")])
def test_whole_training_without_lambda_3_is_the_autoencoder_s(gan, without, tiny, slices, tmp_path):
    adversarial, plain = tiny(gan, lambda_adversarial=0.0), tiny(without)
    train(adversarial, slices, QUICK, tmp_path / "gan", about={})
    train(plain, slices, QUICK, tmp_path / "plain", about={})
    first = dict(adversarial.named_parameters())
    assert all(torch.equal(first[name], p) for name, p in plain.named_parameters())


@pytest.mark.parametrize("name", ["sAE3", "sVAE-GAN", "AnoGAN"])
def test_normalisation_trains_in_training_and_not_afterwards(name, tiny, slices, tmp_path):
    modes = []

    def note(_, method):
        modes.extend(m.training for m in method.modules() if isinstance(m, nn.BatchNorm2d))

    method = tiny(name)
    train(Watched(method.eval(), note), slices, QUICK, tmp_path, about={})
    assert modes
    assert all(modes)
    assert not any(module.training for module in method.modules())


def test_the_output_follows_the_batch_s_statistics_in_training_only(tiny, slices, tmp_path):
    method = tiny("sAE3")
    train(method, slices, QUICK, tmp_path, about={})
    x = torch.from_numpy(slices[:4]).unsqueeze(1)
    other = torch.cat([x[:1], 0.2 * x[1:]])
    assert torch.allclose(method.reconstruct(x)[0], method.reconstruct(other)[0], atol=1e-5)
    method.train()
    assert not torch.allclose(method.reconstruct(x)[0], method.reconstruct(other)[0], atol=1e-3)


def test_updates_run_in_order_on_every_batch(means, tmp_path):
    train(means, numbered(5), TrainSettings(epochs=2, batch_size=2), tmp_path, about={})
    assert [name for name, _, _ in means.seen] == ["one", "two"] * 3 * 2
    assert all(training for _, _, training in means.seen)
    batches = [batch for name, batch, _ in means.seen if name == "one"]
    assert batches == [batch for name, batch, _ in means.seen if name == "two"]
    first, second = batches[:3], batches[3:]
    assert [len(batch) for batch in first] == [2, 2, 1]
    for epoch in (first, second):
        assert sorted(number for batch in epoch for number in batch) == [0, 1, 2, 3, 4]
    assert first != second


def test_noise_is_new_for_every_update_batch_and_epoch(means, tmp_path):
    train(means, numbered(4), TrainSettings(epochs=3, batch_size=2), tmp_path, about={})
    assert len(means.draws) == len(set(means.draws)) == 2 * 2 * 3


def test_adam_moves_each_weight_by_its_learning_rate(means, tmp_path):
    train(means, numbered(4) + 1, TrainSettings(epochs=1, batch_size=4), tmp_path, about={})
    assert means.first.item() == pytest.approx(1 - 0.01, abs=1e-6)
    assert means.second.item() == pytest.approx(1 - 0.1, abs=1e-6)


def test_the_second_step_is_adam_s_with_beta1(means, tmp_path):
    """Gradients 1 and 3 (one slice per batch); moments by hand."""
    slices = np.concatenate([np.full((1, 4, 4), 1, np.float32), np.full((1, 4, 4), 3, np.float32)])
    train(means, slices, TrainSettings(epochs=1, batch_size=1, beta1=0.5), tmp_path, about={})
    g1, g2 = (batch[0] for name, batch, _ in means.seen if name == "one")
    moment = (0.25 * g1 + 0.5 * g2) / (1 - 0.5**2)
    square = (0.999 * 0.001 * g1**2 + 0.001 * g2**2) / (1 - 0.999**2)
    assert means.first.item() == pytest.approx(1 - 0.01 - 0.01 * moment / math.sqrt(square))


def test_cosine_decay_starts_whole_and_is_halved_midway(means, tmp_path):
    """One batch an epoch; Adam's first steps on a constant gradient are the rate itself."""
    settings = TrainSettings(epochs=4, batch_size=8, beta1=0.9, decay="cosine")
    rates = [0.1 * share for share in (1, 0.5 + 2**-1.5, 0.5, 0.5 - 2**-1.5)]
    train(means, np.ones((8, 4, 4), np.float32), settings, tmp_path, about={})
    assert means.second.item() == pytest.approx(1 - sum(rates), abs=1e-4)


@pytest.mark.parametrize("nothing", [{"epochs": 0}, {"batch_size": 0}])
def test_training_for_nothing_is_refused(nothing):
    with pytest.raises(UsageError, match="at least one epoch and one slice"):
        TrainSettings(**nothing)


def test_rates_are_a_share_of_the_method_s_own(means, tmp_path):
    settings = TrainSettings(epochs=1, batch_size=8, rate=0.25)
    train(means, np.ones((8, 4, 4), np.float32), settings, tmp_path, about={})
    assert means.second.item() == pytest.approx(1 - 0.25 * 0.1, abs=1e-4)


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(UsageError, match="above 0"):
        TrainSettings(rate=0)


def test_an_unknown_decay_is_refused():
    with pytest.raises(UsageError, match="found 'step'"):
        TrainSettings(decay="step")


@pytest.mark.parametrize(
    "impossible", [{"seed": -1}, {"beta1": 1.0}, {"beta1": -0.1}, {"precision": "fp16"}]
)
def test_what_torch_cannot_do_is_refused(impossible):
    with pytest.raises(UsageError, match=f"found .*{next(iter(impossible.values()))}"):
        TrainSettings(**impossible)


def test_loss_curves_are_means_over_the_batches(means, tmp_path):
    settings = TrainSettings(epochs=3, batch_size=2)
    seen = []
    history = train(means, numbered(4), settings, tmp_path, about={}, on_epoch=seen.append)
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert all(row["one.size"] == row["two.size"] == 2 for row in history)
    # The weight is 1 for the first batch and 1 - 0.01 for the second (Adam's first step)
    a, b = (np.mean(batch) for name, batch, _ in means.seen[:4] if name == "one")
    assert history[0]["one.mean"] == pytest.approx((a + 0.99 * b) / 2)
    assert [(e.done, e.planned) for e in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[0].losses["one.mean"] == history[0]["one.mean"]
    assert all(e.seconds >= 0 for e in seen)


def test_the_curves_on_disk_are_those_returned(means, tmp_path):
    history = train(means, numbered(4), TrainSettings(epochs=3, batch_size=2), tmp_path, about={})
    found = rows(tmp_path)
    assert [*found[0]] == [*history[0]]
    assert [row["epoch"] for row in found] == ["1", "2", "3"]
    for row, expected in zip(found, history, strict=True):
        assert {k: float(v) for k, v in row.items()} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["sAE3", "sVAE-GAN", "AnoGAN"])
def test_curves_of_real_methods(name, tiny, slices, tmp_path):
    history = train(tiny(name), slices, QUICK, tmp_path, about={})
    assert len(history) == 2
    terms = {
        "sAE3": {"autoencoder.reconstruction"},
        "sVAE-GAN": {
            "discriminator.discrimination",
            "discriminator.accuracy",
            "autoencoder.reconstruction",
            "autoencoder.prior",
            "autoencoder.adversarial",
        },
        "AnoGAN": {
            "discriminator.discrimination",
            "discriminator.accuracy",
            "generator.adversarial",
        },
    }
    assert set(history[0]) == {"epoch", "seconds", *terms[name]}


@pytest.mark.parametrize("name", ["sAE3", "sVAE-GAN"])
def test_weights_depend_on_the_seed_alone(name, tiny, slices, tmp_path):
    def weights(folder, **changes):
        method = tiny(name)
        train(method, slices, replace(QUICK, **changes), tmp_path / folder, about={})
        return copy(method)

    first = weights("a")
    torch.manual_seed(1234)
    np.random.seed(1234)  # noqa: NPY002 - the global seeds must not matter
    assert not changed(first, weights("b"))
    assert changed(first, weights("c", seed=1))


@pytest.mark.parametrize("name", ["sAE3", "sVAE-GAN", "AnoGAN"])
@pytest.mark.parametrize("precision", ["bf16", "fp32", "auto"])
def test_precisions_run(name, precision, tiny, slices, tmp_path):
    method = tiny(name)
    settings = replace(QUICK, precision=precision)
    (first, *_) = train(method, slices, settings, tmp_path, about={})
    assert all(math.isfinite(value) for value in first.values())
    assert {p.dtype for p in method.parameters()} == {torch.float32}


def test_bf16_is_near_fp32_and_not_the_same(tiny, slices, tmp_path):
    losses = {}
    for precision in ("bf16", "fp32"):
        settings = replace(QUICK, precision=precision)
        (_, last) = train(tiny("sAE3"), slices, settings, tmp_path / precision, about={})
        losses[precision] = last["autoencoder.reconstruction"]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)
    assert losses["bf16"] != losses["fp32"]


def test_autocast_follows_the_setting():
    a = torch.ones(2, 2)
    for precision, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        with autocast(TrainSettings(precision=precision)):
            assert (a @ a).dtype == dtype


class Breaking(nn.Module):
    """A method whose loss is not finite from the third epoch on."""

    def __init__(self, value):
        super().__init__()
        self.weight, self.value, self.calls = nn.Parameter(torch.ones(())), value, 0

    def updates(self):
        return [Update("it", [self.weight], 0.1, self.loss)]

    def loss(self, x, noise):
        self.calls += 1
        return Losses({"term": self.weight * (1.0 if self.calls <= 4 else self.value)})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_epoch_before(value, tmp_path):
    settings = TrainSettings(epochs=5, batch_size=2)
    with pytest.raises(TrainingError, match=r"it\.term.*epoch 3"):
        train(Breaking(value), numbered(4), settings, tmp_path, about={})
    state = torch.load(tmp_path / NAME, weights_only=True)
    assert [row["epoch"] for row in state["history"]] == [1, 2]
    assert math.isfinite(state["method"]["weight"])
    assert len(rows(tmp_path)) == 2
    fine = Breaking(1.0)
    assert len(train(fine, numbered(4), settings, tmp_path, about={})) == 5


@pytest.mark.parametrize("name", ["intensity", "local-contrast"])
def test_methods_without_updates_need_no_training(name, tiny, slices, tmp_path):
    assert train(tiny(name), slices, QUICK, tmp_path / "new", about={}) == []
    assert not (tmp_path / "new").exists()


def test_no_slices_are_refused(means, tmp_path):
    with pytest.raises(TrainingError, match="found none"):
        train(means, numbered(0), QUICK, tmp_path, about={})
