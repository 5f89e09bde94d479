"""What replaces values in one answer."""

from __future__ import annotations

import pytest

from gateway.core.answer_actions import choose_actions
from gateway.core.errors import AnswerBlocked, StoreUnavailable
from gateway.core.pii.actions import PLACEHOLDERS
from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment
from gateway.core.secret import Secret


def no_key() -> Secret[bytes]:
    """Say that there is none."""
    raise StoreUnavailable


def test_without_rules_there_are_placeholders() -> None:
    """Silence needs no key and gives the type in brackets."""
    assert choose_actions([SILENT, SILENT], no_key) is PLACEHOLDERS


def test_each_type_gets_its_form() -> None:
    """Of the levels the first counts; types nobody names get a placeholder."""
    rules = {"PHONE": Treatment.MASK, "EMAIL": Treatment.BLOCK}
    actions = choose_actions([SILENT, ScrubRules(None, rules)], no_key)
    assert actions.replace("PHONE", "13812345678") == "138****5678"
    assert actions.replace("NAME", "anna") == "[NAME]"
    with pytest.raises(AnswerBlocked):
        actions.replace("EMAIL", "a@b.cc")


def test_pseudonyms_need_the_key() -> None:
    """The key is asked for when a type gets pseudonyms, and not having one is an error."""
    rules = ScrubRules(None, {"PHONE": Treatment.PSEUDONYM})
    actions = choose_actions([rules], lambda: Secret(b"k" * 32))
    token = actions.replace("PHONE", "13812345678")
    assert token.startswith("[PHONE_")
    assert actions.replace("PHONE", "138 1234 5678") == token
    with pytest.raises(StoreUnavailable):
        choose_actions([rules], no_key)
