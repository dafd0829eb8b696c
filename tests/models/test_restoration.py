"""The U-Net that takes synthetic lesions away."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lesionless.errors import UsageError
from lesionless.models import losses
from lesionless.models.corruption import bumpy_ellipse
from lesionless.models.findings import Findings
from lesionless.models.restoration import Restoration, RestorationSettings, _highest_nearby
from lesionless.models.unet import UNet
from lesionless.training.loop import TrainSettings, train

TINY = RestorationSettings(size=64, widths=(12, 16), learning_rate=5e-3)


def brain(size: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    inside = np.hypot(rows, columns) < 0.42 * size
    texture = np.random.default_rng(0).normal(0.4, 0.01, (size, size))
    return np.where(inside, texture, 0).astype(np.float32)


def test_overlap_by_hand():
    """Dice of (1, 0.5, 0) and (1, 1, 0), both sides raised by 20, is (2 * 1.5 + 20) / 23.5."""
    probability = torch.tensor([1.0, 0.5, 0.0]).view(1, 1, 1, 3)
    lesion = torch.tensor([1.0, 1.0, 0.0]).view(1, 1, 1, 3)
    assert losses.overlap(probability, lesion).item() == pytest.approx(1 - 23 / 23.5)
    assert losses.overlap(lesion, lesion).item() == 0
    nothing = torch.zeros_like(lesion)
    assert losses.overlap(lesion, nothing).item() == pytest.approx(1 - 20 / 22)


def test_maps_have_the_slice_s_size_and_see_place_and_other_side():
    torch.manual_seed(0)
    network = UNet((4, 8), maps=3).eval()
    x = torch.zeros(1, 1, 32, 16)
    assert network(x).shape == (1, 3, 32, 16)
    assert network(x)[0, 0].std() > 0  # an empty slice is told apart by place alone
    other = x.clone()
    other[..., 10, 3] = 1
    changed = (network(other) - network(x)).abs().sum((0, 1)) > 1e-6
    assert changed[10, 3] and changed[10, 12]  # the mirror image of column 3 of 16
    assert network.multiple == 4


def test_a_lesion_s_edge_takes_its_excess_from_the_core_beside_it(monkeypatch):
    """Probability 0.5 at the edge, 1 in the core; excess 0.1 and 0.3; 4 pixels away is too far."""
    method = Restoration(RestorationSettings(size=64, widths=(4, 8))).eval()
    probability, excess = torch.full((1, 1, 52, 44), 1e-4), torch.full((1, 1, 52, 44), 0.1)
    probability[..., 20, 20], excess[..., 20, 20] = 1 - 1e-6, 0.3
    probability[..., 20, [23, 24]] = 0.5
    monkeypatch.setattr(method, "_found", lambda x: (torch.logit(probability), excess))
    x = torch.full((1, 1, 64, 64), 0.9)
    taken = (x - method.reconstruct(x))[0, 0, 26, 30 + np.array([0, 3, 4])]
    assert taken.tolist() == pytest.approx([0.3, 0.15, 0.025], abs=1e-4)


def test_what_is_taken_away_is_the_mean_over_contrasts(monkeypatch):
    """Of a network that takes away what it sees, but not below the level of tissue, 0.4.

    Stretched by 1.6, 0.5 is seen as 0.56, 0.9 as 0.99 and fluid of 0.1 as it is.
    """
    settings = replace(TINY, contrasts=(1.0, 1.6))
    method = Restoration(settings).eval()
    looks = []

    def seen(x):
        looks.append(x)
        return torch.where(x > 0, 20.0, -20.0), (x - 0.4).clip(0)

    monkeypatch.setattr(method, "_found", seen)
    x = torch.zeros(1, 1, 64, 64)
    x[..., 12, 20], x[..., 30, 20], x[..., 50, 20] = 0.5, 0.9, 0.1
    taken = (x - method.reconstruct(x))[0, 0, [12, 30, 50], 20]
    assert taken.tolist() == pytest.approx([0.13, 0.545, 0], abs=1e-4)
    inside = x[..., *method._inside]
    torch.testing.assert_close(looks[0], inside)
    rows, columns = inside[0, 0].nonzero().T
    mirrored = looks[1][0, 0, rows + 1, inside.shape[-1] - columns]  # and a pixel further
    assert mirrored.tolist() == pytest.approx([0.56, 0.99, 0.1])


def test_a_glance_is_one_look_and_the_mean_of_all_is_what_is_rebuilt():
    x = torch.zeros(1, 1, 64, 64)
    x[..., 20:44, 20:44], x[..., 30:33, 26:30] = 0.4, 0.7
    torch.manual_seed(1)
    method = Restoration(replace(TINY, contrasts=(1.0, 1.6, 1.3))).eval()
    looks = [method.look(x, number) for number in (0, 1, 2)]
    torch.testing.assert_close(method.reconstruct(x), torch.stack(looks).mean(dim=0))
    assert torch.equal(method.glance(x), looks[2])
    assert torch.equal(method.look(x, 4), looks[1])
    assert not torch.equal(looks[0], looks[1])


def test_the_highest_nearby_is_that_of_max_pooling():
    excess = torch.rand(2, 1, 20, 13, generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.max_pool2d(excess, 7, stride=1, padding=3)
    assert torch.equal(_highest_nearby(excess), wanted)


class Echo(torch.nn.Module):
    """A network that finds what it sees, and notes how large that is."""

    multiple = 16
    seen = ()

    def forward(self, x):
        self.seen = tuple(x.shape[-2:])
        return torch.cat([x, x], dim=1)


@pytest.mark.parametrize(
    ("enlargement", "inside", "seen"),
    [(1.0, (208, 176), (208, 176)), (1.25, (208, 182), (256, 224)), (1.45, (220, 176), (320, 256))],
)
def test_the_network_sees_an_enlarged_slice_and_what_it_finds_is_as_large_as_the_slice(
    enlargement, inside, seen
):
    """A ramp stays a ramp when it is enlarged and reduced again, but for its ends."""
    settings = RestorationSettings(widths=(4, 8, 8, 8), enlargement=enlargement)
    method = Restoration(settings).eval()
    assert tuple(s.stop - s.start for s in method._inside) == inside
    assert all(s.start + s.stop == 256 for s in method._inside)  # in the middle
    method.network = Echo()
    ramp = torch.linspace(-1, 1, inside[1]).expand(1, 1, *inside)
    logit, excess = method._found(ramp)
    assert method.network.seen == seen
    torch.testing.assert_close(logit[..., 2:-2], ramp[..., 2:-2])
    torch.testing.assert_close(excess, torch.nn.functional.softplus(logit - 2))


@pytest.mark.parametrize("enlargement", [0.9, 2, math.nan])
def test_an_enlargement_out_of_its_range_is_refused(enlargement):
    with pytest.raises(UsageError, match="from 1 to less than 2"):
        RestorationSettings(enlargement=enlargement)


def test_nothing_is_ever_added_and_the_border_stays():
    method = Restoration(RestorationSettings(widths=(4, 8, 8, 8))).eval()
    x = torch.rand(2, 1, 256, 256)
    with torch.no_grad():
        x_hat = method.reconstruct(x)
    assert torch.all(x_hat <= x)
    inside = (x_hat < x).any(0)[0]
    rows, columns = inside.any(1).nonzero().squeeze(), inside.any(0).nonzero().squeeze()
    assert (rows.min(), rows.max() + 1) == (24, 232)
    assert (columns.min(), columns.max() + 1) == (40, 216)


def test_one_seed_gives_one_loss_and_another_another():
    method = Restoration(TINY).train()
    x = torch.from_numpy(brain()).repeat(2, 1, 1, 1)
    (update,) = method.updates()
    totals = [
        update.loss(x, torch.Generator().manual_seed(seed)).total.item() for seed in (1, 1, 2)
    ]
    assert totals[0] == totals[1] != totals[2]


def test_it_learns_to_take_lesions_away(tmp_path):
    """After a few seconds of training a bright blob goes and the tissue around it stays."""
    method = Restoration(TINY)
    slices = np.repeat(brain()[None], 96, axis=0)
    settings = TrainSettings(epochs=14, beta1=0.9, decay="cosine", precision="fp32")
    history = train(method, slices, settings, tmp_path, about={})
    first, last = history[0], history[-1]
    assert last["restoration.segmentation"] < 0.5 * first["restoration.segmentation"]
    x = brain()
    x[20:25, 38:43] = 0.8
    taken = x - method.reconstruct(torch.from_numpy(x)[None, None]).detach().numpy()[0, 0]
    assert taken[21:24, 39:42].mean() > 0.15
    assert taken[40:50, 20:30].max() < 0.05


@pytest.fixture
def patients() -> Findings:
    """A patient with one lesion that was found and a bright place that nobody is sure of."""
    clean, lesion, unsure = brain(), np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    lesion[20:26, 38:44] = unsure[40:46, 20:26] = True
    image = np.where(lesion | unsure, 0.8, clean).astype(np.float32)
    clean = np.where(lesion, clean, image)
    return Findings(image[None], clean[None], lesion[None], unsure[None], bumpy_ellipse)


def examples(method: Restoration, number: int) -> list[np.ndarray]:
    """Draw examples, (example, row, column): patient, clean, lesion, judged."""
    x = torch.from_numpy(brain())[None, None].repeat(number, 1, 1, 1)
    drawn = method._examples(x[..., *method._inside], torch.Generator().manual_seed(0))
    full = [np.zeros((number, 64, 64), np.float32) for _ in drawn]
    for plane, part in zip(full, drawn, strict=True):
        plane[:, *method._inside] = part[:, 0].numpy()
    return full


def test_what_was_found_in_patients_is_learnt_as_lesion(patients):
    still = replace(TINY, variation=0.0, patients_share=1.0)
    method = Restoration(still)
    method.findings = patients
    sides = set()
    for patient, clean, lesion, judged in zip(*examples(method, 12), strict=True):
        mirrored = patient[20:26, 38:44].min() < 0.7
        sides.add(mirrored)
        turn = slice(None, None, -1 if mirrored else 1)
        patient, clean, lesion, judged = (p[:, turn] for p in (patient, clean, lesion, judged))
        assert patient[20:26, 38:44].min() > 0.7
        assert lesion[20:26, 38:44].min() > 0.99
        assert clean[20:26, 38:44].max() < 0.5
        implanted = lesion[40:46, 20:26] > 0
        np.testing.assert_array_equal(judged[40:46, 20:26] > 0, implanted)
        assert judged[32, 32] == 1
    assert sides == {False, True}


def test_patients_change_their_pose_and_scanner_too(patients):
    """Lesions and their masks move together."""
    method = Restoration(replace(TINY, patients_share=1.0))
    method.findings = patients
    drawn = list(zip(*examples(method, 12), strict=True))
    assert len({tuple(np.argwhere(lesion > 0.5)[0]) for _, _, lesion, _ in drawn}) > 3
    for patient, clean, lesion, _ in drawn:
        taken = patient - clean
        assert taken[lesion > 0.9].min() > 0.05
        assert np.abs(taken[lesion == 0]).max() < taken[lesion > 0.9].mean()


def test_patients_have_the_share_of_examples_that_is_asked_for(patients):
    method = Restoration(replace(TINY, variation=0.0))
    method.findings = patients
    *_, judged = examples(method, 200)
    inside = judged.sum(axis=(1, 2))
    assert (inside < inside.max()).mean() == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("contrasts", [(), (1.0, 0.0), (math.nan,), (math.inf,), 1.6, ("a",)])
def test_a_slice_is_looked_at_with_some_contrast(contrasts):
    with pytest.raises(UsageError, match="contrasts above 0"):
        replace(TINY, contrasts=contrasts)
