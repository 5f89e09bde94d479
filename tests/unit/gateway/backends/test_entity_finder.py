"""The model for names, by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.backends.entity_finder import load_entity_finder
from gateway.core.pii.ner import Span
from gateway.settings import SettingsError

MODULE = """
from gateway.core.pii.ner import Span

class Finder:
    def find(self, sentence):
        return [Span(0, len(sentence), "NAME")]

def make():
    return Finder()

def make_nothing():
    return None
"""

NEEDS_MORE = "import sealgate_part_that_is_not_installed\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the name of a module that can be imported."""
    name = "finder_of_names"
    (tmp_path / f"{name}.py").write_text(MODULE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_the_function_is_called_once_and_makes_the_model(module: str) -> None:
    """What the function returns is asked about sentences."""
    assert load_entity_finder(f"{module}:make", seconds=5).find("ab") == [Span(0, 2, "NAME")]


@pytest.mark.parametrize("name", ["{}:gone", "gone.module:make", "{}", ":make", "{}:make_nothing"])
def test_a_gateway_without_its_model_does_not_start(module: str, name: str) -> None:
    """A name that leads nowhere, or to something else, is a fault of the configuration."""
    with pytest.raises(SettingsError, match=r"scrub\.ner"):
        load_entity_finder(name.format(module), seconds=5)


def test_what_a_model_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is there and cannot be imported is not taken for one that is not there."""
    (tmp_path / "finder_that_needs_more.py").write_text(NEEDS_MORE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match="sealgate_part_that_is_not_installed"):
        load_entity_finder("finder_that_needs_more:make", seconds=5)
