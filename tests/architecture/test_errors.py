"""The error tree and the one table from codes to HTTP agree."""

from __future__ import annotations

from gateway.api.problems import PROBLEMS
from gateway.core import errors, head_errors


def _codes() -> set[str]:
    values = [*vars(errors).values(), *vars(head_errors).values()]
    classes = [value for value in values if isinstance(value, type)]
    return {c.code for c in classes if issubclass(c, errors.SealgateError)}


def test_every_error_code_has_exactly_one_row():
    """No error can reach a client without a status, and no row is for an error that is gone."""
    assert set(PROBLEMS) == _codes()


def test_every_error_is_drawn_in_the_tree():
    """The tree in the module docstring names every class."""
    for module in (errors, head_errors):
        drawn = module.__doc__ or ""
        names = {name for name in vars(module) if name[0].isupper()} - {"ClassVar"}
        assert all(name in drawn for name in names)
