"""What a listener refuses for its own reasons."""

from __future__ import annotations

import pytest

from gateway.api.problems import PROBLEMS
from gateway.core.head_errors import ExpectationFailed, HeadTooLarge, TargetTooLong


@pytest.mark.parametrize(
    ("error", "status"), [(HeadTooLarge, 431), (TargetTooLong, 414), (ExpectationFailed, 417)]
)
def test_each_has_its_own_status(error, status):
    """A client can tell which of the limits it met."""
    assert PROBLEMS[error.code].status == status
    assert error().detail == error.default_detail
