"""The viewer: slices side by side, in the right place, in the right colour."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from lesionless.report.viewer import COLUMNS, grey_layer, heat_layer, outline_layer, viewer

N = COLUMNS + 2


@pytest.fixture
def slices():
    return np.linspace(0, 1, N)[:, None, None] * np.ones((N, 16, 24))


def tile(layer, index, mode):
    sheet = np.array(Image.open(io.BytesIO(layer.picture)).convert(mode))
    row, column = divmod(index, COLUMNS)
    return sheet[16 * row : 16 * (row + 1), 24 * column : 24 * (column + 1)]


def test_grey_slices_stand_side_by_side(slices):
    layer = grey_layer("scan", slices, white=0.5)
    for index in range(N):
        assert tile(layer, index, "L").mean() == pytest.approx(
            min(255, 510 * index / (N - 1)), abs=2
        )


def test_heat_is_clear_at_its_bottom_and_brighter_above(slices):
    layer = heat_layer("score", slices, bottom=0.5, top=1)
    seen = [tile(layer, index, "RGBA").reshape(-1, 4)[0].astype(int) for index in range(N)]
    assert [pixel[3] > 0 for pixel in seen] == [index / (N - 1) > 0.5 for index in range(N)]
    brightness = [pixel[:3].sum() for pixel in seen if pixel[3]]
    assert brightness == sorted(brightness)


def test_the_outline_lies_around_the_mask_and_not_on_it():
    mask = np.zeros((2, 16, 24), bool)
    mask[1, 5:8, 5:8] = True
    drawn = np.array(Image.open(io.BytesIO(outline_layer("mask", mask).picture)).convert("RGBA"))[
        ..., 3
    ]
    assert (drawn[:, :24] == 0).all()
    assert (drawn[:, 24:] > 0).sum() == 12  # four sides of three pixels
    assert not (drawn[:, 24:] > 0)[mask[1]].any()


def test_the_page_part_says_where_the_slices_are_and_works_by_keyboard(slices):
    layers = [grey_layer("scan", slices, white=1, is_shown=True), outline_layer("m", slices > 2)]
    captions = [f"slice {n} </script>" for n in range(N)]
    part = viewer(layers, captions, shape=(16, 24), aspect=2, start=3)
    about = json.loads(re.search(r'id="viewer-slices">(.*?)</script>', part, re.S)[1])
    assert (about["columns"], about["rows"], about["ratio"]) == (COLUMNS, 2, 24 / 32)
    assert about["captions"] == captions
    assert f'type="range" min="0" max="{N - 1}" value="3"' in part
    assert '<label for="slice">' in part
    assert part.count("data-layer") - part.count("[data-layer]") == 2
