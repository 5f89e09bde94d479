"""The deployment files are what the tools of their trade call correct, and stay closed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.client.connect.command import parse_options
from gateway.settings import load_configuration

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = DEPLOY / "compose" / "compose.yaml"
CONNECT = DEPLOY / "compose" / "connect.yaml"
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
MAX_EXPOSURE = 20  # of 100; a unit without any hardening has 96


def find_tool(name: str) -> str:
    """Return the path of a tool, beside the interpreter or on the machine, or skip the test."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name, path=SEARCH_PATH)
    if found is None:
        pytest.skip(f"{name} is not installed on this machine")
    return found


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a tool and return what it said."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def containerfiles() -> list[Path]:
    """Return every Containerfile, without the ignore files that lie beside them."""
    return [file for file in sorted(DEPLOY.glob("Containerfile*")) if "ignore" not in file.name]


def compose(file: Path = COMPOSE) -> dict[str, Any]:
    """Return a composition as data."""
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


@pytest.mark.parametrize("file", containerfiles(), ids=lambda file: file.name)
def test_containerfile_has_no_findings(file: Path) -> None:
    """Hadolint finds nothing to say about any Containerfile."""
    done = run(find_tool("hadolint"), str(file))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", containerfiles(), ids=lambda file: file.name)
def test_container_does_not_run_as_root(file: Path) -> None:
    """The last user an image names is a number other than zero."""
    users = re.findall(r"^USER (\S+)$", file.read_text(), re.MULTILINE)
    assert users
    assert users[-1].split(":")[0].isdigit()
    assert int(users[-1].split(":")[0]) > 0


@pytest.mark.parametrize("file", containerfiles(), ids=lambda file: file.name)
def test_every_install_is_hash_checked(file: Path) -> None:
    """Whatever pip takes from outside is checked against a hash, or nothing comes from outside."""
    installs = [line for line in file.read_text().splitlines() if '"install", "--' in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "--no-index" in line


@pytest.mark.parametrize("file", containerfiles(), ids=lambda file: file.name)
def test_no_shell_runs_in_a_build(file: Path) -> None:
    """Every command of an image is a list of words, which no shell interprets."""
    for line in file.read_text().splitlines():
        if line.startswith(("RUN", "CMD", "ENTRYPOINT")):
            assert line.split(maxsplit=1)[1].startswith("["), line


def test_build_lock_matches_the_development_lock() -> None:
    """The image is built with the very versions that the tests ran with."""
    pin = re.compile(r"^([a-z0-9-]+==\S+)", re.MULTILINE)
    pins = set(pin.findall((DEPLOY / "build-requirements.txt").read_text()))
    assert pins
    assert pins <= set(pin.findall((ROOT / "requirements" / "dev.txt").read_text()))


@pytest.mark.parametrize("file", [COMPOSE, CONNECT], ids=lambda file: file.name)
def test_compose_file_is_valid(file: Path) -> None:
    """docker-compose accepts the composition without a word."""
    done = run(find_tool("docker-compose"), "-f", str(file), "config", "-q", cwd=file.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("file", "name"), [(COMPOSE, "gateway"), (COMPOSE, "serving"), (CONNECT, "connect")]
)
def test_compose_services_are_closed(file: Path, name: str) -> None:
    """No service has capabilities, a writable root, a way to more privileges or a core dump."""
    service = compose(file)["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["ulimits"]["core"] == 0
    assert service["user"] == "10001:10001"


def test_only_the_public_port_is_published() -> None:
    """8443 of the gateway is all that a neighbour can reach; vLLM has no network."""
    services = compose()["services"]
    assert {name: service.get("ports") for name, service in services.items()} == {
        "gateway": ["8443:8443"],
        "serving": None,
    }
    assert services["serving"]["network_mode"] == "none"


def test_compose_configuration_is_accepted_by_the_gateway() -> None:
    """The configuration that the composition mounts is one that the gateway starts with."""
    configuration = load_configuration(DEPLOY / "compose" / "sealgate.toml")
    assert str(configuration.settings.admin.host) == "127.0.0.1"
    assert configuration.settings.upstream.uds == Path("/run/sealgate/vllm.sock")


def image_words(name: str) -> list[str]:
    """Return what an image runs, without the program's own name."""
    [cmd] = re.findall(r"^CMD (.*)$", (DEPLOY / name).read_text(), re.MULTILINE)
    return list(yaml.safe_load(cmd))


def unit_words(name: str) -> list[str]:
    """Return what a unit runs, without the program's own name."""
    text = (DEPLOY / "systemd" / name).read_text()
    [start] = re.findall(r"^ExecStart=\S+ (.*)$", text, re.MULTILINE)
    return str(start).split()


@pytest.mark.parametrize(
    "words",
    [image_words("Containerfile"), unit_words("sealgate-gateway.service")],
    ids=["image", "unit"],
)
def test_command_line_is_one_the_gateway_takes(words: list[str]) -> None:
    """What the image and the unit run is understood by the command that is installed."""
    done = run(find_tool("sealgate"), *words, "--help")
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "serving", *image_words("Containerfile.serving")],
        unit_words("sealgate-serving.service"),
    ],
    ids=["image", "unit"],
)
def test_command_line_is_one_serving_takes(words: list[str]) -> None:
    """What the image and the unit run has only options that serving knows."""
    done = run(sys.executable, *words, "--help")
    assert done.returncode == 0, done.stderr
    assert "--keys" in done.stdout


