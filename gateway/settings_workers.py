"""The section ``[workers]``: how many processes serve, and how long they may take to end.

Read by ``settings``; promises nothing about what else is in the configuration.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

MAX_WORKERS: Final = 64
"""Each takes about 230 MB, so a larger number is a slip of the pen."""


class Workers(BaseModel):
    """Several processes on one host, which share the ports.

    Without *count* one process serves and nobody watches it; then SIGHUP brings less (ADR-0024).
    After SIGTERM running answers may go on for *grace_seconds*; those of a worker that is replaced,
    because of SIGHUP, for *reload_grace_seconds*. For *unready_seconds* before that ``/readyz`` is
    503 while connections are still accepted, so that whoever balances the load can turn away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, Field(ge=1, le=MAX_WORKERS)] | None = None
    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    reload_grace_seconds: Annotated[float, Field(ge=0, le=86_400)] = 3600.0
    unready_seconds: Annotated[float, Field(ge=0, le=600)] = 0.0
