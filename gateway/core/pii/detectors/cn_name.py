"""Names of people in Chinese texts behind a field, a role or the head of a column, or titled.

Little is needed of a name there: behind ``姓名：`` hardly more than a surname, behind ``司机`` that
it is no ordinary word. Names in running text are in ``cn_name_prose``.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.name_characters import GIVEN_WEIGHTS, UNUSUAL_WEIGHT
from gateway.core.pii.detectors.name_contexts import (
    AFTER_COLUMN,
    AFTER_FIELD,
    AFTER_HEAD,
    AFTER_ROLE,
    NO_NAMES,
    PUBLIC_ROLES,
    TITLES,
)
from gateway.core.pii.detectors.name_surroundings import BEHIND
from gateway.core.pii.detectors.name_weights import (
    LISTS,
    SHORT,
    TITLE_STARTS,
    is_private,
    is_private_entry,
    is_public,
    is_word,
    name_weight,
    pattern_of,
)
from gateway.core.pii.syntax import is_han

CELL_SIGNS: Final = ("|", "\t", ",", "\n", ";", '"', "'", "、", "，", "；", " ")
# What stands between the characters of a name that is written apart.
_APART: Final = r"[ \n·*_~|.\-/「」“”\"'+]"


def _han(value: str) -> str:
    return "".join([char for char in value if is_han(char)])


def _is_field_value(value: str, before: str) -> bool:
    name = _han(value)
    if name in NO_NAMES or name[:2] in NO_NAMES or name[1:] in TITLE_STARTS:
        return False
    if is_han(before[-1:]):  # no sign between: it may be a sentence about the field
        return name_weight(name) >= 1 and not is_word(name)
    return name_weight(name) >= -len(name)


def _is_role_value(value: str, before: str) -> bool:
    if value in NO_NAMES or value[:2] in NO_NAMES or value[1:] in TITLE_STARTS:
        return False
    if is_public(value) and before.rstrip(' :"“').endswith(PUBLIC_ROLES):
        return False
    if is_han(before[-1:]):
        return name_weight(value) >= 0 and is_private_entry(value, before)
    # Behind a colon and with nothing after it even a word is somebody's name.
    return name_weight(value) >= (2 if is_word(value) else -1)


def _is_announced(value: str, before: str) -> bool:
    if value in NO_NAMES or is_word(value):
        return False
    return not is_public(value) or not before.rstrip(' :"“').endswith(PUBLIC_ROLES)


def _is_unusual_field_value(value: str, before: str) -> bool:
    weights = [GIVEN_WEIGHTS.get(char, UNUSUAL_WEIGHT) for char in value]
    return not is_han(before[-1:]) and sum(weights) >= 0 and value not in NO_NAMES


def _is_beside(value: str, before: str) -> bool:
    # A surname with rare characters will do, but "tax number" begins with a surname too.
    least = 1 if len(value) == SHORT else -1
    return name_weight(value) >= least and is_private_entry(value, before)


def _is_cell(value: str, before: str) -> bool:
    """Say whether *value*, a private name, has a cell or quotes of its own; a check."""
    return before.endswith(CELL_SIGNS) and value not in NO_NAMES and _is_beside(value, before)


_FIELD: Final = Detector(
    label="NAME",
    name="cn-name-field",
    pattern=r"<surname>\h{1,2}",
    lists=LISTS,
    not_before=r"\h",
    after=(AFTER_FIELD,),
    check=_is_field_value,
)

_FIELD_SPACED: Final = Detector(
    label="NAME",
    name="cn-name-spaced",
    pattern=rf"<surname>{_APART}{{1,5}}\h({_APART}{{0,5}}\h)?",
    lists=LISTS,
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
    pattern=pattern_of("any_surname", short=2, long=1),
    lists=LISTS,
    after=(AFTER_FIELD, AFTER_ROLE),
    check=_is_announced,
)

_ANNOUNCED_BEFORE_VERB: Final = Detector(
    label="NAME",
    name="cn-name-announced-before-verb",
    pattern=pattern_of("any_surname", short=0, long=-2),
    lists={**LISTS, "behind": BEHIND},
    followed_by="<behind>",
    after=(AFTER_FIELD, AFTER_ROLE),
    check=_is_announced,
)

_ROLE: Final = Detector(
    label="NAME",
    name="cn-name-role",
    pattern=r"<surname>\h{1,2}",
    lists=LISTS,
    not_before=r"\h",
    after=(AFTER_ROLE,),
    check=_is_role_value,
)

_CELL: Final = Detector(
    label="NAME",
    name="cn-name-cell",
    pattern=pattern_of("any_surname", short=1, long=0),
    lists=LISTS,
    not_after=r"\h",
    not_before=r"\h",
    after=(AFTER_HEAD,),
    check=is_private_entry,
)

_IN_COLUMN: Final = Detector(
    label="NAME",
    name="cn-name-in-column",
    pattern=r"<surname>\h{1,2}",
    lists=LISTS,
    not_after=r"[\h0-9a-z]",
    followed_by=r" ?[|\t,;，；\"'\n]",
    after=(AFTER_COLUMN,),
    check=_is_cell,
)

# A telephone or identity number right behind it.
_BESIDE: Final = Detector(
    label="NAME",
    name="cn-name-beside-number",
    pattern=r"<surname>\h{1,2}",
    lists=LISTS,
    not_after=r"[\h0-9]",
    followed_by=r"[ （(:,^，、/|\t\-]{1,2}(\+86|1[3-9]\d{4}|[1-9]\d{5}|0\d{9})",
    check=_is_beside,
)

_TITLED: Final = Detector(
    label="NAME",
    name="cn-name-titled",
    pattern=pattern_of("surname", short=4, long=3),
    lists={**LISTS, "title": TITLES},
    followed_by="<title>",
    check=is_private,
)

# At the beginning of a letter, a sentence, a cell.
_ADDRESSED: Final = Detector(
    label="NAME",
    name="cn-name-addressed",
    pattern=pattern_of("any_surname", short=0, long=-1),
    lists={**LISTS, "title": TITLES},
    not_after=r"[\h0-9]",
    followed_by="<title>",
    check=is_private,
)

CN_NAMES: Final = (
    _FIELD,
    _FIELD_SPACED,
    _FIELD_UNUSUAL,
    _ANNOUNCED,
    _ANNOUNCED_BEFORE_VERB,
    _ROLE,
    _CELL,
    _IN_COLUMN,
    _BESIDE,
    _TITLED,
    _ADDRESSED,
)