def test_connect_publishes_nothing() -> None:
    """The proxy beside an application opens no port: it is reached through a shared socket."""
    [(name, service)] = compose(CONNECT)["services"].items()
    assert (name, service.get("ports")) == ("connect", None)
    assert "unix:/run/sealgate/connect.sock" in service["command"]


@pytest.mark.parametrize(
    "words",
    [
        compose(CONNECT)["services"]["connect"]["command"],
        unit_words("sealgate-connect.service"),
    ],
    ids=["image", "unit"],
)
def test_command_line_is_one_connect_takes(words: list[str]) -> None:
    """What the image and the unit run has only options that connect knows, and names no secret."""
    given = parse_options(words)
    assert given.client_secret_file is not None
    assert given.pin is not None
    assert not given.trust_tls
    assert "secret" not in str(given.client_id).lower()


def runnable_copy(unit: Path, directory: Path) -> Path:
    """Copy a unit with a program that exists: the product is not installed where tests run."""
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
    copy = directory / unit.name
    copy.write_text(text)
    return copy


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_is_valid(unit: Path, tmp_path: Path) -> None:
    """Systemd has no remark about the unit, not even a warning that it would live with."""
    tool = find_tool("systemd-analyze")
    done = run(
        tool, "verify", "--man=no", "--recursive-errors=no", str(runnable_copy(unit, tmp_path))
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_is_hardened(unit: Path) -> None:
    """What systemd counts as a unit's exposure stays below the limit set for it."""
    tool = find_tool("systemd-analyze")
    threshold = f"--threshold={MAX_EXPOSURE}"
    done = run(tool, "security", "--offline=true", "--no-pager", threshold, str(unit))
    assert done.returncode == 0, done.stdout[-300:]


def test_nginx_configuration_is_valid(tmp_path: Path) -> None:
    """Nginx accepts the pass-through, given a place for its files and its stream module."""
    tool = find_tool("nginx")
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    built_in = "--with-stream " in run(tool, "-V").stderr
    if not built_in and not module.exists():
        pytest.skip("nginx is installed without its stream module")
    load = "" if built_in else f"load_module {module};\n"
    text = (DEPLOY / "nginx" / "sealgate.conf").read_text().replace("listen 443", "listen 20443")
    file = tmp_path / "nginx.conf"
    file.write_text(f"{load}pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\n{text}")
    done = run(tool, "-t", "-q", "-c", str(file), "-p", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
