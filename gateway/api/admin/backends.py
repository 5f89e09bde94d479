"""Model servers over HTTP. Load and health are those of the process that answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gateway.api.admin.session import Caller, Room
from gateway.api.admin.shapes import BackendOut, Page

ROUTER = APIRouter(prefix="/backends", tags=["backends"])

Name = Annotated[str, Path(max_length=64)]


@ROUTER.get("")
async def list_backends(caller: Caller, room: Room) -> Page[BackendOut]:
    """List the configured model servers. There are few, on one page."""
    found = await room.backends.list_all(caller)
    return Page(items=[BackendOut.of(status) for status in found], next=None)


@ROUTER.post("/{name}/drain")
async def drain_backend(caller: Caller, room: Room, name: Name) -> BackendOut:
    """Give a model server no new calls; running answers go on."""
    return BackendOut.of(await room.backends.drain(caller, name))


@ROUTER.post("/{name}/undrain")
async def undrain_backend(caller: Caller, room: Room, name: Name) -> BackendOut:
    """Give a model server calls again."""
    return BackendOut.of(await room.backends.undrain(caller, name))
