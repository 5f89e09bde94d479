"""The machine of all detectors."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii import scrub
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.numerals import CHINESE
from gateway.core.pii.shipped import shipped_machine
from gateway.core.pii.syntax import LOOSE_SEPARATORS

_WORDS = sorted({word for d in DETECTORS for context in d.after for word in context.words})
_SIGNS = "0123456789" + "".join(CHINESE) + "".join(sorted(LOOSE_SEPARATORS))


def test_machine_is_made_once():
    """Every stream of a process shares one machine and what it has learnt."""
    assert shipped_machine() is shipped_machine()


def test_importing_makes_no_machine():
    """A command that scrubs nothing does not wait for the machine."""
    code = (
        "import gateway.core.apis, gateway.core.pii.shipped as s;"
        "print(s.shipped_machine.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


@given(
    word=st.sampled_from(_WORDS),
    rows=st.lists(st.text(st.sampled_from(_SIGNS), min_size=1, max_size=40), max_size=3),
)
def test_no_check_fails_on_what_its_pattern_lets_through(word: str, rows: list[str]) -> None:
    """Whatever stands between the digits, a check answers; a failure would end the answer."""
    scrub(" ".join([word, *rows]))


def test_separators_of_any_script_are_no_digits() -> None:
    """A card with ideographic commas between its groups is a card."""
    assert scrub("卡号 4111、1111、1111、1111 。") == "卡号 [BANK_CARD] 。"
