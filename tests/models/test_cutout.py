"""What a context autoencoder does not see."""

import torch

from lesionless.models.cutout import SIDES, cut_out


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_square_is_a_square_of_an_allowed_side_and_all_else_stays():
    x = torch.rand(64, 1, 96, 96, generator=generator()) + 0.1
    seen = cut_out(x, generator(1), squares=1)
    cut = seen[:, 0] == 0
    assert torch.equal(seen[:, 0][~cut], x[:, 0][~cut])
    for one in cut:
        rows, columns = (one.any(dim).nonzero() for dim in (1, 0))
        assert one[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()
        assert max(len(rows), len(columns)) <= SIDES[1] * 96 + 1
        whole = rows.min() > 0 and rows.max() < 95 and columns.min() > 0 and columns.max() < 95
        assert not whole or abs(len(rows) - len(columns)) <= 1
        assert not whole or len(rows) >= SIDES[0] * 96 - 1


def test_places_differ_between_slices_and_repeat_with_the_seed():
    x = torch.ones(2, 1, 64, 64)
    first, again, other = (cut_out(x, generator(s), squares=3) for s in (2, 2, 3))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(x, torch.ones(2, 1, 64, 64))


def test_none_are_cut_where_none_are_asked_for():
    x = torch.rand(2, 1, 64, 64)
    assert torch.equal(cut_out(x, generator(), squares=0), x)
