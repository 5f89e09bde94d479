"""Members of requests that no list of ours knows, let through for one client by an operator.

By name alone, and never one that is on a list of any API: what was looked into keeps its check, and
what is refused stays refused (ADR-0029).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.core.errors import MalformedRequest
from gateway.core.requests.chat import CHAT
from gateway.core.requests.completions import COMPLETION
from gateway.core.requests.embeddings import EMBEDDINGS
from gateway.core.requests.fields import SHOWN_NAME
from gateway.core.requests.messages import MESSAGES
from gateway.core.requests.responses import RESPONSE

MAX_MEMBERS: Final = 32

_KNOWN: Final = frozenset(
    name for members in (CHAT, COMPLETION, RESPONSE, MESSAGES, EMBEDDINGS) for name in members.names
)


def parse_extra_members(names: Iterable[str]) -> frozenset[str]:
    """Return *names* if a client can be given them. Raises ``MalformedRequest``."""
    given = frozenset(names)
    if len(given) > MAX_MEMBERS:
        raise MalformedRequest(f"A client has at most {MAX_MEMBERS} extra members.")
    for name in given:
        if not SHOWN_NAME.fullmatch(name):
            raise MalformedRequest("A member is 1 to 40 letters, digits and '_'.")
        if name in _KNOWN:
            raise MalformedRequest(f"'{name}' is known, so it is no extra member.")
    return given
