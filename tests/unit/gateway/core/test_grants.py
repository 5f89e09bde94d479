"""What a client may be given."""

from __future__ import annotations

from dataclasses import asdict

from gateway.core.grants import UNLIMITED, DataClass, Grant, Operation, Quota, every_operation


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


def test_permission_name_says_operation_and_model():
    """The name of a grant is stable: it is what records of use and reclaims hold."""
    grant = Grant("org/model:7b", Operation.CHAT_COMPLETIONS)
    assert grant.permission == "models:call:chat_completions:org/model:7b"


def test_no_quota_limits_nothing():
    """A missing quota is no quota, in every one of its numbers."""
    assert set(asdict(UNLIMITED).values()) == {None}
    assert Quota() == UNLIMITED
