"""One running vLLM and everything it started, as one process group.

Its output goes to memory that only the launcher can read. It is shown when the start fails and
thrown away once vLLM serves, so that nothing of a prompt can reach a log through it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from serving.errors import LaunchFailed
from serving.hardening import end_with_parent

_TAIL_BYTES: Final = 4096
_KILL_SECONDS: Final = 10.0
# For what outlives the API server: time to remove its shared memory, which holds prompts.
_ORPHAN_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05


class VllmProcess:
    """A started vLLM. Raises :class:`LaunchFailed` when the command cannot be run at all."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cores: Collection[int] | None = None,
    ) -> None:
        self._output = os.memfd_create("vllm-output", os.MFD_CLOEXEC)
        # Appending, so that forgetting the output really starts it anew.
        fcntl.fcntl(self._output, fcntl.F_SETFL, os.O_APPEND)
        own_cores = os.sched_getaffinity(0)
        try:
            if cores is not None:
                os.sched_setaffinity(0, cores)  # inherited by every thread and process of vLLM
            self._process = subprocess.Popen(  # noqa: S603  # the operator's own executable, no shell
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509  # the launcher has one thread
            )
        except OSError as error:
            os.close(self._output)
            raise LaunchFailed(f"{command[0]}: {error.strerror}") from None
        finally:
            os.sched_setaffinity(0, own_cores)

    @property
    def pid(self) -> int:
        """The process, which is also the leader of its group."""
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether vLLM's API server is still there."""
        return self._process.poll() is None

    def output_tail(self) -> str:
        """Return the end of what vLLM wrote since it was last forgotten."""
        size = os.fstat(self._output).st_size
        content = os.pread(self._output, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        return content.decode("utf-8", "replace")

    def forget_output(self) -> None:
        """Throw away what vLLM wrote until now."""
        os.ftruncate(self._output, 0)

    def stop(self, *, grace_seconds: float) -> None:
        """End vLLM and all it started: politely, then after *grace_seconds* by force."""
        self._signal(signal.SIGTERM)
        if self.is_running():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        if not self.is_running():
            self._wait_for_orphans()
        # Also after a crash: engine processes may outlive the API server.
        self._signal(signal.SIGKILL)
        self._process.wait(_KILL_SECONDS)
        os.close(self._output)

    def _wait_for_orphans(self) -> None:
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while self._signal(0) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _signal(self, number: int) -> bool:
        """Send a signal to the whole group; return whether anybody was there."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True
