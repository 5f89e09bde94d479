"""Conversations: how a request names its own, and what is derived for one and for its client.

A key belongs to one client and one conversation of it, so nothing can be matched across either. It
is derived and never stored: it is the same in every process and after a restart, until the
gateway's pseudonym key is rotated. So is the salt of a client's share of vLLM's prefix cache.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.core.errors import MalformedRequest
from gateway.core.secret import Secret

CONVERSATION_HEADER: Final = b"sealgate-conversation"

_NAME: Final = re.compile(rb"[A-Za-z0-9_-]{1,128}")
_KEY_BYTES: Final = 32
_LABEL: Final = b"sealgate pseudonyms of a conversation"
_SALT_LABEL: Final = b"sealgate prefix cache of a client"


def find_conversation(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the name in the header ``Sealgate-Conversation``, or None without one.

    Raises ``MalformedRequest`` for a name that is not 1 to 128 letters, digits, ``_`` or ``-``, and
    for more than one.
    """
    named = [value for name, value in headers if name.lower() == CONVERSATION_HEADER]
    if not named:
        return None
    if len(named) > 1 or not _NAME.fullmatch(named[0]):
        raise MalformedRequest(
            "Sealgate-Conversation is 1 to 128 letters, digits, '_' or '-', given once."
        )
    return named[0].decode("ascii")


class ConversationKeys:
    """Derives the keys of conversations from the gateway's pseudonym key (HKDF, RFC 5869).

    And, under a label of its own, what keeps clients apart in vLLM's prefix cache.
    """

    __slots__ = ("_root",)

    def __init__(self, root: Secret[bytes]) -> None:
        self._root = root

    def key(self, client_id: str, conversation: str) -> Secret[bytes]:
        """Return the key of a *conversation* of a client: 32 bytes."""
        return Secret(self._derive(_LABEL, client_id, conversation))

    def cache_salt(self, client_id: str) -> str:
        """Return the ``cache_salt`` of a client's requests: 64 hexadecimal digits.

        vLLM lets only requests with the same salt share cached prefixes, so how fast an answer
        begins tells nobody what another client has asked (ADR-0025). It is sent to vLLM and nowhere
        else.
        """
        return self._derive(_SALT_LABEL, client_id).hex()

    def _derive(self, label: bytes, *names: str) -> bytes:
        # No name can hold a zero byte, so no two lists of names are written alike.
        info = b"\0".join([label, *(name.encode() for name in names)])
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(self._root.reveal())


def random_key() -> Secret[bytes]:
    """Return a key for one request that belongs to no conversation."""
    return Secret(secrets.token_bytes(_KEY_BYTES))
