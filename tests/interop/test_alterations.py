"""What somebody in the middle does to sealed messages is noticed by the other end.

The alterations are made between a client from npm packages and the gateway; they are listed, and
described, in ``tamper.mjs``.
"""

from __future__ import annotations

import re

import pytest

from loadtests.script import Pause
from tests.interop.conftest import HERE
from tests.interop.test_node_client import KEMS, client_of, text_of

WORDS = ["water, ", Pause(0.02), "river, ", Pause(0.02), "cloud, ", Pause(0.02), "grass"]
_TABLE = (HERE / "tamper.mjs").read_text("utf-8").partition("ALTERATIONS = {")[2]
NAMES = re.findall(r'^  "([a-z ]+)":', _TABLE, re.MULTILINE)


@pytest.fixture(scope="module")
def exchanges(world, node):
    """Return what came of every alteration, made once for each side and mechanism."""
    known = {}

    def find(side, kem):
        if (side, kem) not in known:
            world.says(*WORDS)
            calls = world.upstream_calls()
            results = node(
                "alterations",
                ca_file=world.gateway.ca_file,
                client=client_of(world, kem),
                side=side,
            )
            known[side, kem] = results, world.upstream_calls() - calls
        return known[side, kem]

    return find


@KEMS
@pytest.mark.parametrize("name", NAMES)
def test_client_notices_an_altered_answer(exchanges, kem, name):
    """An altered answer ends in an error, and what was shown before it is a genuine beginning."""
    results, _ = exchanges("answer", kem)
    assert set(results) == {"unaltered", *NAMES}
    answer, genuine = results[name], text_of(results["unaltered"])
    assert answer["error"]["name"] == "ProtocolError"
    shown = "".join(re.findall(r'"content":"([\w, ]+)"', text_of(answer)))
    assert "water, river, cloud, grass".startswith(shown)
    assert "[DONE]" in genuine
    assert "[DONE]" not in text_of(answer)


@KEMS
@pytest.mark.parametrize("name", NAMES)
def test_gateway_refuses_an_altered_request(exchanges, kem, name):
    """An altered request is refused outside, always in the same way."""
    results, _ = exchanges("request", kem)
    assert results["unaltered"]["status"] == 200
    assert results[name]["error"]["name"] == "RefusedOutside"
    assert results[name]["error"]["status"] == 400
    assert results[name]["pieces"] == []


@KEMS
def test_altered_requests_never_reach_the_model(exchanges, kem):
    """Of all requests only the one that nobody altered was carried out."""
    _, calls = exchanges("request", kem)
    assert calls == 1
