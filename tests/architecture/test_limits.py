"""Size and shape of every module and function."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import name_of, source_files, tree

MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 60
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "base", "types", "misc"}
BROAD_EXCEPT_BORDERS = {
    "gateway/api/edge.py",  # the ASGI border of everything but inference
    "gateway/pipeline/chain.py",  # the ASGI border of inference, where the reply can be sealed
    "gateway/control/background.py",  # the background-task border
    "gateway/backends/http_server.py",  # one connection's bug ends no time limit of the others
    "gateway/backends/timed_finder.py",  # the border to a model that is not ours
}


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_module_is_short_and_named_for_what_it_does(path):
    """A module fits into one reading and its name says what is in it."""
    assert len(path.read_text("utf-8").splitlines()) <= MAX_MODULE_LINES
    assert path.stem not in BANNED_NAMES


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_functions_are_short_and_hide_nothing(path):
    """No function is long, none imports inside itself, none reaches for ``global``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"
            hidden = [
                n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom | ast.Global)
            ]
            assert not hidden, f"{node.name}: import or global inside"


def test_broad_excepts_only_at_the_borders():
    """Only the named borders catch every exception; elsewhere a bug stays visible."""
    found = {
        name_of(path)
        for path in source_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    }
    assert found == BROAD_EXCEPT_BORDERS
