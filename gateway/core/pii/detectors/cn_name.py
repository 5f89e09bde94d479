"""Names of people in Chinese texts: surname and given name, told from words by their characters.

The weights of ``name_characters`` add up to how much more a text speaks for a name than for prose.
How much is needed depends on what stands around: little behind ``姓名：``, more behind a word such
as ``司机``, a lot between other characters. Ordinary words, places and public figures are no names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.core.pii.detector import Detector, words_of
from gateway.core.pii.detectors.name_characters import (
    COMPOUND_SURNAMES,
    COMPOUND_WEIGHT,
    GIVEN_WEIGHTS,
    SURNAME_WEIGHTS,
    UNUSUAL_WEIGHT,
)
from gateway.core.pii.detectors.name_contexts import (
    AFTER_FIELD,
    AFTER_HEAD,
    AFTER_PEOPLE,
    AFTER_ROLE,
    CUES,
    NO_NAMES,
    PARTS,
    TITLES,
)
from gateway.core.pii.detectors.ordinary_words import ORDINARY_WORDS
from gateway.core.pii.detectors.public_figures import PUBLIC_FIGURES
from gateway.core.pii.detectors.words_before import WORDS_BEFORE
from gateway.core.pii.syntax import HAN

_COMPOUND: Final = frozenset(COMPOUND_SURNAMES)
_SHORT: Final = 2  # characters of a name with a single given character
# The beginnings of public names, so that nobody is found in the first half of one.
_PUBLIC_STARTS: Final = frozenset(
    name[:size] for name in PUBLIC_FIGURES for size in range(_SHORT, len(name) + 1)
)
# So much more must a name weigh that begins like a public one of two characters.
_BEYOND_PUBLIC: Final = 9
# So much must a name weigh whose surname might end the word before it.
_BEYOND_WORD: Final = 13
_NUMERALS: Final = frozenset("一二三四五六七八九十百千万亿两几数每半整0123456789")
_ORDINARY_STARTS: Final = frozenset(
    word[:size] for word in ORDINARY_WORDS for size in range(3, len(word) + 1)
)
# Surnames that are also among the most frequent words; without a context the rarer ones of them
# would cost more than they find.
_LIGHTEST: Final = 1
_LIGHT_SURNAMES: Final = "于方万文华安常平明相应路关代门家经管解向司"
_GIVEN_RANGE: Final = range(min(GIVEN_WEIGHTS.values()), max(GIVEN_WEIGHTS.values()) + 1)
_SURNAME_RANGE: Final = range(min(SURNAME_WEIGHTS.values()), max(SURNAME_WEIGHTS.values()) + 1)
# What goes on a sentence about somebody.
_BEHIND: Final = words_of(
    "的 住 说 在 已 将 是 曾 于 持 驾 因 向 与 和 同 称 表示 告诉 反映 要求 申请 提出 评价 认为 "
    "负责 联系 "
    "签收 出生 入职 离职 毕业 夜间 今天 昨天 本人 及 来 到 对 打 发 找 拿 两次 未 没 不 也 都 "
    "就 把 被 用 "
    "给 从 跟 等 吗 呢 吧 啊"
)
_LISTS: Final[dict[str, Iterable[str]]] = {
    "surname": (*SURNAME_WEIGHTS, *COMPOUND_SURNAMES),
    "compound": COMPOUND_SURNAMES,
    "title": TITLES,
    "part": PARTS,
    "behind": _BEHIND,
    **{
        f"surname{weight}": [
            char
            for char, own in SURNAME_WEIGHTS.items()
            if own == weight and (weight >= _LIGHTEST or char in _LIGHT_SURNAMES)
        ]
        for weight in _SURNAME_RANGE
    },
    **{
        f"any_surname{weight}": [char for char, own in SURNAME_WEIGHTS.items() if own == weight]
        for weight in _SURNAME_RANGE
    },
    **{f"is{w}": [char for char, own in GIVEN_WEIGHTS.items() if own == w] for w in _GIVEN_RANGE},
    **{f"over{w}": [char for char, own in GIVEN_WEIGHTS.items() if own >= w] for w in _GIVEN_RANGE},
}
_TITLE_STARTS: Final = frozenset(title[:_SHORT] for title in TITLES)


def name_weight(name: str) -> int:
    """Return how much the characters of *name* speak for a name; below 0 they speak against it."""
    weight, given = SURNAME_WEIGHTS.get(name[0], UNUSUAL_WEIGHT), name[1:]
    if name[:2] in _COMPOUND and len(name) > _SHORT:
        weight, given = COMPOUND_WEIGHT, name[2:]
    return weight + sum([GIVEN_WEIGHTS.get(char, UNUSUAL_WEIGHT) for char in given])


def _is_public(name: str) -> bool:
    if name in _PUBLIC_STARTS:
        return True
    return name[:_SHORT] in PUBLIC_FIGURES and name_weight(name) < _BEYOND_PUBLIC


def _is_word(name: str) -> bool:
    if name in _ORDINARY_STARTS:
        return True
    is_compound = name[:2] in _COMPOUND and len(name) > _SHORT
    return not is_compound and (name[:2] in ORDINARY_WORDS or name[1:] in _TITLE_STARTS)


def _pattern(surnames: str, *, short: int, long: int) -> str:
    """Return the pattern of names of two characters that weigh *short* and longer ones of *long*.

    The weights are worked into the pattern, so that what weighs too little ends early.
    """
    options = [
        f"<{surnames}{weight}>({_given(short - weight, long - weight)})"
        for weight in _SURNAME_RANGE
        if _LISTS[f"{surnames}{weight}"]
    ]
    rest = long - COMPOUND_WEIGHT
    return "|".join([*options, f"<compound>({_given(rest, rest)})"])


def _given(one: int, two: int) -> str:
    """Return the pattern of one given character of weight *one*, or of two that weigh *two*."""
    options = [f"<over{max(one, _GIVEN_RANGE[0])}>"] if one <= _GIVEN_RANGE[-1] else []
    for weight in _GIVEN_RANGE:
        rest = max(two - weight, _GIVEN_RANGE[0])
        if rest <= _GIVEN_RANGE[-1]:
            options.append(f"<is{weight}><over{rest}>")
    return "|".join(options)


def _is_private(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return not _is_word(value) and not _is_public(value)


def _ends_a_word(name: str, before: str) -> bool:
    """Say whether the surname is rather the end of a word, as in ``非常``, or counts things."""
    ends = before[-1:] in _NUMERALS or before[-1:] + name[:1] in WORDS_BEFORE
    return ends and name_weight(name) < _BEYOND_WORD


class _Least(NamedTuple):
    """What names of two characters and longer ones must weigh."""

    short: int
    long: int

    def holds(self, name: str) -> bool:
        """Say whether *name* weighs enough."""
        return name_weight(name) >= (self.short if len(name) == _SHORT else self.long)


# Between other characters; less is needed behind a word that somebody follows often.
_UNCUED: Final = _Least(short=9, long=7)
_CUED: Final = _Least(short=6, long=4)
_UNCUED_ALONE: Final = _Least(short=6, long=5)
_CUED_ALONE: Final = _Least(short=4, long=3)


def _is_within(value: str, before: str) -> bool:
    if not before.endswith(CUES) and not _UNCUED.holds(value):
        return False
    return _is_private(value, before) and not _ends_a_word(value, before)


def _is_last(value: str, before: str) -> bool:
    if not before.endswith(CUES) and not _UNCUED_ALONE.holds(value):
        return False
    return _is_private(value, before) and not _ends_a_word(value, before)


def _is_field_value(value: str, before: str) -> bool:
    name = "".join([char for char in value if char in HAN])
    if name in NO_NAMES or name[:2] in NO_NAMES or name[1:] in _TITLE_STARTS:
        return False
    if before[-1:] in HAN:  # no sign between: it may be a sentence about the field
        return name_weight(name) >= 1 and not _is_word(name)
    return name_weight(name) >= -len(name)


def _is_role_value(value: str, before: str) -> bool:
    if value in NO_NAMES or value[:2] in NO_NAMES or _is_word(value) or _is_public(value):
        return False
    return name_weight(value) >= (1 if before[-1:] in HAN else -1)


def _is_unusual_field_value(value: str, before: str) -> bool:
    weights = [GIVEN_WEIGHTS.get(char, UNUSUAL_WEIGHT) for char in value]
    return before[-1:] not in HAN and sum(weights) >= 0 and value not in NO_NAMES


_FIELD: Final = Detector(
    label="NAME",
    name="cn-name-field",
    pattern=r"<surname>\h{1,2}",
    lists=_LISTS,
    not_before=r"\h",
    after=(AFTER_FIELD,),
    check=_is_field_value,
)

_FIELD_SPACED: Final = Detector(
    label="NAME",
    name="cn-name-spaced",
    pattern=r"<surname>[ \n·*_~|.\-/「」“”\"'+]{1,5}\h([ \n·*_~|.\-/「」“”\"'+]{0,5}\h)?",
    lists=_LISTS,
    not_before=r"\h",
    after=(AFTER_FIELD, AFTER_ROLE),
    check=_is_field_value,
)

_FIELD_UNUSUAL: Final = Detector(
    label="NAME",
    name="cn-name-without-surname",
    pattern=r"\h{2,5}",
    not_before=r"\h",
    after=(AFTER_FIELD,),
    check=_is_unusual_field_value,
)

_ANNOUNCED: Final = Detector(
    label="NAME",
    name="cn-name-announced",
    pattern=_pattern("any_surname", short=2, long=1),
    lists=_LISTS,
    after=(AFTER_FIELD, AFTER_ROLE),
    check=_is_private,
)

_ROLE: Final = Detector(
    label="NAME",
    name="cn-name-role",
    pattern=r"<surname>\h{1,2}",
    lists=_LISTS,
    not_before=r"\h",
    after=(AFTER_ROLE,),
    check=_is_role_value,
)

_CELL: Final = Detector(
    label="NAME",
    name="cn-name-cell",
    pattern=_pattern("any_surname", short=1, long=0),
    lists=_LISTS,
    not_after=r"\h",
    not_before=r"\h",
    after=(AFTER_HEAD,),
    check=_is_private,
)

_FOLLOWED: Final = Detector(
    label="NAME",
    name="cn-name-followed",
    pattern=_pattern("any_surname", short=5, long=3),
    lists=_LISTS,
    not_after=r"[\h0-9]",
    followed_by="<behind>",
    check=_is_private,
)

# A telephone or identity number right behind it.
_BESIDE: Final = Detector(
    label="NAME",
    name="cn-name-beside-number",
    pattern=_pattern("any_surname", short=0, long=-1),
    lists=_LISTS,
    not_after=r"[\h0-9]",
    followed_by=r"[ （(:,，、/|\t\-]{1,2}(\+86|1[3-9]\d{4}|[1-9]\d{5}|0\d{9})",
    check=_is_private,
)

_DOTTED: Final = Detector(
    label="NAME",
    name="cn-name-dotted",
    pattern=r"\h{1,6}·\h{1,8}(·\h{1,6})?",
    not_before=r"[\h·]",
    after=(AFTER_FIELD, AFTER_ROLE, AFTER_PEOPLE),
)

_IN_PARTS: Final = Detector(
    label="NAME",
    name="cn-name-in-parts",
    pattern=r"<part>·?<part>(·?<part>)?",
    lists=_LISTS,
)

_TITLED: Final = Detector(
    label="NAME",
    name="cn-name-titled",
    pattern=_pattern("surname", short=4, long=3),
    lists=_LISTS,
    followed_by="<title>",
    check=_is_private,
)

_ALONE: Final = Detector(
    label="NAME",
    name="cn-name-alone",
    pattern=_pattern("any_surname", short=3, long=3),
    lists=_LISTS,
    not_after=r"[\h0-9]",
    not_before=r"\h",
    check=_is_private,
)

_FIRST: Final = Detector(
    label="NAME",
    name="cn-name-first",
    pattern=_pattern("any_surname", short=8, long=5),
    lists=_LISTS,
    not_after=r"[\h0-9]",
    check=_is_private,
)

_LAST: Final = Detector(
    label="NAME",
    name="cn-name-last",
    pattern=_pattern("surname", short=_CUED_ALONE.short, long=_CUED_ALONE.long),
    lists=_LISTS,
    not_before=r"\h",
    check=_is_last,
)

_WITHIN: Final = Detector(
    label="NAME",
    name="cn-name-within",
    pattern=_pattern("surname", short=_CUED.short, long=_CUED.long),
    lists=_LISTS,
    check=_is_within,
)

CN_NAMES: Final = (
    _FIELD,
    _FIELD_SPACED,
    _FIELD_UNUSUAL,
    _ANNOUNCED,
    _ROLE,
    _CELL,
    _FOLLOWED,
    _BESIDE,
    _DOTTED,
    _IN_PARTS,
    _TITLED,
    _ALONE,
    _FIRST,
    _LAST,
    _WITHIN,
)
