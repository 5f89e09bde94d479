"""Is a row of capitalised words a person's name? Questions that all detectors of names share.

Text is folded: lower case, without accents. The lists are in ``lists``.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import words_of
from gateway.core.pii.detectors.lists.ambiguous_given_names import (
    AMBIGUOUS_GIVEN_NAMES,
    MOSTLY_PEOPLE,
)
from gateway.core.pii.detectors.lists.given_names_a_to_h import A_TO_H
from gateway.core.pii.detectors.lists.given_names_i_to_o import I_TO_O
from gateway.core.pii.detectors.lists.given_names_of_others import NOT_ALONE
from gateway.core.pii.detectors.lists.given_names_p_to_z import P_TO_Z
from gateway.core.pii.detectors.lists.more_public_figures import MORE_PUBLIC_FIGURES
from gateway.core.pii.detectors.lists.more_words_a_to_k import WORDS_A_TO_K
from gateway.core.pii.detectors.lists.more_words_l_to_z import WORDS_L_TO_Z
from gateway.core.pii.detectors.lists.ordinary_words import ORDINARY_WORDS, SURNAMES_TOO
from gateway.core.pii.detectors.lists.pinyin_names import ROMANISED_SURNAMES
from gateway.core.pii.detectors.lists.public_figures import FAMOUS_SURNAMES, PUBLIC_FIGURES
from gateway.core.pii.detectors.lists.rarer_given_names_a_to_j import RARER_A_TO_J
from gateway.core.pii.detectors.lists.rarer_given_names_k_to_z import RARER_K_TO_Z
from gateway.core.pii.detectors.lists.surnames_a_to_l import SURNAMES_A_TO_L
from gateway.core.pii.detectors.lists.surnames_m_to_z import SURNAMES_M_TO_Z

GIVEN: Final = frozenset((*A_TO_H, *I_TO_O, *P_TO_Z, *RARER_A_TO_J, *RARER_K_TO_Z))
AMBIGUOUS: Final = frozenset(AMBIGUOUS_GIVEN_NAMES)
SURNAMES: Final = frozenset((*SURNAMES_A_TO_L, *SURNAMES_M_TO_Z))
ROMANISED: Final = frozenset(ROMANISED_SURNAMES)
# Surnames that hardly anything but a Vietnamese name ends or begins with.
VIETNAMESE: Final = frozenset(
    words_of(
        "nguyen tran pham huynh hoang phan dang bui ngo duong dinh doan trinh truong luong dao"
    )
)
# Chinese surnames that are nothing else in English, and given names that are English words.
_CHINESE: Final = frozenset(
    words_of(
        "wang zhang liu zhao huang zhou xu guo zheng xie zhu luo deng xiao zeng cai jiang shen xue "
        "qian qin zhuge ouyang sima shangguan situ feng cheng dong tian liang peng jia wei pan yuan"
    )
)
_GIVEN_SYLLABLES: Final = frozenset(
    words_of("he long fan bin can you man pan gang kong ran she so")
)
# Surnames that end the names of places.
_GEOGRAPHY: Final = frozenset(
    words_of(
        "park hill hills lake lane field castle church temple west north page day pool branch "
        "cross wall fountain hall pass river rivers waters wells woods wood ford forest england "
        "ireland wales scotland france street"
    )
)
_ORDINARY: Final = frozenset((*ORDINARY_WORDS, *WORDS_A_TO_K, *WORDS_L_TO_Z))
_SURNAMES_TOO: Final = frozenset(SURNAMES_TOO)
_MOSTLY_PEOPLE: Final = frozenset(MOSTLY_PEOPLE)
_NOT_ALONE: Final = frozenset(NOT_ALONE)
_FIGURES: Final = frozenset((*PUBLIC_FIGURES, *MORE_PUBLIC_FIGURES))
_FAMOUS: Final = frozenset(FAMOUS_SURNAMES)
_WORDS: Final = re.compile(r"[a-z]+(?:'[a-z]+)?")
# What stands between the parts of a name without being one.
_PARTICLES: Final = frozenset(
    ["van", "von", "der", "den", "de", "del", "della", "da", "dos", "das", "di", "du", "la", "le",
     "el", "al", "bin", "ibn", "bint", "ben", "ter", "ten", "st", "y", "e"]
)  # fmt: skip
# Endings of surnames in many languages that ordinary English words do not have.
_ENDINGS: Final = (
    "sson", "sen", "wska", "nska", "lska", "rska", "dottir", "vski",
    "nsky", "vsky", "wski", "nski", "lski", "rski", "wicz", "czyk", "czak", "ovic",
    "evic", "ievich", "enko", "chuk", "escu", "eanu", "stein", "feld", "mann", "baum", "opoulos",
    "oulou", "idis", "akis", "ianis", "ellis", "ez", "elli", "etti", "ucci", "acci", "yan", "dze",
    "shvili", "quist", "qvist", "gren", "strom", "lund", "dahl", "nen", "singhe", "sinha", "wala",
    "swamy", "swami", "nathan", "murthy", "oglu", "zadeh", "pour", "worth", "thwaite", "croft",
    "shaw", "bury", "kovic", "mura", "moto", "yama", "zawa", "saki", "guchi", "gawa", "kawa",
    "ova", "eva", "aite", "auskas", "avicius", "ovsky", "acek", "ouli", "eira", "alho", "ilva",
)  # fmt: skip
_SHORTEST_WITH_ENDING: Final = 6
# Endings of English words that surnames do not have, but for those that are listed.
_ENGLISH: Final = re.compile(
    r".{3}(?:tions?|sions?|ments?|ness|ing|ings|ity|ities|ables?|ibles?|ous|ful|less|olog(?:y|ies)|"
    r"ships?|isms?|ances?|ences?|ly|while|ware|ized?|ised?|wards?|things?|where|tures?|"
    r"scopes?|graphs?|phones?)"
)
# Short given names that stand for nothing else.
_SHORT: Final = frozenset(
    words_of(
        "amy ann ana ben bev dan deb ian ida jim joe jon kai ken liz lou meg mia pam raj roy "
        "sid sue ted tim tom vic zoe eva eli olu ola ugo ifa emi mei lia ravi ari avi ayo obi uwe "
        "jen"
    )
)
# What a given name stands behind where it is another thing's.
_OTHERS: Final = re.compile(
    r"(?:\b(?:the|an?|mr|mrs|ms|miss|dr|doctor|professor|captain|"
    r"saint|ste?|san|santa|santo|sao|king|queen|pope|prince|princess|emperor|empress|"
    r"tsar|czar|sultan|lake|mount|mt|fort|port|cape|river|hurricane|typhoon|cyclone|storm|project|"
    r"operation|codename|hms|uss|rms|ss|language|book of|gospel of|according to|class|import|"
    r"package|model|chatbot|assistant|robot|version|release|villa|hotel|casa|studio|cafe|opera|"
    r"asteroid|moon|goddess|god|novel|film|movie|musical|song|album|band|ballet|brand|editor|"
    r"framework|library|compiler|programming|planet|statue of|myth of|legend of)\.?"
    r"|[#=])[ \"'*`]*$"
)
_LAST_WORD: Final = re.compile(r"([a-z]+) $")
_SYLLABLE: Final = (
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxzcsryw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ui|uo|"
    r"ue|ve|er|a|o|e|i|u|v)"
)
_PINYIN: Final = re.compile(rf"{_SYLLABLE}(?:[- ']?{_SYLLABLE})?")

# Of Korean given names, as they are romanised.
_KOREAN: Final = frozenset(
    words_of(
        "min jun seo yeon ji woo hyun dong hye jin soo su sung seung young yong kyung kyu hee hoon "
        "joon ho jae jung jeong mi na ra eun ah yoo yu sang tae won seok suk sook chul chan cheol "
        "gyu geun gi ki hwa hwan in joo ju kwang kwan myung nam rae rin sik sun tak wook yul yun "
        "yoon bo beom bin byung da do eon gun han hyeok hyo hyuk jong ye sol bi"
    )
)


def name_words(value: str) -> list[str]:
    """Return the words of *value* that are neither initials nor particles."""
    return [w for w in _WORDS.findall(value) if len(w) > 1 and w not in _PARTICLES]


def surname_of(value: str) -> str:
    """Return the last word of *value*, and of a surname of two parts the first."""
    parts = name_words(value.rpartition(" ")[2])
    return parts[0] if parts else ""


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


def is_chinese(surname: str, given: str) -> bool:
    """Say whether *surname* and *given* are a Chinese name, whatever *given* means in English."""
    if surname not in _CHINESE or not is_pinyin(given):
        return False
    return given in _GIVEN_SYLLABLES or not is_ordinary(given)


def ends_a_name(word: str) -> bool:
    """Say whether *word* is a surname, though a word as well, but none that ends a place."""
    return (word in SURNAMES or word in _SURNAMES_TOO) and word not in _GEOGRAPHY


def may_be_surname(word: str) -> bool:
    """Say whether *word* may follow a given name that is nothing but a given name."""
    if word in _SURNAMES_TOO or word in SURNAMES:
        return True
    return word not in _ORDINARY and _ENGLISH.fullmatch(word) is None


def is_mostly_personal(word: str) -> bool:
    """Say whether *word*, though a word or a place as well, before a capital begins a name."""
    return word in _MOSTLY_PEOPLE


def is_telling(word: str) -> bool:
    """Say whether *word* is a given name and hardly anything else."""
    return word in GIVEN and word not in _NOT_ALONE and word not in _ORDINARY


def stands_alone(word: str, before: str) -> bool:
    """Say whether *word* is a given name that means a person even without a surname.

    Behind a word like *hurricane* or *hotel* it is not, and behind another given name it is the end
    of a name that was judged as a whole.
    """
    if not is_telling(word) or (len(word) < 4 and word not in _SHORT):
        return False
    return _OTHERS.search(before) is None and word_before(before) not in GIVEN


def word_before(before: str) -> str:
    """Return the word that stands, with a space, before the value, or ``""``."""
    found = _LAST_WORD.search(before)
    return found[1] if found else ""


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


def is_two_syllables(word: str) -> bool:
    """Say whether *word* is a Korean or Chinese given name of two syllables with a hyphen."""
    first, _, second = word.partition("-")
    if first in _KOREAN and second in _KOREAN:
        return True
    return bool(second) and word.count("-") == 1 and is_pinyin(first) and is_pinyin(second)


def is_pinyin(words: str) -> bool:
    """Say whether *words* may be a given name of one or two Chinese syllables."""
    return _PINYIN.fullmatch(words) is not None
