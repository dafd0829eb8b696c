"""Fail when docstrings or pages name what is not there, or a default that is not the code's.

A default is stated in a page as `Class.field = value`, in backquotes.

Usage: python maint/check_docs.py [ROOT]
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_ITEM = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?:")
_LINK = re.compile(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?")
_MARKDOWN_LINK = re.compile(r"\]\(([\w./-]+\.md)?(?:#([\w-]+))?\)")
_DEFAULT = re.compile(r"`([A-Z]\w+)\.(\w+) = ([^`]+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([\w-]+)">')

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def main(root: Path) -> int:
    """Check package and pages below a root, print what is wrong, and return the exit code."""
    code = sorted((root / "src").rglob("*.py"))
    pages = sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")])
    defaults = {name: value for path in code for name, value in stated_defaults(path)}
    found = [(path, [*wrong_names(path), *wrong_links(path, _LINK, root)]) for path in code]
    found += [
        (page, [*wrong_links(page, _MARKDOWN_LINK, page.parent), *wrong_defaults(page, defaults)])
        for page in pages
    ]
    wrong = [
        f"{path.relative_to(root)}:{line}: {message}"
        for path, messages in found
        for line, message in messages
    ]
    print("\n".join(wrong) or "Docstrings, pages and code agree.")  # noqa: T201
    return 1 if wrong else 0


def wrong_names(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and message for each name in a docstring that the code does not have."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, Definition):
            continue
        docstring = ast.get_docstring(node) or ""
        known = {"Args": _parameters(node), "Attributes": _attributes(node)}
        for section, names in known.items():
            for name in named_in(docstring, section):
                if name not in names:
                    yield node.lineno, f"{node.name}: {section} names {name}, which is not there"


def named_in(docstring: str, section: str) -> list[str]:
    r"""Return the names that a section of a Google-style docstring describes.

    >>> named_in("Do.\n\nArgs:\n    a: One,\n        that: is long.\n    *b: Two.", "Args")
    ['a', 'b']
    """
    _, found, text = f"\n{docstring}".partition(f"\n{section}:\n")
    if not found:
        return []
    lines = text.split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    names = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth < indent:
            break
        match = _ITEM.match(line.strip())
        if match and depth == indent:
            names.append(match[1])
    return names


def wrong_links(path: Path, form: re.Pattern[str], base: Path) -> Iterator[tuple[int, str]]:
    """Yield line and message for each page or anchor that a file names but that is not there.

    Args:
        path: The file.
        form: What a link looks like in it; its groups are the page and the anchor.
        base: The folder from which pages are named.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for page, anchor in form.findall(line):
            target = base / page if page else path
            if not target.exists():
                yield number, f"{page} is not there"
            elif anchor and anchor not in anchors(target):
                yield number, f"{page or path.name} has no anchor {anchor}"


def stated_defaults(path: Path) -> Iterator[tuple[str, str]]:
    """Yield `Class.field` and the source of its default, for each field that has one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and item.value is not None:
                    yield f"{node.name}.{ast.unparse(item.target)}", ast.unparse(item.value)


def wrong_defaults(page: Path, defaults: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield line and message for each default that a page states and the code does not have."""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        for owner, field, value in _DEFAULT.findall(line):
            name = f"{owner}.{field}"
            if defaults.get(name) != ast.unparse(ast.parse(value, mode="eval")):
                yield number, f"{name} is {defaults.get(name, 'not there')}, not {value}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a Markdown page: its headings, and those set by hand."""
    text = page.read_text(encoding="utf-8")
    headings = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in headings} | set(_ANCHOR.findall(text))


def _parameters(node: Definition) -> set[str]:
    """Return the parameters of a function, or what a class is made from."""
    if isinstance(node, ast.ClassDef):
        makers = [item for item in node.body if getattr(item, "name", "") == "__init__"]
        return _fields(node).union(*(_parameters(maker) for maker in makers))  # type: ignore[arg-type]
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    listed += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    return {argument.arg for argument in listed}


def _attributes(node: Definition) -> set[str]:
    """Return what a class has: fields, properties, methods and what these set on self."""
    on_self = {
        item.attr
        for item in ast.walk(node)
        if isinstance(item, ast.Attribute)
        and isinstance(item.ctx, ast.Store)
        and getattr(item.value, "id", "") == "self"
    }
    return _fields(node) | {getattr(item, "name", "") for item in node.body} | on_self


def _fields(node: Definition) -> set[str]:
    annotated = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
    assigned = [
        target for item in node.body if isinstance(item, ast.Assign) for target in item.targets
    ]
    return {target.id for target in [*annotated, *assigned] if isinstance(target, ast.Name)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
