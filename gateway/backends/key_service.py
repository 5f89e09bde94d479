"""What wraps the keys, what knows vLLM's key, and what must run for both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.backends.upstream import ApiKey
from gateway.core.ports import KeyWrap

Upkeep = tuple[float, Callable[[], Awaitable[None]]]
"""A background task, and how many seconds after each end it begins again."""


@dataclass(frozen=True, slots=True)
class KeyService:
    """Wraps keys and knows vLLM's; *log_out* gives back what was opened for both."""

    key_wrap: KeyWrap
    upstream_key: ApiKey
    upkeep: tuple[Upkeep, ...] = ()
    log_out: Callable[[], Awaitable[None]] | None = None

    async def close(self) -> None:
        """Give everything back. May be called after ``key_wrap.close``."""
        await self.key_wrap.close()
        if self.log_out is not None:
            await self.log_out()
