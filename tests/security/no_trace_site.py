"""Where the test of traces happens: a loud gateway with few places, short limits, and its keys."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from tests.fakes.openbao import OpenBao
from tests.security import careless_gateway
from tests.story.gateway import Gateway
from tests.story.processes import PYTHON, Process

_UPSTREAM = """
head_timeout_seconds = 0.4
idle_timeout_seconds = 0.4
max_outstanding = 2
max_waiting = 3
queue_seconds = 0.3
"""
_MORE = """
[models.strict]
[scrub.models.strict]
types = { EMAIL = "block" }
[limits]
token_requests_per_minute = 100000
admin_requests_per_minute = 100000
lockout_failures = 1000
max_body_bytes = 1048576
write_timeout_seconds = 0.5
"""
T = TypeVar("T")


class LoudGateway(Gateway):
    """A gateway that logs all it can, dumps core if it can, and has a temporary folder."""

    def __init__(self, folder: Path, *, extra: str = "", vault: VaultRole | None = None) -> None:
        self.vault, self.socket = vault, folder / "v.sock"
        (folder / "vllm.key").write_text("k")
        super().__init__(folder, socket=self.socket, api_key_file=folder / "vllm.key", extra=extra)
        text = self.config.read_text("utf-8")
        head, end_of_upstream, rest = text.partition('vllm.key"\n')
        head = head.replace("[admin]\n", '[admin]\ntwo_person = ["revoke-everything"]\n')
        self.config.write_text(head + end_of_upstream + _UPSTREAM + _MORE + rest, "utf-8")

    def command(self, *arguments: str) -> str:
        """Run ``sealgate``, with a wrapping token of its own if it needs one."""
        if self.vault is not None:
            self.vault.give()
        return super().command(*arguments)

    def start(self) -> None:
        """Serve, and return once both listeners answer."""
        if self.vault is not None:
            self.vault.give()
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        command = ["env", f"TMPDIR={temporary}", "PYTHONASYNCIODEBUG=1", "PYTHONFAULTHANDLER=1"]
        command += [PYTHON, "-W", "always", careless_gateway.__file__]
        command += ["--config", str(self.config), "serve"]
        self.process = Process(command, log=self.directory / "gateway.log", cwd=self.directory)
        self.process.wait_until(self._is_live, seconds=60)

    def die(self, number: int) -> None:
        """End the process as a bug or the kernel would."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        assert self.process.stop() == -number


class VaultRole:
    """What the operator of OpenBao made for one gateway; its file lies in *folder*."""

    def __init__(self, server: OpenBao, folder: Path) -> None:
        self.server = server
        self.key = server.transit_key()
        self.role = server.role(server.policy(self.key))
        self.file = folder / "secret-id"
        self.tokens: list[str] = []

    @property
    def settings(self) -> str:
        """The section of the configuration."""
        return (
            f'[vault]\nurl = "{self.server.url}"\nca_file = "{self.server.ca_file}"\n'
            f'role_id = "{self.server.role_id(self.role)}"\nsecret_id_file = "{self.file}"\n'
            f'transit_key = "{self.key}"\ntimeout_seconds = 0.9\n'
        )

    def give(self) -> None:
        """Leave a token for whoever logs in next."""
        self.tokens.append(self.server.wrapped_secret_id(self.role))
        self.file.write_text(self.tokens[-1])

    def steal(self) -> None:
        """Withdraw all that was given out, and open the next token before its owner does."""
        self.server.withdraw_logins(self.role)
        self.give()
        self.server.do("POST", "sys/wrapping/unwrap", token=self.tokens[-1])


@contextmanager
def on_a_thread(context: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Be inside of *context*, which lives on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
    finally:
        closing = context.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(closing, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
