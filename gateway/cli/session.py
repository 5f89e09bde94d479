"""What the main command hands to every other: how to open the control room, and from which file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.control.room import ControlRoom


@dataclass(frozen=True, slots=True)
class Session:
    """How a command reaches the store: set as the context object by the main command."""

    open_control: Callable[[Path | None], Awaitable[ControlRoom]]
    config_path: Path | None = None
