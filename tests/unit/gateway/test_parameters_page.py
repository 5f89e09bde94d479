"""The public page on what a request may hold."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

from gateway.core.grants import UNMASKABLE_PARAMETERS, Parameter
from gateway.core.request_limits import DEFAULTS, HIGHEST
from gateway.core.requests.allow_list import DROPPED, REFUSED, AllowList
from gateway.core.requests.chat import CHAT
from gateway.core.requests.completions import COMPLETION
from gateway.core.requests.embeddings import EMBEDDINGS
from gateway.core.requests.messages import MESSAGES
from gateway.core.requests.patterns import (
    MAX_GRAMMAR_CHARACTERS,
    MAX_GRAMMAR_RULES,
    MAX_PATTERN_CHARACTERS,
    MAX_REPETITIONS,
)
from gateway.core.requests.responses import RESPONSE
from gateway.core.requests.structured_outputs import TEMPLATE_OPTIONS
from gateway.core.strict_json import MAX_BODY_BYTES, MAX_DEPTH, MAX_ITEMS

PAGE = (Path(__file__).parents[3] / "gateway/parameters.md").read_text("utf-8")
APIS = {"c": CHAT, "t": COMPLETION, "r": RESPONSE, "m": MESSAGES, "e": EMBEDDINGS}


def section(title: str) -> str:
    """Return what stands below a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_limit_is_there_as_it_is() -> None:
    """With its default and its highest value."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|", section("Limits"), re.MULTILINE)
    highest = asdict(HIGHEST)
    assert [(name, int(default), int(high)) for name, default, high in rows] == [
        (name, default, highest[name]) for name, default in asdict(DEFAULTS).items()
    ]


def test_every_grant_is_there() -> None:
    """In the order of the code, those marked that go around the masks."""
    rows = re.findall(r"^\| `(\w+)`( \*)? \|", section("Grants"), re.MULTILINE)
    assert [name for name, _ in rows] == list(Parameter)
    assert {name for name, mark in rows if mark} == UNMASKABLE_PARAMETERS
    for number in (
        MAX_PATTERN_CHARACTERS,
        MAX_REPETITIONS,
        MAX_GRAMMAR_CHARACTERS,
        MAX_GRAMMAR_RULES,
    ):
        assert f"{number:,}" in section("Grants")


def test_every_member_is_there_for_its_apis() -> None:
    """One row for each member that an API takes, and none for others."""
    rows = re.findall(r"^\| `(\w+)` \| ([ctrme ]+) \|", section("Members"), re.MULTILINE)
    shown = {(name, letter) for name, letters in rows for letter in letters.split()}
    assert shown == {(name, letter) for letter, api in APIS.items() for name in _members(api)}


def test_what_is_dropped_or_for_nobody_is_true() -> None:
    """A member said to be refused is refused, one said to be dropped is dropped."""
    refused = set(REFUSED) | set(RESPONSE.refused) | set(CHAT.refused)
    parts = {"audio_url", "video_url", "input_audio", "file", "image_embeds"}
    named = set(re.findall(r"`(\w+)`", section("For nobody")))
    assert named <= refused | parts
    assert set(REFUSED) - {g for api in APIS.values() for g in _members(api)} <= named | {
        "prompt_text",
        "prompt_token_ids",
        "length_penalty",
        "truncate_prompt_tokens",
    }
    assert all(f"`{name}`" in section("Members") for name in DROPPED)


def test_the_limits_of_json_are_true() -> None:
    """As they are in the code."""
    shown = section("JSON")
    assert f"{MAX_BODY_BYTES // 2**20} MiB" in shown
    assert f"{MAX_DEPTH} levels and {MAX_ITEMS:,} members" in shown


def test_template_options_are_listed() -> None:
    """Each that passes is on the page."""
    row = next(line for line in PAGE.splitlines() if line.startswith("| `chat_template_kwargs`"))
    for name in re.findall(r"`(\w+)`", row)[1:]:
        value = "low" if name == "reasoning_effort" else name != "thinking_budget" or 5
        assert TEMPLATE_OPTIONS.check("chat_template_kwargs", {name: value})


def _members(api: AllowList) -> set[str]:
    return {*api.allowed, *api.granted}
