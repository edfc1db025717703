"""SECURITY.md says what is tested: every row is there, and every test that it names exists and is marked for it."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = {
    line.split(" ")[1]: [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if re.match(r"\| S\d+ \|", line)
}
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
_ID = re.compile(r"LLM\d\d|ASVS V\d+")


@cache
def read_marks(path: str) -> dict[str, frozenset[str]]:
    """Return the tests of a file, each with the ids that it, or its file, is marked with."""
    tree = ast.parse((ROOT / "tests" / path).read_text())
    shared: frozenset[str] = frozenset()
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            shared = _find_ids(node.value)
    return {
        node.name: shared.union(*(_find_ids(decorator) for decorator in node.decorator_list))
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _find_ids(node: ast.AST) -> frozenset[str]:
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and ast.unparse(n.func) == "pytest.mark.owasp"]
    return frozenset(str(ast.literal_eval(argument)) for call in calls for argument in call.args)


def test_every_row_is_in_the_table() -> None:
    assert list(ROWS) == [f"S{number}" for number in range(1, 21)]
    assert {id_ for cells in ROWS.values() for id_ in re.findall(r"LLM\d\d", cells[1])} == {
        f"LLM{number:02}" for number in range(1, 11)
    }


@pytest.mark.parametrize("row", [f"S{number}" for number in range(1, 21)])
def test_every_test_of_a_row_exists_and_is_marked(row: str) -> None:
    named, ids = _TEST.findall(ROWS[row][4]), set(_ID.findall(ROWS[row][1]))
    assert named
    for path, name in named:
        assert name in read_marks(path), f"{path}::{name}"
        assert ids & read_marks(path)[name], f"{path}::{name} is not marked with one of {sorted(ids)}"


def test_every_module_of_the_table_exists() -> None:
    for path in re.findall(r"`((?:advisor|integrations)/[\w/.]+)`", TEXT):
        assert (ROOT / path).exists(), path


def test_every_file_with_marked_tests_stands_in_the_table() -> None:
    named = {path for cells in ROWS.values() for path, _ in _TEST.findall(cells[4])}
    marked = {
        str(file.relative_to(ROOT / "tests"))
        for file in (ROOT / "tests").rglob("test_*.py")
        if "mark.owasp(" in file.read_text() and file.name != "test_table.py"
    }
    assert marked == named
