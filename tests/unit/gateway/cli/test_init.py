"""``sealgate init``."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.key_wrap import KEY_BYTES
from gateway.configured_room import utc_now


def contents(directory: Path) -> dict[str, bytes]:
    """Return the bytes of every file that must stay as it is."""
    names = ("storage.key", "tls/ca.crt", "tls/ca.key", "tls/server.crt", "tls/server.key")
    return {name: (directory / name).read_bytes() for name in names}


def test_everything_is_made(sealgate, config: Path) -> None:
    """Key file, store, certificates and first keys are there, and the store knows two clients."""
    made = json.loads(sealgate("init", "--json").out)
    state = config.parent / "var"
    assert made["directory"] == str(state)
    assert made["ca_file"] == str(state / "tls/ca.crt")
    assert len((state / "storage.key").read_bytes()) == KEY_BYTES
    status = json.loads(sealgate("status", "--json").out)
    assert status["clients"] == 2
    assert {key["use"] for key in status["keys"]} >= {"signing", "encryption"}


def test_first_staff_may_call_from_loopback_only(sealgate) -> None:
    """There is one owner and one operator, and neither is let in from another machine."""
    made = json.loads(sealgate("init", "--json").out)
    roles = {item["client_id"]: item["role"] for item in made["credentials"]}
    assert sorted(roles.values()) == ["operator", "owner"]
    for row in json.loads(sealgate("clients", "list", "--json").out):
        assert row["role"] == roles[row["client_id"]]
        assert row["networks"] == ["127.0.0.0/8", "::1/128"]
        assert row["models"] == []


def test_state_is_private(sealgate, config: Path) -> None:
    """Folders have mode 0700 and files 0600; only certificates may be read by others."""
    sealgate("init")
    state = config.parent / "var"
    modes = {path: path.stat().st_mode & 0o777 for path in (state, *state.rglob("*"))}
    assert {path.name for path in modes} >= {
        "storage.key", "sealgate.db", "ca.key", "server.key", "access-log",
    }  # fmt: skip
    for path, mode in modes.items():
        expected = 0o700 if path.is_dir() else 0o644 if path.suffix == ".crt" else 0o600
        assert mode == expected, path


def test_second_run_makes_nothing_new(sealgate, config: Path) -> None:
    """Run again, it changes no key and no certificate, adds no client and shows no secret."""
    first = json.loads(sealgate("init", "--json").out)
    before, status = contents(config.parent / "var"), sealgate("status", "--json").out
    second = sealgate("init", "--json")
    assert json.loads(second.out) == {**first, "credentials": []}
    assert contents(config.parent / "var") == before
    assert sealgate("status", "--json").out == status
    again = sealgate("init")
    assert (again.code, "client_secret" in again.out) == (0, False)
    for credential in first["credentials"]:
        assert credential["client_secret"] not in second.out + again.out


def test_text_shows_each_secret_once(sealgate, config: Path) -> None:
    """Without --json the text names the folder, the authority and both credentials."""
    lines = sealgate("init").out.splitlines()
    assert lines[0] == f"State is in {config.parent / 'var'}"
    assert lines[1].endswith(str(config.parent / "var/tls/ca.crt"))
    assert [line.split(":")[0] for line in lines[2:]] == ["owner", "operator"]
    assert all("client_secret " in line for line in lines[2:])


def test_own_certificate_is_left_alone(sealgate, config: Path) -> None:
    """With a certificate of the operator's no authority is made and none is named."""
    files = CertificateFiles.in_directory(config.parent / "brought")
    ensure_certificates(files, ["gateway.example"], now=utc_now())
    config.write_text(
        '[tls]\ncertificate_file = "brought/server.crt"\nkey_file = "brought/server.key"\n', "utf-8"
    )
    assert json.loads(sealgate("init", "--json").out)["ca_file"] is None
    assert not (config.parent / "var/tls").exists()
    assert "authority" not in sealgate("init").out


def test_open_key_file_is_refused(sealgate, config: Path) -> None:
    """A key file that others can read stops it, in one line."""
    sealgate("init")
    (config.parent / "var/storage.key").chmod(0o644)
    outcome = sealgate("init")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
    assert "mode must be 0600" in outcome.err


def test_folder_that_cannot_be_made_is_refused(sealgate, config: Path) -> None:
    """A file in place of the folder is one line, no traceback."""
    (config.parent / "var").write_text("in the way", "utf-8")
    outcome = sealgate("init")
    assert (outcome.code, outcome.err) == (1, f"sealgate: {config.parent / 'var'}: File exists\n")


def test_interrupted_run_is_completed(sealgate, config: Path) -> None:
    """A run that was stopped after the owner is completed: the operator is made too."""
    made = json.loads(sealgate("init", "--json").out)
    names = {item["role"]: item["client_id"] for item in made["credentials"]}
    with closing(sqlite3.connect(config.parent / "var/sealgate.db")) as store, store:
        store.execute("DELETE FROM credentials WHERE client_id = ?", (names["operator"],))
        store.execute("DELETE FROM clients WHERE client_id = ?", (names["operator"],))
    again = json.loads(sealgate("init", "--json").out)["credentials"]
    assert [item["role"] for item in again] == ["operator"]
    listed = {
        row["client_id"]: row["role"]
        for row in json.loads(sealgate("clients", "list", "--json").out)
    }
    assert listed == {names["owner"]: "owner", again[0]["client_id"]: "operator"}


def test_disabled_operator_is_not_replaced(sealgate) -> None:
    """What the operator disabled stays so; no new client takes the role."""
    made = json.loads(sealgate("init", "--json").out)["credentials"]
    (name,) = (item["client_id"] for item in made if item["role"] == "operator")
    sealgate("clients", "disable", name)
    assert json.loads(sealgate("init", "--json").out)["credentials"] == []


def start(config: Path) -> subprocess.Popen[str]:
    """Start ``sealgate init --json`` in a process of its own."""
    code = "from gateway.cli.main import main; main()"
    command = [sys.executable, "-c", code, "--config", str(config), "init", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_runs_at_once_make_one_pair(config: Path) -> None:
    """Runs that wait for the same lock each succeed, and together make one owner, one operator."""
    state = config.parent / "var"
    state.mkdir(mode=0o700)
    with (state / "init.lock").open("wb") as lock:
        (state / "init.lock").chmod(0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = [start(config) for _ in range(2)]
        deadline = time.monotonic() + 30
        while locks_waited_for(state / "init.lock") < len(runs) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [path.name for path in state.iterdir()] == ["init.lock"]
    ended = [(*run.communicate(timeout=60), run.returncode) for run in runs]
    assert [(err, returncode) for _, err, returncode in ended] == [("", 0)] * 2
    made = [item["role"] for out, _, _ in ended for item in json.loads(out)["credentials"]]
    assert sorted(made) == ["operator", "owner"]


def locks_waited_for(path: Path) -> int:
    """Return how many processes wait for the lock of *path*, as the kernel lists them."""
    inode = f":{path.stat().st_ino} "
    lines = Path("/proc/locks").read_text("ascii").splitlines()
    return sum("->" in line and inode in line for line in lines)
