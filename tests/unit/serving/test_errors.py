"""The error tree of serving."""

from __future__ import annotations

from serving import errors


def test_every_error_is_a_serving_error():
    """The command line catches one class and so turns every refusal into exit code 1."""
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) == 5
    assert all(issubclass(c, errors.ServingError) for c in classes)


def test_every_error_is_drawn_in_the_tree():
    """The tree in the module docstring names every class."""
    names = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert all(name in (errors.__doc__ or "") for name in names)
