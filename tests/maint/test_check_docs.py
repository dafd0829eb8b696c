"""The check of docstrings and links finds what is wrong, and nothing else."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_docs", ROOT / "maint" / "check_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GOOD = '''
class Grid:
    """Hold.

    Attributes:
        size: A field.
        area: A property.
        state: Set by a method.
    """

    size: int

    def __init__(self):
        self.state = 0

    @property
    def area(self): ...


def scale(image, *others, factor=1, **rest):
    """Scale. See docs/page.md#the-reason and docs/page.md#by-hand.

    Args:
        image: Shape:
            not: a name.
        *others: More.
        factor: One.
        **rest: Others.

    Returns:
        nothing: at all.
    """
'''


def tree(root: Path, code: str) -> Path:
    (root / "src").mkdir()
    (root / "docs").mkdir()
    (root / "src" / "a.py").write_text(code)
    (root / "docs" / "page.md").write_text('# The *reason*\n\n<a id="by-hand"></a>text\n')
    return root


def test_what_agrees_passes(check: ModuleType, tmp_path: Path) -> None:
    assert check.main(tree(tmp_path, GOOD)) == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("factor=1", "ratio=1", "scale: Args names factor"),
        ("size: int", "length: int", "Grid: Attributes names size"),
        ("self.state", "self.status", "Grid: Attributes names state"),
        ("#by-hand", "#by-foot", "docs/page.md has no anchor by-foot"),
        ("docs/page.md#by", "docs/other.md#by", "docs/other.md is not there"),
    ],
)
def test_what_does_not_agree_is_named(
    check: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    message: str,
) -> None:
    assert check.main(tree(tmp_path, GOOD.replace(old, new))) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("docs/page.md#the-reason", None),
        ("docs/page.md", None),
        ("#a-title", None),
        ("https://example.org/page.md#other", None),
        ("docs/page.md#other", "README.md:2: docs/page.md has no anchor other"),
        ("other.md", "README.md:2: other.md is not there"),
        ("#other", "README.md:2: README.md has no anchor other"),
    ],
)
def test_links_between_pages_are_followed(
    check: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    link: str,
    message: str | None,
) -> None:
    root = tree(tmp_path, GOOD)
    (root / "README.md").write_text(f"# A title\n[here]({link})\n")
    assert check.main(root) == (0 if message is None else 1)
    assert message is None or message in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ('`Recipe.filter = "median"`', None),
        ("`Recipe.sizes = (5,5)`", None),
        ("`Recipe.size = 7`", "README.md:1: Recipe.size is 5, not 7"),
        ("`Recipe.depth = 7`", "README.md:1: Recipe.depth is not there, not 7"),
    ],
)
def test_defaults_in_pages_are_those_of_the_code(
    check: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    stated: str,
    message: str | None,
) -> None:
    fields = 'filter: str = "median"\n    size: int = 5\n    sizes: tuple = (5, 5)\n'
    root = tree(tmp_path, f"{GOOD}\nclass Recipe:\n    {fields}")
    (root / "README.md").write_text(f"The default is {stated}.\n")
    assert check.main(root) == (0 if message is None else 1)
    assert message is None or message in capsys.readouterr().out
