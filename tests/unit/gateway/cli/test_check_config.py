"""``sealgate check-config``."""

from __future__ import annotations

from pathlib import Path


def test_good_configuration_is_0(sealgate) -> None:
    """A configuration that can be used is said to be valid, and nothing is made."""
    outcome = sealgate("check-config")
    assert outcome == (0, "The configuration is valid.\n", "")


def test_nothing_is_written(sealgate, config: Path) -> None:
    """The check makes no folder and no file."""
    sealgate("check-config")
    assert list(config.parent.iterdir()) == [config]


def test_every_fault_is_a_line(sealgate, config: Path) -> None:
    """Each fault is one line on standard error, and no value is repeated."""
    config.write_text('[listen]\nport = "secret-value"\n[admin]\nprot = 1\n', "utf-8")
    outcome = sealgate("check-config")
    assert (outcome.code, outcome.out) == (1, "")
    lines = outcome.err.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["sealgate", "listen.port"],
        ["sealgate", "admin.prot"],
    ]
    assert "secret-value" not in outcome.err


def test_missing_file_is_1(sealgate, config: Path) -> None:
    """A configuration file that was named and is not there is a fault."""
    config.unlink()
    outcome = sealgate("check-config")
    assert outcome.code == 1
    assert "No such file" in outcome.err


def test_words_after_it_are_2(sealgate) -> None:
    """The command takes no argument."""
    assert sealgate("check-config", "more").code == 2
