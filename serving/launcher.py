"""``serving run``: verify and open sealed bundles, run vLLM on them, leave nothing open behind.

The steps: (1) harden the process, (2) own the socket, (3) open the model and its LoRA adapters
into a private folder, (4) run vLLM under supervision, each start with a new API key, (5) on the
way out, whatever the reason, end vLLM and remove the opened weights, the key file and the socket.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Literal

from serving.bundle import inspect_bundle, open_bundle
from serving.errors import BundleRefused, LaunchFailed
from serving.hardening import harden_process
from serving.health import is_healthy
from serving.key_source import KeySource
from serving.lora import OpenedAdapter, read_rank, verify_adapter
from serving.plaintext_folder import choose_parent, plaintext_folder
from serving.runtime_folder import api_key_file, own_socket, remove_stale_socket, write_new_api_key
from serving.supervisor import Patience, Report, Supervisor
from serving.vllm_command import (
    OpenedModel,
    ServeOptions,
    build_command,
    build_environment,
    choose_cores,
    find_cpu_build,
)
from serving.vllm_process import VllmProcess

Device = Literal["auto", "cpu", "gpu"]

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that one run needs; *inherited* is the environment of the launcher."""

    bundle: Path
    uds: Path
    keys: KeySource
    inherited: Mapping[str, str]
    adapters: Sequence[tuple[str, Path]] = ()
    executable: str = "vllm"
    device: Device = "auto"
    plaintext_parent: Path | None = None
    health_timeout_seconds: float = 10.0
    options: ServeOptions = field(default_factory=ServeOptions)
    patience: Patience = field(default_factory=Patience)


def launch(plan: Launch, *, report: Report) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; return after everything is cleaned up.

    Raises :class:`ServingError` when something is refused or vLLM does not stay up. Must be
    called from the main thread, which receives signals.
    """
    harden_process()
    executable = find_executable(plan.executable, search_path=plan.inherited.get("PATH"))
    is_cpu_build = find_cpu_build(executable) if plan.device == "auto" else plan.device == "cpu"
    uds = plan.uds.absolute()
    parent = choose_parent(
        plan.plaintext_parent, fallback=uds.parent, needed_bytes=opened_size_bytes(plan)
    )
    with stop_on_signals() as stop, own_socket(uds), plaintext_folder(parent) as folder:
        model = open_model(plan, folder)
        report("opened", {"model": model.name, "lora": [a.name for a in model.adapters]})
        command = build_command(
            executable, model=model, uds=uds, options=plan.options, is_cpu_build=is_cpu_build
        )
        cores = choose_cores(sorted(os.sched_getaffinity(0)), is_cpu_build=is_cpu_build)

        def start() -> VllmProcess:
            remove_stale_socket(uds)
            environment = build_environment(
                plan.inherited,
                executable=executable,
                api_key=write_new_api_key(uds),
                options=plan.options,
                is_cpu_build=is_cpu_build,
            )
            process = VllmProcess(command, environment=environment, cores=cores)
            report(
                "started",
                {"pid": process.pid, "uds": str(uds), "api_key_file": str(api_key_file(uds))},
            )
            return process

        Supervisor(
            start=start,
            is_healthy=lambda: is_healthy(uds, timeout_seconds=plan.health_timeout_seconds),
            patience=plan.patience,
            report=report,
        ).run(stop)
    report("stopped", {})


def opened_size_bytes(plan: Launch) -> int:
    """Return how much room the opened files will need, by what the manifests say unverified."""
    bundles = [plan.bundle, *(bundle for _, bundle in plan.adapters)]
    return sum(entry.size for bundle in bundles for entry in inspect_bundle(bundle).files)


def open_model(plan: Launch, folder: Path) -> OpenedModel:
    """Open the model and its adapters under *folder*.

    Raises :class:`BundleRefused` when one does not verify, is not what its name says or does not
    fit.
    """
    manifest = open_bundle(plan.bundle, folder / "model", keys=plan.keys)
    if manifest.base_model is not None:
        raise BundleRefused(f"{plan.bundle}: is a LoRA adapter; serve it beside its model")
    opened: list[OpenedAdapter] = []
    for name, bundle in plan.adapters:
        if name == manifest.model_name or name in {adapter.name for adapter in opened}:
            raise BundleRefused(f"{name}: two models of the same name")
        target = folder / "lora" / name
        adapter = open_bundle(bundle, target, keys=plan.keys)
        verify_adapter(adapter, name=name, base=manifest)
        opened.append(OpenedAdapter(name, target, read_rank(target)))
    return OpenedModel(manifest.model_name, folder / "model", tuple(opened))


def find_executable(name: str, *, search_path: str | None) -> Path:
    """Return the absolute path of the vLLM command *name*. Raises :class:`LaunchFailed`."""
    found = shutil.which(name, path=search_path or os.defpath)
    if found is None:
        raise LaunchFailed(f"{name}: no such command; install vllm or give --vllm-executable")
    return Path(found).absolute()


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that the usual stop signals set, in place of ending the process at once."""
    stop = threading.Event()

    def obey(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    before = {number: signal.signal(number, obey) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
