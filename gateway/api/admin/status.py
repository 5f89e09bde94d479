"""The gateway at a glance, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.admin.session import Caller, Room
from gateway.api.admin.shapes import StatusOut

ROUTER = APIRouter(prefix="/status", tags=["status"])


@ROUTER.get("")
async def read_status(caller: Caller, room: Room) -> StatusOut:
    """Read counts and key states."""
    return StatusOut.of(await room.status.read(caller))
