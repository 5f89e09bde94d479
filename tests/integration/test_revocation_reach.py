"""A revocation through one process counts in every process on the same store."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from gateway.core.registry import RevocationKind
from loadtests.revocation import Plan, measure

GENEROUS_SECONDS = 4.0


@pytest.fixture(scope="module")
def reaches():
    """Revoke one thing of each kind, with two processes, callers and running streams."""
    plan = Plan(processes=2, revocations=len(RevocationKind), callers=1, kinds=(*RevocationKind,))
    # Not pytest's own folder: the path of a Unix socket has a limit of about 100 characters.
    with tempfile.TemporaryDirectory(prefix="reach-") as folder:
        return asyncio.run(measure(plan, Path(folder)))


@pytest.mark.parametrize("kind", RevocationKind)
def test_revocation_counts_everywhere(reaches, kind):
    """Refused by both, accepted by none afterwards, and streams cut with an error event."""
    found = {reach.process: reach for reach in reaches if reach.kind == kind}
    assert sorted(found) == [0, 1]
    assert [reach.faults for reach in found.values()] == [(), ()]
    for reach in found.values():
        assert reach.refused_after_answer < GENEROUS_SECONDS
        assert reach.cut_after_answer < GENEROUS_SECONDS
