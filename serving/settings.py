"""The settings of ``serving run``: ``SEALGATE_SERVING_…`` variables, then the command line.

Frozen, and an unknown name is an error. This is the only module of serving that reads the
environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.errors import LaunchFailed
from serving.launcher import Device
from serving.supervisor import Patience
from serving.vllm_command import ServeOptions

ENVIRONMENT_PREFIX: Final = "SEALGATE_SERVING_"

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Parser = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class ServingSettings(BaseSettings):
    """How vLLM is run. None leaves a value to vLLM."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True
    )

    uds: Path = Path("run/vllm.sock")
    keys: Path = Path("keys")
    vllm_executable: str = "vllm"
    device: Device = "auto"
    plaintext_parent: Path | None = None

    max_model_len: Annotated[int, Field(ge=16)] | None = None
    max_num_seqs: Annotated[int, Field(ge=1)] | None = None
    max_logprobs: Annotated[int, Field(ge=0, le=20)] = 5
    tool_call_parser: Parser | None = None
    reasoning_parser: Parser | None = None
    cpu_kv_cache_gib: Annotated[int, Field(ge=1, le=1024)] = 1
    vllm_arguments: tuple[str, ...] = ()

    startup_timeout_seconds: Seconds = 600.0
    health_interval_seconds: Seconds = 2.0
    health_timeout_seconds: Seconds = 10.0
    health_failures: Annotated[int, Field(ge=1, le=100)] = 3
    stop_timeout_seconds: Seconds = 30.0
    first_restart_delay_seconds: Seconds = 1.0
    max_restart_delay_seconds: Seconds = 60.0
    stable_after_seconds: Seconds = 60.0
    give_up_after: Annotated[int, Field(ge=1, le=1000)] = 5

    def serve_options(self) -> ServeOptions:
        """Return what concerns vLLM's command line."""
        return ServeOptions(
            max_model_len=self.max_model_len,
            max_num_seqs=self.max_num_seqs,
            max_logprobs=self.max_logprobs,
            tool_call_parser=self.tool_call_parser,
            reasoning_parser=self.reasoning_parser,
            cpu_kv_cache_gib=self.cpu_kv_cache_gib,
            extra_arguments=self.vllm_arguments,
        )

    def patience(self) -> Patience:
        """Return what concerns waiting and restarting."""
        return Patience(
            startup_seconds=self.startup_timeout_seconds,
            health_interval_seconds=self.health_interval_seconds,
            health_failures=self.health_failures,
            stop_seconds=self.stop_timeout_seconds,
            first_delay_seconds=self.first_restart_delay_seconds,
            max_delay_seconds=self.max_restart_delay_seconds,
            stable_seconds=self.stable_after_seconds,
            give_up_after=self.give_up_after,
        )


def read_settings(given: dict[str, Any]) -> ServingSettings:
    """Return the settings; values *given* on the command line win, None counts as not given.

    Raises :class:`LaunchFailed` that names every fault at once, and never a value.
    """
    unknown = [
        name
        for name in os.environ  # noqa: TID251  # this is the settings module
        if name.startswith(ENVIRONMENT_PREFIX)
        and name.removeprefix(ENVIRONMENT_PREFIX).lower() not in ServingSettings.model_fields
    ]
    if unknown:
        raise LaunchFailed(f"unknown settings: {', '.join(sorted(unknown))}")
    try:
        return ServingSettings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise LaunchFailed("; ".join(faults)) from None


def inherited_environment() -> dict[str, str]:
    """Return a copy of the environment of this process."""
    return dict(os.environ)  # noqa: TID251  # this is the settings module
