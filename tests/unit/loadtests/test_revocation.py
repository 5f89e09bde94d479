"""What the command line asks for, and what bystanders may see of a revocation."""

from collections import Counter

import pytest

from loadtests.revocation import faults_of_others, parse_plan
from loadtests.shared_store import Engine


@pytest.mark.parametrize(
    ("arguments", "engine", "hosts", "processes"),
    [
        ((), Engine.SQLITE, 1, 4),
        (("--store", "postgresql"), Engine.POSTGRESQL, 2, 2),
        (("--store", "postgresql+redis"), Engine.POSTGRESQL_REDIS, 2, 2),
        (("--store", "postgresql", "--hosts", "4"), Engine.POSTGRESQL, 4, 1),
        (("--store", "postgresql", "--processes", "3"), Engine.POSTGRESQL, 2, 3),
    ],
)
def test_four_processes_are_on_as_many_hosts_as_the_store_can_serve(
    arguments: tuple[str, ...], engine: Engine, hosts: int, processes: int
) -> None:
    """There are four processes unless told otherwise, on two hosts where the store serves those."""
    plan, _ = parse_plan(arguments)
    assert (plan.engine, plan.hosts, plan.processes) == (engine, hosts, processes)
    assert plan.is_told


def test_push_can_be_lost_where_there_is_one() -> None:
    """Servers can be kept from telling of changes."""
    plan, _ = parse_plan(("--store", "postgresql", "--without-push"))
    assert not plan.is_told


@pytest.mark.parametrize("arguments", [("--hosts", "2"), ("--without-push",)])
def test_what_a_file_cannot_be_asked_is_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is not measured as if it were on two hosts, or had a push to lose."""
    with pytest.raises(SystemExit):
        parse_plan(arguments)
    assert "a SQLite file is of one host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "seen", "faults"),
    [
        ("jti", {200: 9}, ()),
        ("jti", {200: 9, 401: 2}, ("2 calls of others got 401",)),
        ("role", {200: 9, 401: 2}, ()),
        ("role", {200: 9, 401: 2, 503: 1}, ("1 calls of others got 503",)),
        ("kid", {401: 2}, ()),
        ("client_id", {}, ("one of the others was not served",)),
    ],
)
def test_others_are_left_alone(kind: str, seen: dict[int, int], faults: tuple[str, ...]) -> None:
    """Bystanders are served, and refused only by what concerns them, too."""
    assert faults_of_others(kind, [Counter({200: 5}), Counter(seen)]) == faults
