"""Several networks as one."""

import pytest
import torch

from lesionless.errors import UsageError
from lesionless.models import bundle
from lesionless.models.bundle import Bundle
from lesionless.models.catalogue import build
from lesionless.models.ensemble import Ensemble, EnsembleSettings, Member
from lesionless.training.loop import TrainSettings, train


@pytest.fixture
def settings(tiny_settings):
    return EnsembleSettings(
        (Member("sAE3", tiny_settings("sAE3")), Member("dVAE", tiny_settings("dVAE")))
    )


def test_it_rebuilds_the_mean(tiny, x):
    members = [tiny("sAE3", seed=1).eval(), tiny("sAE3", seed=2).eval()]
    one, two = (member.reconstruct(x) for member in members)
    joined = Ensemble(EnsembleSettings(()), members).eval()
    torch.testing.assert_close(joined.reconstruct(x), (one + two) / 2)
    assert not torch.equal(one, two)


def test_members_of_several_looks_take_one_each_by_turns(tiny):
    x = torch.zeros(1, 1, 64, 64)
    x[..., 20:44, 20:44], x[..., 30:33, 26:30] = 0.4, 0.7
    how = {"widths": (4, 8), "contrasts": (1.0, 1.6)}
    members = [tiny("restoration", seed=seed, **how).eval() for seed in range(3)]
    looks = [[member.look(x, number) for number in (0, 1)] for member in members]
    joined = Ensemble(EnsembleSettings(()), members).eval()
    expected = (looks[0][0] + looks[1][1] + looks[2][0]) / 3
    torch.testing.assert_close(joined.reconstruct(x), expected)
    torch.testing.assert_close(joined.glance(x), looks[0][1])
    assert not torch.equal(looks[0][0], looks[0][1])


def test_an_ensemble_in_an_ensemble_keeps_all_its_networks(tiny, x):
    one, two, three = (tiny("sAE3", seed=seed).eval() for seed in range(3))
    inner = Ensemble(EnsembleSettings(()), [one, two]).eval()
    outer = Ensemble(EnsembleSettings(()), [inner, three]).eval()
    expected = (inner.reconstruct(x) + three.reconstruct(x)) / 2
    torch.testing.assert_close(outer.reconstruct(x), expected)
    torch.testing.assert_close(outer.glance(x), one.reconstruct(x))


def test_at_a_glance_a_member_without_one_rebuilds_as_ever(tiny, x):
    member = tiny("sAE3", seed=1).eval()
    joined = Ensemble(EnsembleSettings(()), [member, tiny("sAE3", seed=2)]).eval()
    torch.testing.assert_close(joined.glance(x), member.reconstruct(x))


def test_each_member_is_trained_on_by_its_own_updates(tiny, x, tmp_path):
    members = [tiny("sAE3", seed=1), tiny("sAE-GAN", seed=2)]
    joined = Ensemble(EnsembleSettings(()), members)
    names = [update.name for update in joined.updates()]
    assert names == ["0.autoencoder", "1.discriminator", "1.autoencoder"]
    before = [[p.clone() for p in member.parameters()] for member in members]
    (row,) = train(joined, x.squeeze(1).numpy(), TrainSettings(epochs=1), tmp_path, about={})
    assert {"0.autoencoder.reconstruction", "1.autoencoder.reconstruction"} < set(row)
    for member, weights in zip(members, before, strict=True):
        moved = [not torch.equal(p, w) for p, w in zip(member.parameters(), weights, strict=True)]
        assert all(moved)


def test_bfloat16_is_borne_if_every_member_bears_it(tiny):
    both = [tiny("restoration", widths=(4, 8)), tiny("restoration", widths=(4, 8))]
    assert Ensemble(EnsembleSettings(()), both).reduced_precision
    assert not Ensemble(EnsembleSettings(()), [*both, tiny("sAE3")]).reduced_precision


def test_a_bundle_of_different_members_comes_back(settings, x, tmp_path):
    joined = build(settings, seed=5).eval()
    saved = Bundle(
        name="sAE3+dVAE",
        settings=settings,
        prepare={"space": "mni152"},
        scoring={"residual": "absolute"},
        normative={},
        thresholds={"p98": 1.0},
        operating_point="p98",
        method=joined,
    )
    bundle.save(saved, tmp_path)
    loaded = bundle.load(tmp_path)
    assert loaded.settings == settings
    assert torch.equal(loaded.method.reconstruct(x), joined.reconstruct(x))


def test_what_searches_a_code_or_nothing_is_refused(tiny):
    for members in ([], [tiny("sAE3"), tiny("AnoGAN")]):
        with pytest.raises(UsageError, match="one pass"):
            Ensemble(EnsembleSettings(()), members)
