"""Conversations and the keys of their pseudonyms."""

from __future__ import annotations

import re

import pytest

from gateway.core.conversation import ConversationKeys, find_conversation, random_key
from gateway.core.errors import MalformedRequest
from gateway.core.secret import Secret

NAME = b"Sealgate-Conversation"


@pytest.mark.parametrize("value", [b"a", b"A-b_9", b"x" * 128])
def test_a_conversation_is_named_by_a_header(value: bytes) -> None:
    """The name is what the header says, however its own name is spelled."""
    assert find_conversation([(b"date", b"x"), (NAME, value)]) == value.decode()
    assert find_conversation([(NAME.lower(), value)]) == value.decode()
    assert find_conversation([(b"date", b"x")]) is None


@pytest.mark.parametrize("value", [b"", b"x" * 129, b"a b", b"a\n", "é".encode(), b"a.b", b"\0"])
def test_odd_names_are_refused(value: bytes) -> None:
    """A name that could be written in two ways or holds signs is no name."""
    with pytest.raises(MalformedRequest):
        find_conversation([(NAME, value)])


def test_two_names_are_refused() -> None:
    """Nobody has to guess which of two counts."""
    with pytest.raises(MalformedRequest):
        find_conversation([(NAME, b"a"), (NAME, b"a")])


def test_keys_belong_to_one_client_and_conversation() -> None:
    """The same two always give the same key; another client, conversation or root another one."""
    keys = ConversationKeys(Secret(b"r" * 32))
    one = keys.key("c-1", "talk").reveal()
    assert len(one) == 32
    assert ConversationKeys(Secret(b"r" * 32)).key("c-1", "talk").reveal() == one
    others = [
        keys.key("c-2", "talk"),
        keys.key("c-1", "talk2"),
        keys.key("c-1talk", ""),
        ConversationKeys(Secret(b"s" * 32)).key("c-1", "talk"),
    ]
    assert one not in [key.reveal() for key in others]


def test_the_root_shows_in_no_repr() -> None:
    """Whoever prints the keys by accident prints nothing of them."""
    assert "rrrr" not in repr(ConversationKeys(Secret(b"r" * 32)))


def test_a_request_by_itself_has_a_random_key() -> None:
    """Two requests outside a conversation share nothing."""
    assert random_key().reveal() != random_key().reveal()


def test_a_client_has_a_salt_of_its_own() -> None:
    """Clients differ, roots differ, and the salt is no key of a conversation; vLLM takes it."""
    keys = ConversationKeys(Secret(b"r" * 32))
    salt = keys.cache_salt("c-1")
    assert re.fullmatch("[0-9a-f]{64}", salt)
    assert salt == ConversationKeys(Secret(b"r" * 32)).cache_salt("c-1")
    others = {
        keys.cache_salt("c-2"),
        ConversationKeys(Secret(b"s" * 32)).cache_salt("c-1"),
        keys.key("c-1", "").reveal().hex(),
    }
    assert salt not in others
    assert len(others) == 3
