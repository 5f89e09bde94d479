"""The access log over HTTP: auditors read, operators destroy, nobody does both."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord
from tests.fakes.control import LOOPBACK, FakeClock, open_log, write_log


@pytest.fixture
async def days(tmp_path: Path, clock: FakeClock, room: ControlRoom) -> list[str]:
    """Write three records for each of three days and return the days, oldest first."""
    moments = [clock.now - timedelta(days=age) for age in (8, 1, 0)]
    records = [AccessRecord(at, status, LOOPBACK) for at in moments for status in (200, 403, 502)]
    await write_log(open_log(tmp_path / "access", room.key_wrap), *records)
    return [moment.date().isoformat() for moment in moments]


async def test_days_are_listed(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """An auditor sees which days have a log, oldest first."""
    assert (await auditor.get("access-log/days")).json() == {"days": days}


async def test_no_log_is_an_empty_list(auditor: httpx.AsyncClient) -> None:
    """Before the first request there is no day and no record."""
    assert (await auditor.get("access-log/days")).json() == {"days": []}
    assert (await auditor.get("access-log")).json() == {"items": [], "next": None}


async def test_record_holds_three_members(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """Each record is time, status and address."""
    (record, *_) = (await auditor.get("access-log")).json()["items"]
    assert set(record) == {"time", "status", "ip"}
    assert (record["time"][:10], record["status"], record["ip"]) == (days[0], 200, "127.0.0.1")


async def test_log_is_paged(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """Following next reads each record once, in the order of their times; three are of one."""
    seen, query = [], {"limit": 2, "from": f"{days[0]}T00:00:00Z"}
    while True:
        page = (await auditor.get("access-log", params=query)).json()
        seen += [(item["time"][:10], item["status"]) for item in page["items"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == [(day, status) for day in days for status in (200, 403, 502)]


async def test_span_is_read_alone(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """From the first moment on and before the last, in whatever zone they are given."""
    span = {"from": f"{days[1]}T08:00:00+08:00", "to": f"{days[2]}T00:00:00Z"}
    found = (await auditor.get("access-log", params=span)).json()["items"]
    assert {item["time"][:10] for item in found} == {days[1]}


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-11-23T00:00:00"},
        {"after": "x"},
        {"after": "1"},
        {"after": "1-100000"},
        {"limit": 0},
    ],
)
async def test_what_is_no_span_is_422(auditor: httpx.AsyncClient, query: dict[str, str]) -> None:
    """A moment without a zone, a place that no page had and an empty page are refused."""
    assert (await auditor.get("access-log", params=query)).status_code == 422


async def test_first_and_last_moment_there_are(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """The ends of the calendar in the zones farthest off are no bug; a span backwards is 400."""
    span = {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"}
    assert len((await auditor.get("access-log", params=span)).json()["items"]) == 9
    backwards = {"from": f"{days[2]}T00:00:00Z", "to": f"{days[1]}T00:00:00Z"}
    assert (await auditor.get("access-log", params=backwards)).status_code == 400


async def test_segments_are_checked(auditor: httpx.AsyncClient, days: list[str]) -> None:
    """An auditor sees of each segment whether it is as it was written; what is due is left out."""
    found = (await auditor.get("access-log/segments")).json()["items"]
    assert [(item["state"], item["records"]) for item in found if item["records"]] == [
        ("whole", 3),
        ("whole", 3),
    ]
    assert all(item["is_sound"] for item in found)


async def test_purge_keeps_the_retention(operator: httpx.AsyncClient, days: list[str]) -> None:
    """Without a number the days beyond the retention go, with zero all but today's."""
    assert (await operator.post("access-log/purge")).json() == {"days": days[:1]}
    everything = await operator.post("access-log/purge", params={"older_than_days": 0})
    assert everything.json() == {"days": days[1:2]}
    refused = await operator.post("access-log/purge", params={"older_than_days": -1})
    assert refused.status_code == 422


async def test_reading_and_destroying_are_apart(
    auditor: httpx.AsyncClient, operator: httpx.AsyncClient, days: list[str]
) -> None:
    """An auditor cannot destroy what it audits, an operator cannot read who called."""
    assert (await auditor.post("access-log/purge")).status_code == 403
    for path in ("access-log", "access-log/days", "access-log/segments"):
        assert (await operator.get(path)).status_code == 403
