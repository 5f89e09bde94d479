"""`serving run` against a stand-in for vLLM that speaks the same command line."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.bundle import BundleLabel, seal_bundle
from serving.errors import BundleRefused, LaunchFailed
from serving.health import UnixHttpConnection
from serving.launcher import Launch, find_executable, open_model, stop_on_signals
from tests.story.processes import read_json_lines
from tests.unit.serving.conftest import CREATED_AT

SECONDS = 20.0


class _Run:
    """A launcher in a process of its own, and what it wrote and started."""

    def __init__(self, folder: Path, bundle: Path, fake_vllm: Path, *arguments: str, **settings):
        self.uds = folder / "run" / "vllm.sock"
        self.plaintext = folder / "plain"
        self.plaintext.mkdir(exist_ok=True)
        self._starts = fake_vllm.with_name("starts.jsonl")
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SEALGATE_SERVING_PLAINTEXT_PARENT": str(self.plaintext),
            "SEALGATE_SERVING_FIRST_RESTART_DELAY_SECONDS": "0.05",
            "SEALGATE_SERVING_HEALTH_INTERVAL_SECONDS": "0.1",
            "VLLM_SERVER_DEV_MODE": "1",
        } | {f"SEALGATE_SERVING_{name.upper()}": str(value) for name, value in settings.items()}
        command = [
            sys.executable, "-m", "serving", "run", str(bundle), "--json",
            "--uds", str(self.uds),
            "--keys", str(folder / "keys"),
            "--vllm-executable", str(fake_vllm),
            *arguments,
        ]  # fmt: skip
        self._out, self._error = folder / "out", folder / "error"
        with self._out.open("wb") as out, self._error.open("wb") as error:
            self.process = subprocess.Popen(command, env=environment, stdout=out, stderr=error)

    def events(self):
        return read_json_lines(self._out)

    def starts(self):
        return read_json_lines(self._starts) if self._starts.exists() else []

    def error(self):
        return self._error.read_text()

    def wait_for(self, event, *, times=1):
        deadline = time.monotonic() + SECONDS
        while [e["event"] for e in self.events()].count(event) < times:
            assert self.process.poll() is None, self.error()
            assert time.monotonic() < deadline, self.events()
            time.sleep(0.02)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def run(tmp_path, bundle, fake_vllm):
    """Return what starts a launcher for the sealed bundle; all are ended afterwards."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, **settings):
            launcher = _Run(tmp_path, bundle, fake_vllm, *arguments, **settings)
            stack.callback(launcher.close)
            return launcher

        yield start


def _assert_nothing_left(launcher):
    assert list(launcher.plaintext.iterdir()) == []
    assert sorted(path.name for path in launcher.uds.parent.iterdir()) == ["vllm.lock"]


def test_it_serves_the_opened_model_until_it_is_stopped(run):
    """The model is open while vLLM runs, the key lies beside the socket, and all is gone after."""
    launcher = run()
    launcher.wait_for("ready")
    (start,) = launcher.starts()
    assert start["model_files"] == ["config.json", "model.safetensors", "tokenizer.json"]
    assert start["folder_mode"] == 0o700
    assert (
        launcher.uds.with_suffix(".key").read_text().strip()
        == (start["environment"]["VLLM_API_KEY"])
    )
    assert launcher.end() == 0
    assert [e["event"] for e in launcher.events()] == ["opened", "started", "ready", "stopped"]
    _assert_nothing_left(launcher)


def test_dangerous_variables_do_not_reach_vllm(run):
    """A development switch in the launcher's environment stays there, and so do its settings."""
    launcher = run()
    launcher.wait_for("ready")
    environment = launcher.starts()[0]["environment"]
    assert not [name for name in environment if name.startswith(("SEALGATE_", "PYTHONPATH"))]
    assert "VLLM_SERVER_DEV_MODE" not in environment


