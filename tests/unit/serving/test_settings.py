"""The settings of `serving run`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from serving.errors import LaunchFailed
from serving.settings import inherited_environment, read_settings


def test_defaults_are_where_the_gateway_looks():
    """Without any setting the socket is where the gateway's own default is."""
    settings = read_settings({})
    assert settings.uds == Path("run/vllm.sock")
    assert settings.device == "auto"
    assert settings.max_logprobs == 5


def test_the_environment_sets_values(monkeypatch):
    """Every setting has a variable, lists as JSON."""
    monkeypatch.setenv("SEALGATE_SERVING_MAX_MODEL_LEN", "2048")
    monkeypatch.setenv("SEALGATE_SERVING_VLLM_ARGUMENTS", '["--seed=1"]')
    monkeypatch.setenv("SEALGATE_SERVING_STARTUP_TIMEOUT_SECONDS", "9")
    settings = read_settings({})
    assert settings.serve_options().max_model_len == 2048
    assert settings.serve_options().extra_arguments == ("--seed=1",)
    assert settings.patience().startup_seconds == 9


def test_the_command_line_wins(monkeypatch):
    """What is given on the command line beats the environment; None is not given."""
    monkeypatch.setenv("SEALGATE_SERVING_DEVICE", "gpu")
    assert read_settings({"device": "cpu"}).device == "cpu"
    assert read_settings({"device": None}).device == "gpu"


def test_unknown_variables_are_refused(monkeypatch):
    """A misspelt setting does not silently do nothing."""
    monkeypatch.setenv("SEALGATE_SERVING_KEYZ", "x")
    with pytest.raises(LaunchFailed, match="SEALGATE_SERVING_KEYZ"):
        read_settings({})


def test_all_faults_are_named_and_no_value_is():
    """One run shows everything that is wrong, without repeating what was given."""
    with pytest.raises(LaunchFailed) as refusal:
        read_settings({"device": "canary-tpu", "max_model_len": 1, "tool_call_parser": "a b"})
    text = str(refusal.value)
    assert all(name in text for name in ("device", "max_model_len", "tool_call_parser"))
    assert "canary-tpu" not in text


def test_settings_are_frozen():
    """Nobody changes a setting after it was read."""
    with pytest.raises(ValidationError):
        read_settings({}).device = "gpu"


def test_the_inherited_environment_is_a_copy(monkeypatch):
    """The launcher can take from it without changing this process."""
    monkeypatch.setenv("SOME_NAME", "x")
    environment = inherited_environment()
    environment.pop("SOME_NAME")
    assert inherited_environment()["SOME_NAME"] == "x"
