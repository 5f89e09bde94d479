"""The access log over HTTP: auditors read, operators delete, nobody does both."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gateway.backends.access_log_files import AccessLogFiles
from gateway.core.access_log import AccessRecord
from tests.fakes.control import LOOPBACK, FakeClock


@pytest.fixture
def days(tmp_path: Path, clock: FakeClock) -> list[str]:
    """Write three records for each of three days and return the days, oldest first."""
    moments = [clock.now - timedelta(days=age) for age in (8, 1, 0)]
    files = AccessLogFiles(tmp_path / "access")
    for moment in moments:
        for status in (200, 403, 502):
            files.write(AccessRecord(moment, status, LOOPBACK))
    files.close()
    return [moment.date().isoformat() for moment in moments]


async def test_days_are_listed(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """An auditor sees which days have a log, oldest first."""
    assert (await auditor.get("access-log")).json() == {"days": days}


async def test_no_log_is_an_empty_list(auditor: httpx.AsyncClient) -> None:
    """Before the first request there is no day."""
    assert (await auditor.get("access-log")).json() == {"days": []}


async def test_record_holds_three_members(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """Each record is time, status and address."""
    (record, *_) = (await auditor.get(f"access-log/{days[0]}")).json()["items"]
    assert set(record) == {"time", "status", "ip"}
    assert (record["time"][:10], record["status"], record["ip"]) == (days[0], 200, "127.0.0.1")


async def test_day_is_paged(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """Following next reads each record once, in the order in which it was written."""
    seen, skip = [], "0"
    while skip is not None:
        query = {"skip": skip, "limit": 2}
        page = (await auditor.get(f"access-log/{days[0]}", params=query)).json()
        seen += [item["status"] for item in page["items"]]
        skip = page["next"]
    assert seen == [200, 403, 502]


async def test_missing_day_is_404(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """Neither a day without a log nor what is no day is found."""
    assert (await auditor.get("access-log/2020-01-01")).status_code == 404
    assert (await auditor.get("access-log/yesterday")).status_code == 404


async def test_purge_keeps_the_retention(operator: httpx.AsyncClient, days: list[str]) -> None:
    """Without a number the days beyond the retention go, with zero all but today's."""
    assert (await operator.post("access-log/purge")).json() == {"days": days[:1]}
    everything = await operator.post("access-log/purge", params={"older_than_days": 0})
    assert everything.json() == {"days": days[1:2]}
    refused = await operator.post("access-log/purge", params={"older_than_days": -1})
    assert refused.status_code == 422


async def test_reading_and_deleting_are_apart(
    auditor: httpx.AsyncClient, operator: httpx.AsyncClient, days: list[str]
) -> None:
    """An auditor cannot delete what it audits, an operator cannot read who called."""
    assert (await auditor.post("access-log/purge")).status_code == 403
    assert (await operator.get(f"access-log/{days[0]}")).status_code == 403
