"""The packed tables that come with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.core.pii import prebuilt
from gateway.core.pii.compiled import IS_COMPILED
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.machine import Machine
from gateway.core.pii.packing import pack
from gateway.core.pii.stream import StreamScrubber
from gateway.core.pii.tables import Tables

TEXT = "姓名：王伟，手机号 13800138000, card 4111 1111 1111 1111, ann@example.com"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of tables."""
    file = tmp_path_factory.mktemp("tables") / "tables.bin"
    prebuilt.write_tables(file)
    return file


@pytest.mark.skipif(not IS_COMPILED, reason="the walk is not compiled")
def test_made_tables_are_those_that_would_be_made(made: Path) -> None:
    """A machine of them finds the same."""
    tables = prebuilt.find_tables(made)
    assert tables is not None
    outs = []
    for machine in (Machine(DETECTORS, packed=tables), Machine(DETECTORS)):
        scrubber = StreamScrubber(machine=machine)
        outs.append(scrubber.feed(TEXT) + scrubber.finish())
    assert outs[0] == outs[1] != TEXT


def test_tables_are_as_long_as_those_that_would_be_made(made: Path) -> None:
    """Nothing stands before or behind them but their digest."""
    tables = prebuilt.find_tables(made)
    assert tables is not None
    assert len(tables) == len(pack(Tables(DETECTORS)))


def test_a_file_of_other_sources_is_not_used(made: Path, tmp_path: Path) -> None:
    """Nor one that is empty, nor none at all."""
    other = tmp_path / "other.bin"
    assert prebuilt.find_tables(other) is None
    other.write_bytes(b"")
    assert prebuilt.find_tables(other) is None
    other.write_bytes(b"x" + made.read_bytes()[1:])
    assert prebuilt.find_tables(other) is None


def test_every_source_counts(tmp_path: Path) -> None:
    """A changed, added or renamed source gives another digest."""
    package = tmp_path / "pii"
    shutil.copytree(prebuilt.FILE.parent / "detectors", package / "detectors")
    digests = {prebuilt.digest_of(package)}
    (package / "detectors/email.py").write_text("changed")
    digests.add(prebuilt.digest_of(package))
    (package / "more.py").write_text("")
    digests.add(prebuilt.digest_of(package))
    (package / "more.py").rename(package / "detectors/more.py")
    digests.add(prebuilt.digest_of(package))
    assert len(digests) == 4
