"""How vLLM is called: the command line and the environment, as pure values.

The flags keep prompts and answers out of every log and close what the gateway does not use. The
API key is in the environment only: a command line can be read by every user of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.core.secret import Secret
from serving.errors import LaunchFailed
from serving.hardening import scrub_environment
from serving.lora import OpenedAdapter, served_rank

# Tuning that changes neither what is served, nor who may call it, nor what is written down.
EXTRA_ARGUMENTS: Final = frozenset(
    {
        "--block-size", "--data-parallel-size", "--dtype", "--enable-chunked-prefill",
        "--enable-expert-parallel", "--enable-prefix-caching", "--gpu-memory-utilization",
        "--kv-cache-dtype", "--max-cudagraph-capture-size", "--max-num-batched-tokens",
        "--no-enable-prefix-caching", "--pipeline-parallel-size", "--quantization", "--seed",
        "--stream-interval", "--swap-space", "--tensor-parallel-size",
    }
)  # fmt: skip
_EXTRA: Final = re.compile(r"(--[a-z-]+)(=[A-Za-z0-9._-]+)?")

# On so few cores the busy-polling engine starves the API server: answers arrive all at once.
FEW_CORES: Final = 4

_QUIET: Final = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONNOUSERSITE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_LOGGING_LEVEL": "CRITICAL",  # at ERROR it would log the model name that a client sent
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What an operator may tune; None leaves it to vLLM."""

    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_logprobs: int = 5
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    cpu_kv_cache_gib: int = 1
    extra_arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """The verified model and its LoRA adapters, opened into private folders."""

    name: str
    folder: Path
    adapters: tuple[OpenedAdapter, ...] = ()


def build_command(
    executable: Path, *, model: OpenedModel, uds: Path, options: ServeOptions, is_cpu_build: bool
) -> list[str]:
    """Return the command line that serves *model* on *uds*. Raises :class:`LaunchFailed`."""
    command = [
        str(executable), "serve", str(model.folder),
        "--served-model-name", model.name,
        "--uds", str(uds),
        "--load-format", "safetensors",
        "--max-logprobs", str(options.max_logprobs),
        "--disable-uvicorn-access-log",
        "--uvicorn-log-level", "critical",
        "--disable-log-stats",
        "--disable-fastapi-docs",
    ]  # fmt: skip
    if options.max_model_len is not None:
        command += ["--max-model-len", str(options.max_model_len)]
    if options.max_num_seqs is not None:
        command += ["--max-num-seqs", str(options.max_num_seqs)]
    if options.tool_call_parser is not None:
        command += ["--enable-auto-tool-choice", "--tool-call-parser", options.tool_call_parser]
    if options.reasoning_parser is not None:
        command += ["--reasoning-parser", options.reasoning_parser]
    if is_cpu_build:
        command.append("--enforce-eager")  # compiling takes longer than a demonstration lasts
    command += _lora_arguments(model.adapters)
    return command + [parse_extra_argument(text) for text in options.extra_arguments]


def build_environment(
    inherited: Mapping[str, str],
    *,
    executable: Path,
    api_key: Secret[str],
    options: ServeOptions,
    is_cpu_build: bool,
) -> dict[str, str]:
    """Return the environment of vLLM: what passes from *inherited*, silence, and the API key."""
    environment = scrub_environment(inherited)
    # vLLM calls the tools that were installed with it, without an activated virtual environment.
    own_tools = str(executable.parent)
    environment["PATH"] = ":".join(filter(None, (own_tools, environment.get("PATH"))))
    environment |= _QUIET
    environment["VLLM_API_KEY"] = api_key.reveal()
    if is_cpu_build:
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", str(options.cpu_kv_cache_gib))
    return environment


def parse_extra_argument(text: str) -> str:
    """Return *text* when it is a tuning flag of the list above. Raises :class:`LaunchFailed`."""
    match = _EXTRA.fullmatch(text)
    if match is None or match[1] not in EXTRA_ARGUMENTS:
        raise LaunchFailed(f"{text!a}: not a flag that may be passed on to vLLM")
    return text


def choose_cores(available: Sequence[int], *, is_cpu_build: bool) -> frozenset[int] | None:
    """Return the cores that vLLM is bound to, None for all.

    The CPU build on few cores gets the first half of them, so that whoever reads its answers gets
    a core too and sees them token by token.
    """
    if not is_cpu_build or not 2 <= len(available) <= FEW_CORES:
        return None
    return frozenset(sorted(available)[: len(available) // 2])


def find_cpu_build(executable: Path) -> bool:
    """Return whether *executable* belongs to a CPU build, by the packages installed beside it."""
    libraries = executable.resolve().parent.parent / "lib"
    patterns = ("vllm_cpu-*.dist-info", "vllm-*+cpu*.dist-info")
    return any(
        next(libraries.glob(f"python3*/site-packages/{pattern}"), None) for pattern in patterns
    )


def _lora_arguments(adapters: Sequence[OpenedAdapter]) -> list[str]:
    if not adapters:
        return []
    rank = served_rank([adapter.rank for adapter in adapters])
    modules = [f"{adapter.name}={adapter.folder}" for adapter in adapters]
    return [
        "--enable-lora",
        "--max-loras", str(len(adapters)),
        "--max-lora-rank", str(rank),
        "--lora-modules", *modules,
    ]  # fmt: skip
