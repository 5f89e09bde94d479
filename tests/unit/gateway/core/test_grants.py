"""What a client may be given."""

from __future__ import annotations

from gateway.core.grants import DataClass, Grant, Operation, every_operation


def test_every_operation_is_granted_for_each_model():
    """A model granted whole is granted for each operation, once."""
    grants = every_operation(["a", "b", "a"])
    assert grants == {Grant(model, operation) for model in "ab" for operation in Operation}


def test_permission_names_are_distinct():
    """No two grants share the name under which their use is recorded."""
    grants = every_operation(["a", "b", "completions:a"])
    assert len({grant.permission for grant in grants}) == len(grants)


def test_data_classes_are_ordered():
    """public < internal < sensitive < core."""
    assert sorted(DataClass, key=lambda c: c.rank) == [
        DataClass.PUBLIC,
        DataClass.INTERNAL,
        DataClass.SENSITIVE,
        DataClass.CORE,
    ]
