"""A new configuration for a process that serves: all of it or nothing, and the reason in a line."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.reload import Reload
from gateway.core.errors import StoreUnavailable
from gateway.settings import Configuration, load_configuration
from tests.fakes.waiting import until


class Operator:
    """Somebody who changes the file, sends the signal and reads what is said."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.told: list[str] = []
        self.refused: list[bool] = []
        self.adopted: list[Configuration] = []
        self.fault: StoreUnavailable | None = None
        self.file.write_text("[models.tiny]\n", "utf-8")
        self.reload = Reload(
            load_configuration(file),
            lambda: load_configuration(file),
            tell=self.told.append,
            note_refused=self.refused.append,
        )

    async def adopt(self, newest: Configuration) -> None:
        """Serve by it, unless there is a fault."""
        if self.fault is not None:
            raise self.fault
        self.adopted.append(newest)

    async def change(self, text: str) -> str:
        """Put *text* into the file; return what came of it."""
        self.file.write_text(text, "utf-8")
        count = len(self.refused)
        self.reload.ask()
        await until(lambda: len(self.refused) > count)
        lines = " ".join(self.told)
        self.told.clear()
        return lines


async def test_change_is_served_while_serving(tmp_path: Path) -> None:
    """What was put into the file is adopted, compared with what was adopted before it."""
    operator = Operator(tmp_path / "c")
    async with operator.reload.watching(operator.adopt):
        for text in ("[models.a]\n", "[models.a]\n[requests]\nchoices = 1\n"):
            assert await operator.change(text) == "the new configuration is served"
    assert [set(each.settings.models) for each in operator.adopted] == [{"a"}, {"a"}]
    assert operator.adopted[-1].settings.requests.choices == 1
    assert operator.refused == [False, False]


async def test_fault_leaves_all_as_it_was(tmp_path: Path) -> None:
    """A misspelt name, a part that takes a new start, a store that is away: the reason is told."""
    operator = Operator(tmp_path / "c")
    async with operator.reload.watching(operator.adopt):
        assert "models.a.nonsense" in await operator.change("[models.a]\nnonsense = 1\n")
        said = await operator.change("[models.a]\n[listen]\nport = 9000\n[workers]\ncount = 2\n")
        assert said.startswith("listen: changes when")
        assert "workers: changes when" in said
        assert said.endswith("the new configuration is refused, the old one is served on")
        operator.fault = StoreUnavailable("away")
        assert (await operator.change("[models.a]\n")).startswith("away ")
        assert (operator.adopted, operator.refused) == ([], [True] * 3)
        operator.fault = None
        assert await operator.change("[models.tiny]\n") == "the new configuration is served"
    assert operator.refused[-1] is False


async def test_what_is_asked_before_it_serves_is_done_then(tmp_path: Path) -> None:
    """A signal during the start is not lost, and after the end nothing is read."""
    operator = Operator(tmp_path / "c")
    operator.reload.ask()
    async with operator.reload.watching(operator.adopt):
        await until(lambda: operator.refused)
    operator.reload.ask()
    assert operator.refused == [False]
