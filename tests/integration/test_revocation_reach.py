"""A revocation through one process counts in every process on the same store, on any host."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from gateway.core.registry import RevocationKind
from loadtests.reach import Where
from loadtests.revocation import Plan, measure
from loadtests.shared_store import Engine
from tests.fakes.engines import PostgresServer, RedisServer

GENEROUS_SECONDS = 4.0


def run(plan):
    """Return what each revocation of *plan* did in each process."""
    # Not pytest's own folder: the path of a Unix socket has a limit of about 100 characters.
    with tempfile.TemporaryDirectory(prefix="reach-") as folder:
        return asyncio.run(measure(plan, Path(folder)))


def assert_counts(reaches):
    """Assert that it was refused and cut everywhere, and that nothing passed afterwards."""
    assert [reach.faults for reach in reaches] == [()] * len(reaches)
    for reach in reaches:
        assert reach.refused_after_answer < GENEROUS_SECONDS
        assert reach.cut_after_answer < GENEROUS_SECONDS
        assert reach.later_calls


@pytest.fixture(scope="module")
def reaches():
    """Revoke one thing of each kind, with two processes, callers and running streams."""
    return run(
        Plan(processes=2, revocations=len(RevocationKind), callers=1, kinds=(*RevocationKind,))
    )


@pytest.mark.parametrize("kind", RevocationKind)
def test_revocation_counts_everywhere(reaches, kind):
    """Refused by both, accepted by none afterwards, and streams cut with an error event."""
    found = [reach for reach in reaches if reach.kind == kind]
    assert [reach.where for reach in found] == [Where.ITSELF, Where.SAME_HOST]
    assert_counts(found)


@pytest.mark.skipif(
    PostgresServer.find() is None or RedisServer.find() is None,
    reason="the engines of the development lock are not installed",
)
def test_revocation_counts_on_another_host_though_no_news_come():
    """Hosts that share nothing but engines look for themselves, whichever is told to revoke."""
    reaches = run(
        Plan(
            engine=Engine.POSTGRESQL_REDIS,
            hosts=2,
            processes=1,
            is_told=False,
            revocations=2,
            callers=1,
            kinds=("jti",),
        )
    )
    there = [Where.ITSELF, Where.OTHER_HOST]
    assert [reach.where for reach in reaches] == [*there, *reversed(there)]
    assert_counts(reaches)