def test_no_key_is_shown(run):
    """Neither the events nor the command line of vLLM hold the API key."""
    launcher = run()
    launcher.wait_for("ready")
    (start,) = launcher.starts()
    key = start["environment"]["VLLM_API_KEY"]
    assert key not in json.dumps(launcher.events()) + json.dumps(start["arguments"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_stop_signal_cleans_up(run, number):
    """Ctrl-C, a service manager's stop and a closed terminal all leave nothing behind."""
    launcher = run()
    launcher.wait_for("ready")
    assert launcher.end(number) == 0
    _assert_nothing_left(launcher)


def test_a_crash_leads_to_a_restart_with_a_new_key(run):
    """A vLLM that ends is started again, under another API key."""
    launcher = run()
    launcher.wait_for("ready")
    with contextlib.closing(UnixHttpConnection(launcher.uds, timeout_seconds=5)) as connection:
        connection.request("GET", "/crash")
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.getresponse()
    launcher.wait_for("ready", times=2)
    first, second = launcher.starts()
    assert first["environment"]["VLLM_API_KEY"] != second["environment"]["VLLM_API_KEY"]
    assert launcher.end() == 0
    _assert_nothing_left(launcher)


def test_lost_health_leads_to_a_restart(run, fake_vllm):
    """A vLLM that runs on but answers 503 is replaced."""
    launcher = run()
    launcher.wait_for("ready")
    fake_vllm.with_name("sick").touch()
    launcher.wait_for("restarting")
    fake_vllm.with_name("sick").unlink()
    launcher.wait_for("ready", times=2)


def test_a_vllm_that_cannot_start_is_given_up(run, fake_vllm):
    """The launcher exits 1, shows why vLLM ended, and leaves no weights behind."""
    fake_vllm.with_name("crash").touch()
    launcher = run(give_up_after=2)
    assert launcher.process.wait(SECONDS) == 1
    assert any("no such device" in str(event.get("text")) for event in launcher.events())
    assert "2 times in a row" in launcher.error()
    assert len(launcher.starts()) == 2
    _assert_nothing_left(launcher)


def test_a_stale_socket_does_not_stop_the_start(run, tmp_path):
    """A socket file that nobody listens on is removed."""
    (tmp_path / "run").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "run" / "vllm.sock"))
    run().wait_for("ready")


def test_it_refuses_when_somebody_listens(run, tmp_path):
    """A socket in use is left alone, and no weights are opened."""
    (tmp_path / "run").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "run" / "vllm.sock"))
        server.listen()
        launcher = run()
        assert launcher.process.wait(SECONDS) == 1
        assert "listens" in launcher.error()
        assert launcher.starts() == []


def test_a_changed_bundle_is_never_served(run, bundle):
    """One flipped bit: vLLM is not started and nothing is left open."""
    path = bundle / "files" / "model.safetensors.sealed"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    launcher = run()
    assert launcher.process.wait(SECONDS) == 1
    assert "model.safetensors" in launcher.error()
    assert launcher.starts() == []
    _assert_nothing_left(launcher)


def test_what_a_killed_launcher_left_is_removed_by_the_next(run):
    """After SIGKILL vLLM ends by itself, and the next start removes the open weights."""
    launcher = run()
    launcher.wait_for("ready")
    launcher.end(signal.SIGKILL)
    assert list(launcher.plaintext.iterdir()) != []
    deadline = time.monotonic() + SECONDS
    while _listens(launcher.uds):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    again = run()
    again.wait_for("ready")
    assert again.end() == 0
    _assert_nothing_left(again)


def _listens(uds):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(uds)) == 0


def test_adapters_are_opened_and_named(run, adapter_bundle):
    """A LoRA adapter is verified, opened beside the model and given to vLLM by name."""
    launcher = run("--lora", f"clinic={adapter_bundle}")
    launcher.wait_for("ready")
    (start,) = launcher.starts()
    at = start["arguments"].index("--lora-modules")
    assert start["arguments"][at + 1].startswith("clinic=")
    assert launcher.events()[0]["lora"] == ["clinic"]


def _plan(bundle, keys, **options):
    return Launch(bundle=bundle, uds=Path("run/vllm.sock"), keys=keys, inherited={}, **options)


def test_an_adapter_alone_is_refused(tmp_path, adapter_bundle, keys):
    """An adapter cannot be served in the place of a model."""
    with pytest.raises(BundleRefused, match="beside its model"):
        open_model(_plan(adapter_bundle, keys), tmp_path / "open")


def test_an_adapter_for_another_model_is_refused(tmp_path, model_dir, adapter_bundle, keys):
    """An adapter of a model that was since trained anew does not fit it."""
    (model_dir / "config.json").write_text("{}")
    other = tmp_path / "other"
    seal_bundle(model_dir, other, keys=keys, label=BundleLabel("tiny", CREATED_AT))
    plan = _plan(other, keys, adapters=[("clinic", adapter_bundle)])
    with pytest.raises(BundleRefused, match="another model"):
        open_model(plan, tmp_path / "open")


@pytest.mark.parametrize("names", [["clinic", "clinic"], ["tiny"]])
def test_two_models_of_one_name_are_refused(tmp_path, bundle, adapter_bundle, keys, names):
    """A name that a request could use stands for one model."""
    plan = _plan(bundle, keys, adapters=[(name, adapter_bundle) for name in names])
    with pytest.raises(BundleRefused, match="same name"):
        open_model(plan, tmp_path / "open")


def test_a_missing_command_is_an_error():
    """Without vLLM the operator is told what to install."""
    with pytest.raises(LaunchFailed, match="install vllm"):
        find_executable("no-such-vllm", search_path="/bin")


def test_the_command_is_found_by_path_and_by_name(fake_vllm):
    """Both a path and a name on the search path work."""
    assert find_executable(str(fake_vllm), search_path=None) == fake_vllm
    assert find_executable("vllm", search_path=str(fake_vllm.parent)) == fake_vllm


def test_signals_are_handed_back():
    """After the launch, signals do again what they did before."""
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
    assert signal.getsignal(signal.SIGTERM) is before
