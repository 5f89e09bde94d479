"""Names of people in Latin letters: pairs of known names, and any names where one is announced."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.latin_name_contexts import (
    AFTER_FIELD,
    AFTER_GREETING,
    AFTER_TITLE,
    IN_CHAT,
    IN_FIELD,
    IN_LOG,
)
from gateway.core.pii.detectors.name_forms import (
    has_initials,
    has_title,
    is_alone,
    is_announced,
    is_disguised,
    is_greeted,
    is_lower,
    is_name,
    is_reversed,
    is_surname_first,
    is_user,
)

_WORD: Final = r"\u('\u)?[a-z]{1,17}(-\u?[a-z]{1,17}|'\u[a-z]{1,17}){0,2}"
_GAP: Final = r"[ _+]{1,2}"
_PARTICLE: Final = (
    r"((van|von|der|den|de|del|della|da|dos|di|du|la|le|el|al|bin|ibn|ter|ten|st\.?) ){0,2}"
)
_SURNAME: Final = rf"({_PARTICLE}|(al|el)-){_WORD}"
_INITIALS: Final = r"( \u\.?| \u\. ?\u\.)?"
_BOUNDARY: Final = r"[a-z0-9]"

_PAIR: Final = Detector(
    label="NAME",
    name="name-pair",
    # Words are looked up in the check: in the pattern, each would be learnt letter by letter.
    pattern=rf"{_WORD}{_INITIALS}({_GAP}{_SURNAME}){{1,2}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    check=is_name,
)
_REVERSED: Final = Detector(
    label="NAME",
    name="name-reversed",
    pattern=rf"{_WORD}, ?{_WORD}( \u\.?)?",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    check=is_reversed,
)
_INITIALLED: Final = Detector(
    label="NAME",
    name="name-initials",
    pattern=rf"\u\. ?(\u\. ?){{0,2}}{_WORD}",
    not_after=r"[a-z0-9.]",
    not_before=_BOUNDARY,
    check=has_initials,
)
_ANNOUNCED: Final = Detector(
    label="NAME",
    name="name-announced",
    pattern=rf"({_WORD}|\u\.)((,? |\n)({_SURNAME}|\u\.?)){{0,3}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(AFTER_FIELD,),
    check=is_announced,
)
_IN_SMALL_LETTERS: Final = Detector(
    label="NAME",
    name="name-in-field",
    pattern=r"[a-z]{2,15}([ ._\-][a-z]{2,15}){0,2}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(IN_FIELD,),
    check=is_lower,
)
_TITLED: Final = Detector(
    label="NAME",
    name="name-after-title",
    pattern=rf"({_WORD}|\u\.)( ({_SURNAME}|\u\.?)){{0,2}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(AFTER_TITLE,),
    check=has_title,
)
_GREETED: Final = Detector(
    label="NAME",
    name="name-greeted",
    pattern=rf"{_WORD}( ({_SURNAME}|\u\.?)){{0,2}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(AFTER_GREETING,),
    check=is_greeted,
)

_SURNAME_FIRST: Final = Detector(
    label="NAME",
    name="name-surname-first",
    pattern=rf"([A-Z]')?[A-Z]{{2,15}}(-[A-Z]{{2,15}})?(,? |/){_WORD}( \u\.?)?",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    check=is_surname_first,
)
_ALONE: Final = Detector(
    label="NAME",
    name="name-alone",
    pattern=r"\u\l{1,14}(-\u?\l{1,14})?",
    not_after=r"[a-z0-9_.@#$/\\='\-]",
    # Before another capital a given name is part of a name that was judged as a whole.
    not_before=r"[a-z0-9_@\\=(\[]|[\-.:][a-z0-9]| \u|'\u|"
    r" (van|von|de|da|del|di|der|al|bin|el|la|le|du|dos) ",
    check=is_alone,
)
_LOGGED: Final = Detector(
    label="NAME",
    name="name-in-log",
    pattern=r"[a-z]{2,15}(-[a-z]{2,8})?( [a-z]{2,15}(-[a-z]{2,15})?)?",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(IN_LOG, IN_CHAT),
    check=is_user,
)

_DISGUISED: Final = Detector(
    label="NAME",
    name="name-disguised",
    # With digits for letters, or a space behind each letter.
    pattern=(
        r"[A-Z0-9][a-z0-9@$!]{2,14}( [A-Z0-9][a-z0-9@$!]{1,14}){1,2}|"
        r"\u( \l){2,14}(\s{1,3}\u( \l){2,14}){0,2}"
    ),
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(AFTER_FIELD, AFTER_TITLE),
    check=is_disguised,
)

NAMES: Final = (
    _PAIR,
    _REVERSED,
    _INITIALLED,
    _ANNOUNCED,
    _IN_SMALL_LETTERS,
    _TITLED,
    _GREETED,
    _SURNAME_FIRST,
    _ALONE,
    _LOGGED,
    _DISGUISED,
)
