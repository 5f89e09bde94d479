"""Is a row of capitalised words a person's name? Questions that all detectors of names share.

Text is folded: lower case, without accents. The lists are in ``lists``.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detectors.lists.ambiguous_given_names import AMBIGUOUS_GIVEN_NAMES
from gateway.core.pii.detectors.lists.given_names_a_to_h import A_TO_H
from gateway.core.pii.detectors.lists.given_names_i_to_o import I_TO_O
from gateway.core.pii.detectors.lists.given_names_p_to_z import P_TO_Z
from gateway.core.pii.detectors.lists.ordinary_words import ORDINARY_WORDS, SURNAMES_TOO
from gateway.core.pii.detectors.lists.pinyin_names import ROMANISED_SURNAMES
from gateway.core.pii.detectors.lists.public_figures import FAMOUS_SURNAMES, PUBLIC_FIGURES
from gateway.core.pii.detectors.lists.surnames_a_to_l import SURNAMES_A_TO_L
from gateway.core.pii.detectors.lists.surnames_m_to_z import SURNAMES_M_TO_Z

GIVEN: Final = frozenset((*A_TO_H, *I_TO_O, *P_TO_Z))
AMBIGUOUS: Final = frozenset(AMBIGUOUS_GIVEN_NAMES)
SURNAMES: Final = frozenset((*SURNAMES_A_TO_L, *SURNAMES_M_TO_Z))
ROMANISED: Final = frozenset(ROMANISED_SURNAMES)
_ORDINARY: Final = frozenset(ORDINARY_WORDS)
_SURNAMES_TOO: Final = frozenset(SURNAMES_TOO)
_FIGURES: Final = frozenset(PUBLIC_FIGURES)
_FAMOUS: Final = frozenset(FAMOUS_SURNAMES)
_WORDS: Final = re.compile(r"[a-z]+(?:'[a-z]+)?")
# What stands between the parts of a name without being one.
_PARTICLES: Final = frozenset(
    ["van", "von", "der", "den", "de", "del", "della", "da", "dos", "das", "di", "du", "la", "le",
     "el", "al", "bin", "ibn", "bint", "ben", "ter", "ten", "st", "y", "e"]
)  # fmt: skip
# Endings of surnames in many languages that ordinary English words do not have.
_ENDINGS: Final = (
    "sson", "sen", "nsky", "vsky", "wski", "nski", "lski", "rski", "wicz", "czyk", "czak", "ovic",
    "evic", "ievich", "enko", "chuk", "escu", "eanu", "stein", "feld", "mann", "baum", "opoulos",
    "oulou", "idis", "akis", "ianis", "ellis", "ez", "elli", "etti", "ucci", "acci", "yan", "dze",
    "shvili", "quist", "qvist", "gren", "strom", "lund", "dahl", "nen", "singhe", "sinha", "wala",
    "swamy", "swami", "nathan", "murthy", "oglu", "zadeh", "pour", "worth", "thwaite", "croft",
    "shaw", "bury", "kovic", "mura", "moto", "yama", "zawa", "saki", "guchi", "gawa", "kawa",
    "ova", "eva", "aite", "auskas", "avicius", "ovsky", "acek", "ouli", "eira", "alho", "ilva",
)  # fmt: skip
_SHORTEST_WITH_ENDING: Final = 6
_SYLLABLE: Final = (
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxzcsryw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ui|uo|"
    r"ue|ve|er|a|o|e|i|u|v)"
)
_PINYIN: Final = re.compile(rf"{_SYLLABLE}(?:[- ']?{_SYLLABLE})?")


def name_words(value: str) -> list[str]:
    """Return the words of *value* that are neither initials nor particles."""
    return [w for w in _WORDS.findall(value) if len(w) > 1 and w not in _PARTICLES]


def is_public(value: str) -> bool:
    """Say whether *value* names somebody whom everybody knows, or a brand."""
    words = _WORDS.findall(value.replace(".", ""))
    return " ".join(words) in _FIGURES or " ".join(w for w in words if len(w) > 1) in _FIGURES


def is_ordinary(word: str) -> bool:
    """Say whether *word* is one that stands in any text, if often in no name."""
    return word in _ORDINARY


def is_famous(word: str) -> bool:
    """Say whether a surname makes one think of a single person."""
    return word in _FAMOUS


def may_be_surname(word: str) -> bool:
    """Say whether *word* may follow a given name that is nothing but a given name."""
    return word in _SURNAMES_TOO or word in SURNAMES or word not in _ORDINARY


def is_surname(word: str) -> bool:
    """Say whether *word* is a surname by list or by its ending."""
    if word in _ORDINARY:
        return False
    if word in SURNAMES or word in ROMANISED:
        return True
    return len(word) >= _SHORTEST_WITH_ENDING and word.endswith(_ENDINGS)


def is_known(word: str) -> bool:
    """Say whether *word* is a given name or a surname, and no ordinary word."""
    return word in GIVEN or is_surname(word)


def is_pinyin(words: str) -> bool:
    """Say whether *words* may be a given name of one or two Chinese syllables."""
    return _PINYIN.fullmatch(words) is not None
