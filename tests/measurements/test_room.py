"""The room as a whole: it computes and does nothing else, and every public name says what it is."""

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[2] / "measurements"
MODULES = sorted(ROOM.rglob("*.py"))
ALLOWED = {"numpy", "scipy", "measurements"}
STANDARD = {
    *("__future__", "collections", "copy", "dataclasses", "enum", "fractions", "functools", "hashlib"),
    *("itertools", "math", "numbers", "types", "typing"),
}
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "tofile", "save", "savez", "fromfile", "loadtxt"}


def named(path):
    return path.relative_to(ROOM).as_posix()


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_it_stands_on_numpy_and_scipy_alone(path):
    roots = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(node.module.split(".")[0])
    assert roots <= ALLOWED | STANDARD


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_nothing_is_read_written_or_kept(path):
    for node in ast.walk(tree_of(path)):
        assert not isinstance(node, (ast.Global, ast.Nonlocal)), f"{named(path)}:{node.lineno}: keeps state"
        if isinstance(node, ast.Call):
            call = node.func
            name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
            assert name not in FORBIDDEN_CALLS, f"{named(path)}:{node.lineno}: {name}()"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_scipy_is_imported_where_it_is_needed(path):
    # It takes a tenth of a second to load, and most commands do not need it.
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("scipy") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert not node.module.startswith("scipy")


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_public_name_has_its_docstring(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{named(path)} says nothing of itself"
    missing = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and not any(getattr(one, "id", "") == "overload" for one in node.decorator_list)
        and not ast.get_docstring(node)
        and node in public_places(tree)
    ]
    assert missing == []


def public_places(tree):
    """Give what stands at the top of a module, and the methods of its public classes."""
    top = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    classes = [one for one in top if isinstance(one, ast.ClassDef) and one.name[0] != "_"]
    return [*top, *(node for one in classes for node in one.body)]
