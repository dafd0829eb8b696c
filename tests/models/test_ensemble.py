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
