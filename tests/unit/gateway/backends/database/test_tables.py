"""The tables: times keep their zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from gateway.backends.database.tables import UtcDateTime


def test_times_are_stored_in_utc_and_come_back_aware() -> None:
    """A time of any zone is the same moment after a round trip; a naive one is refused."""
    column, dialect = UtcDateTime(), sqlite.dialect()
    moment = datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=8)))
    stored = column.process_bind_param(moment, dialect)
    assert stored is not None
    assert stored.tzinfo is None
    assert column.process_result_value(stored, dialect) == moment
    assert column.process_bind_param(None, dialect) is None
    with pytest.raises(ValueError, match="aware"):
        column.process_bind_param(moment.replace(tzinfo=None), dialect)
