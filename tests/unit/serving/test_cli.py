"""The `serving` command."""

from __future__ import annotations

import json
import runpy
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from serving.cli import app
from tests.story.processes import read_json_lines


def _run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def _json(*arguments, code=0):
    return json.loads(_run(*arguments, "--json", code=code).output)


def test_from_keys_to_a_verified_bundle(tmp_path, model_dir):
    """keygen, seal, verify and inspect work together."""
    keys, bundle = tmp_path / "k", tmp_path / "b"
    written = _json("keygen", keys)["written"]
    assert len(written) == 3
    sealed = _json("seal", model_dir, bundle, "--name", "tiny", "--keys", keys)
    verified = _json("verify", bundle, "--keys", keys)
    inspected = _json("inspect", bundle)
    assert sealed["content_sha256"] == verified["content_sha256"] == inspected["content_sha256"]
    assert verified["verified"] == str(bundle)
    assert inspected["verified"] is False
    assert [file["path"] for file in inspected["files"]] == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]


def test_a_verifier_needs_the_verification_key_only(tmp_path, bundle):
    """A machine that checks bundles holds no secret."""
    for name in ("wrapping.key", "signing.key"):
        (tmp_path / "keys" / name).unlink()
    _run("verify", bundle, "--keys", tmp_path / "keys")


def test_an_adapter_is_sealed_for_its_model(tmp_path, bundle, adapter_dir):
    """--base makes a LoRA adapter of the bundle and binds it to that model."""
    sealed = _json(
        "seal", adapter_dir, tmp_path / "a", "--name", "clinic", "--base", bundle,
        "--keys", tmp_path / "keys",
    )  # fmt: skip
    assert (sealed["kind"], sealed["base_model"]) == ("lora", "tiny")


def test_an_adapter_is_not_sealed_for_a_foreign_model(tmp_path, bundle, adapter_dir, foreign_keys):
    """The base bundle must be signed by the same key."""
    _run(
        "seal", adapter_dir, tmp_path / "a", "--name", "clinic", "--base", bundle,
        "--keys", tmp_path / "foreign", code=1,
    )  # fmt: skip


def test_rekey_moves_a_bundle(tmp_path, bundle, foreign_keys):
    """After rekey the new keys verify the new bundle."""
    _run(
        "rekey", bundle, tmp_path / "new", "--keys", tmp_path / "keys",
        "--new-keys", tmp_path / "foreign",
    )  # fmt: skip
    _run("verify", tmp_path / "new", "--keys", tmp_path / "foreign")
    _run("verify", tmp_path / "new", "--keys", tmp_path / "keys", code=1)


def test_a_refusal_is_one_line_and_exit_code_1(tmp_path, bundle):
    """The reason is on standard error; in JSON it is an object."""
    (bundle / "manifest.sig").write_bytes(b"x" * 64)
    result = _run("verify", bundle, "--keys", tmp_path / "keys", code=1)
    assert result.stderr.startswith("serving: ")
    assert result.stderr.count("\n") == 1
    result = _run("verify", bundle, "--keys", tmp_path / "keys", "--json", code=1)
    assert "signed" in json.loads(result.stderr)["error"]


def test_a_file_that_cannot_be_read_is_a_refusal(tmp_path, keys):
    """A missing folder ends in exit code 1, not in a traceback."""
    result = _run(
        "seal", tmp_path / "nowhere", tmp_path / "b", "--name", "tiny",
        "--keys", tmp_path / "keys", code=1,
    )  # fmt: skip
    assert "nowhere" in result.stderr


@pytest.mark.parametrize("arguments", [["seal"], ["unknown"], ["verify", "a", "--unknown"]])
def test_wrong_use_is_exit_code_2(arguments):
    """Missing arguments and unknown commands and options are wrong use."""
    _run(*arguments, code=2)


@pytest.mark.parametrize(
    "arguments",
    [["--device", "tpu"], ["--vllm-executable", "no-such-vllm"], ["--lora", "nameless"]],
)
def test_run_refuses_before_anything_is_opened(tmp_path, bundle, arguments):
    """Faults of the command line are found before keys are read."""
    command = [sys.executable, "-m", "serving", "run", bundle, "--uds", tmp_path / "r" / "s"]
    done = subprocess.run(
        [*map(str, command), "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "error" in json.loads(done.stderr)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_run_tells_what_happens(tmp_path, bundle, fake_vllm, extra):
    """Each step of a run is a line, for people and for programs, from opening to stopping."""
    command = [
        sys.executable, "-m", "serving", "run", bundle, "--uds", tmp_path / "run" / "vllm.sock",
        "--keys", tmp_path / "keys", "--vllm-executable", fake_vllm,
        "--max-model-len", 64, "--vllm-arg=--seed=1", *extra,
    ]  # fmt: skip
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line)["event"] if extra else line.split()[0])
            if events[-1] == "ready":
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert events == ["opened", "started", "ready", "stopped"]
    (start,) = read_json_lines(fake_vllm.with_name("starts.jsonl"))
    assert "--seed=1" in start["arguments"]


def test_the_command_and_the_module_are_the_same(monkeypatch, capsys):
    """`python -m serving` is the `serving` command."""
    monkeypatch.setattr(sys, "argv", ["serving", "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("serving", run_name="__main__")
    assert end.value.code == 0
    assert "keygen" in capsys.readouterr().out


def test_people_get_text(tmp_path, bundle):
    """Without --json the answer is lines that read well."""
    assert "model_name: tiny" in _run("inspect", bundle).output
    assert "  config.json  " in _run("inspect", bundle).output
    assert "written:\n  " in _run("keygen", tmp_path / "k2").output
