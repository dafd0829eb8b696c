"""The common style: reproducible, independent of the user's settings, nothing left open."""

import matplotlib
import pytest

from lesionless.report.style import COLOURS, DASHES, figure_bytes, new_figure, save_figure, styled


@styled
def line():
    figure = new_figure(1, width_inch=2)
    figure.subplots().plot([0, 1], label="a")
    return figure


@pytest.mark.parametrize("kind", ["png", "jpeg", "svg"])
def test_the_same_figure_gives_the_same_bytes_under_any_settings(kind):
    plain = figure_bytes(line(), kind=kind, dpi=40)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9}):
        assert figure_bytes(line(), kind=kind, dpi=40) == plain


def test_drawing_leaves_the_users_settings_and_no_open_figure():
    with matplotlib.rc_context({"font.size": 20}):
        line()
        assert matplotlib.rcParams["font.size"] == 20
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def test_a_file_holds_the_type_that_its_name_says(tmp_path):
    save_figure(line(), tmp_path / "new" / "a.jpg", dpi=40)
    save_figure(line(), tmp_path / "new" / "a.png", dpi=40)
    assert (tmp_path / "new" / "a.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert (tmp_path / "new" / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.jpg", "a.png"]


def test_colours_and_dashes_differ():
    assert len(set(COLOURS)) == len(COLOURS)
    assert len({str(dash) for dash in DASHES}) == len(DASHES)
