"""The section ``requests``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.configured_rules import room_rules
from gateway.core.request_limits import DEFAULTS, HIGHEST, NAMES, RequestLimits
from gateway.settings import SettingsError, load_configuration
from gateway.settings_requests import RequestSettings


def test_every_limit_is_a_setting() -> None:
    """By the same name, with the same default and the same highest value."""
    assert tuple(RequestSettings.model_fields) == NAMES
    assert RequestSettings().limits() == DEFAULTS
    highest = {name: getattr(HIGHEST, name) for name in NAMES}
    assert RequestSettings(**highest).limits() == HIGHEST
    for name in NAMES:
        with pytest.raises(ValueError, match=name):
            RequestSettings(**{name: highest[name] + 1})


def test_limits_reach_the_rules(tmp_path: Path) -> None:
    """What is set holds for all clients; what no limit can be is a fault."""
    file = tmp_path / "sealgate.toml"
    file.write_text("[requests]\nchoices = 1\n", "utf-8")
    rules = room_rules(load_configuration(file))
    assert rules.policies.request_limits == RequestLimits(choices=1)
    file.write_text("[requests]\nchoices = 1000\n", "utf-8")
    with pytest.raises(SettingsError):
        load_configuration(file)
