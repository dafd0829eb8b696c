"""Pages: everything escaped, nothing needed from outside, tables that can be read aloud."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionless.report import html
from lesionless.report.html import Html, Picture
from lesionless.report.table_formats import Table

VOID = {"meta", "img", "input", "br"}
PNG = b"\x89PNG rest"


class Reader(HTMLParser):
    """Collect the text of a page, and see that every tag is closed where it should be."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.tags = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@given(st.text())
def test_text_comes_back_as_it_was(text):
    reader = Reader(html.element("p", text))
    assert "".join(reader.text) == text
    assert [tag for tag, _ in reader.tags] == ["p"]


def test_every_part_of_a_page_escapes_its_text():
    evil = '<script>alert("1")</script>&'
    parts = [
        html.section(evil, html.paragraphs(evil)),
        html.bullets([evil], kind="warnings"),
        html.table(Table(evil, (evil, evil), ((evil, evil),), (evil,))),
        html.pairs({evil: evil}, evil),
        html.picture(Picture(PNG, evil, evil)),
        html.details(evil, html.element("p", evil)),
    ]
    page = html.page(evil, *parts, subtitle=evil)
    tags = [tag for tag, _ in Reader(page).tags]
    assert "script" not in tags
    in_page, in_section, in_list, in_table, in_pairs, in_picture, in_details = 3, 2, 1, 7, 4, 2, 2
    assert page.count("&lt;script&gt;") == (
        in_page + in_section + in_list + in_table + in_pairs + in_picture + in_details
    )


def test_a_page_needs_nothing_from_outside_and_states_its_use():
    page = html.page("t", html.picture(Picture(PNG, "c", "d")))
    assert "http" not in page.replace("http-equiv", "")
    assert "not a medical device" in page
    assert all(a["src"].startswith("data:") for tag, a in Reader(page).tags if tag == "img")


def test_a_table_has_a_caption_and_heads_for_columns_and_rows():
    tags = Reader(html.table(Table("t", ("a", "b"), (("x", "1"), ("y", "2"))))).tags
    assert ("caption", {}) in tags
    assert [a["scope"] for tag, a in tags if tag == "th"] == ["col", "col", "row", "row"]


def test_numbers_break_only_before_their_interval():
    text = "0.65 ± 0.12 [0.54, 0.77]"
    page = html.table(Table("t", ("a", "b"), (("x", text),)))
    assert "0.65 ± 0.12 [0.54, 0.77]".replace(" ± ", "\xa0±\xa0").replace(", ", ",\xa0") in page


def test_a_picture_has_a_description():
    (image,) = [
        a for tag, a in Reader(html.picture(Picture(PNG, "c", "d & e"))).tags if tag == "img"
    ]
    assert image["alt"] == "d & e"


@pytest.mark.parametrize(
    ("content", "kind"), [(b"\x89PNG", "png"), (b"\xff\xd8\xff\xe0", "jpeg"), (b"<?xml", "svg+xml")]
)
def test_pictures_are_told_by_their_first_bytes(content, kind):
    assert html.data_address(content).startswith(f"data:image/{kind};base64,")


def test_another_file_is_no_picture():
    with pytest.raises(ValueError, match="found b'GIF89a'"):
        html.data_address(b"GIF89a")


def test_contents_link_the_sections_that_hold_something():
    whole = html.contents(
        html.section("What to keep in mind", Html("<p>x</p>")), html.section("Empty", Html(""))
    )
    anchors = [a["href"] for tag, a in Reader(whole).tags if tag == "a"]
    assert anchors == ["#what-to-keep-in-mind"]
    assert 'id="what-to-keep-in-mind"' in whole
    assert "Empty" not in whole


def test_nothing_gives_nothing():
    assert html.bullets([]) == html.pairs({}, "c") == html.section("h") == ""
