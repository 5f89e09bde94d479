"""The records between the stages."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from gateway.pipeline import exchange
from gateway.pipeline.exchange import Here


def records():
    return [
        c for _, c in inspect.getmembers(exchange, inspect.isclass) if dataclasses.is_dataclass(c)
    ]


@pytest.mark.parametrize("record", records(), ids=lambda record: record.__name__)
def test_records_are_frozen(record):
    """A later stage adds to a record, it never rewrites what an earlier one checked."""
    assert record.__dataclass_params__.frozen


async def test_quick_work_is_done_at_once():
    """Where nothing slow is to be done, work goes through without a detour."""
    assert await Here().run(lambda: "done") == "done"
