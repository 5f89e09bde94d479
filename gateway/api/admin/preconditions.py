"""Versions of what is changed: said as an entity tag, asked for with ``If-Match``.

Whoever changes a client can say which version they have seen; if somebody else was quicker, nothing
is changed (RFC 9110 §13.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Response

from gateway.api.admin.session import Room
from gateway.core.errors import MalformedRequest
from gateway.core.registry import StoredClient

MAX_TAGS: Final = 16
NO_VERSION: Final = 0
"""What no client ever has: versions count from 1."""

_TAG: Final = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e]*)"', re.ASCII)
_VERSION: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def entity_tag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


def parse_if_match(fields: Sequence[str]) -> frozenset[int] | None:
    """Return the versions that the fields ``If-Match`` name; ``None`` for any.

    A tag that is weak or not of ours matches nothing. Raises ``MalformedRequest`` for what is no
    list of entity tags.
    """
    text = ",".join(fields).strip(" \t")
    if text == "*":
        return None
    tags = [_TAG.fullmatch(part.strip(" \t")) for part in text.split(",")]
    if len(tags) > MAX_TAGS:
        raise MalformedRequest("If-Match names too many entity tags.")
    versions = set()
    for tag in tags:
        if tag is None:
            raise MalformedRequest('If-Match is a quoted entity tag, as in "3", or an asterisk.')
        if not tag["weak"] and _VERSION.fullmatch(tag["opaque"]):
            versions.add(int(tag["opaque"]))
    return frozenset(versions)


@dataclass(frozen=True, slots=True)
class Target:
    """The client that a call changes, and the version that the change must find; None for any."""

    client_id: str
    expected_version: int | None
    response: Response

    def tag(self, stored: StoredClient) -> StoredClient:
        """Say in the answer which version *stored* is; return it."""
        self.response.headers["ETag"] = entity_tag(stored.version)
        return stored


async def find_target(
    room: Room,
    response: Response,
    *,
    client_id: Annotated[str, Path(max_length=64)],
    if_match: Annotated[
        list[str] | None,
        Header(
            alias="If-Match",
            description="The entity tag of the version to be changed, or an asterisk.",
        ),
    ] = None,
) -> Target:
    """Return which client is meant, in which version.

    Of several versions, the one that the client has now; whether it still has it then is seen in
    the transaction. Raises ``MalformedRequest``.
    """
    versions = None if if_match is None else parse_if_match(if_match)
    if versions is None:
        return Target(client_id, None, response)
    if len(versions) > 1:
        stored = await room.store.find_client(client_id)
        versions &= {NO_VERSION if stored is None else stored.version}
    return Target(client_id, next(iter(versions), NO_VERSION), response)


ToChange = Annotated[Target, Depends(find_target)]
