"""Names of people in Latin letters: pairs of known names, and any names where one is announced."""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.name_checks import (
    AMBIGUOUS,
    GIVEN,
    ROMANISED,
    SURNAMES,
    is_famous,
    is_known,
    is_ordinary,
    is_pinyin,
    is_public,
    is_surname,
    may_be_surname,
    name_words,
)

_WORD: Final = r"\u('\u)?[a-z]{1,17}(-\u?[a-z]{1,17}|'\u[a-z]{1,17}){0,2}"
_GAP: Final = r"[ _]{1,2}"
_PARTICLE: Final = (
    r"((van|von|der|den|de|del|della|da|dos|di|du|la|le|el|al|bin|ibn|ter|ten|st\.?) ){0,2}"
)
_SURNAME: Final = rf"({_PARTICLE}|(al|el)-){_WORD}"
_INITIALS: Final = r"( \u\.?| \u\. ?\u\.)?"
_BOUNDARY: Final = r"[a-z0-9]"

_IN_CODE: Final = (
    "first_name",
    "last_name",
    "full_name",
    "given_name",
    "family_name",
    "display_name",
    "customer_name",
    "patient_name",
    "account_holder",
)
_FIELDS: Final = Context(
    words=words_of(
        "name names name_is name's first_name last_name full_name given_name family_name "
        "middle_name surname forename maiden_name legal_name birth_name real_name nickname display "
        "display_name firstname lastname fullname givenname familyname first_name last_name "
        "patient patients "
        "patient_name customer client contact contact_person contact_name cardholder card_holder "
        "account_holder holder account_name account_owner owner beneficiary payee payer insured "
        "policyholder policy_holder applicant attn attention recipient consignee addressee sender "
        "shipper next_of_kin emergency_contact guardian parent mother father spouse wife husband "
        "son daughter brother sister employee student pupil teacher tenant landlord buyer seller "
        "borrower lender debtor guarantor witness plaintiff defendant claimant respondent author "
        "physician doctor nurse driver passenger guest visitor attendee participant member "
        "subscriber user username user_name assignee reporter manager supervisor director "
        "signatory signed signed_by prepared_by reviewed_by approved_by issued_to registered_to "
        "belongs_to made_out_to payable_to billed_to bill_to ship_to deliver_to delivered_to "
        "mail_to sold_to c/o care_of on_behalf_of spoke_with spoke_to speaking_with talked_to "
        "met_with signature from: to: cc: bcc: reply-to: who person candidate referee "
        "referred_by referring_physician attending consultant resident lessee lessor trustee heir "
        "customer_name client_name employee_name student_name holder_name nombre nom apellido "
        "my_name_is named called alias aka"
    )
    + _IN_CODE,
    gap=8,
)
_AFTER_TITLE: Final = Context(
    words=words_of(
        "mr mrs ms miss mx dr prof professor sir dame lord lady rev reverend father sister fr "
        "capt captain lt lieutenant sgt sergeant col colonel major gen officer detective "
        "constable inspector judge justice nurse madam mister herr frau señor señora senor senora "
        "sr sra srta monsieur madame mme mlle sheikh imam rabbi pastor uncle aunt auntie "
        "attorney senator councillor coach"
    ),
    gap=3,
    filler=frozenset(" .\n"),
)
_AFTER_GREETING: Final = Context(
    words=words_of(
        "dear hi hello hey regards sincerely faithfully truly wishes cheers thanks thank_you love "
        "respectfully cordially yours best good_morning good_afternoon good_evening i_am i'm "
        "im this_is call_me it's meet ask_for speak_to speak_with talk_to"
    ),
    gap=8,
)
_NO_PERSON: Final = re.compile(
    r"(?:file|host|domain|product|company|brand|function|class|table|column|field|package|model|"
    r"server|service|app|project|event|game|song|book|team|group|bucket|variable|city|place|"
    r"street|branch|code|method|tool|business|trade|organi[sz]ation|school|hospital|bank|"
    r"common|scientific|device|module|type|tag|key|display)[ _-]?names?\W*$"
)
_ASSIGNED: Final = re.compile(
    r"(?:[:=|\t\n]|\bis|\bnamed|\bcalled|_by|\bby|\bwith|\bto|\bof)[\s\"'*_\\]*$"
)
_NOT_AFTER_TITLE: Final = frozenset(
    words_of(
        "pepper strange dre seuss robot bean darcy watson who spock evil house no x god potter"
    )
)
_NO_GIVEN: Final = frozenset(
    words_of("saint mount lake fort port cape new san santa los las el la")
)


def _is_pair(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    if len(words) < 2 or is_public(value):
        return False
    first, last = words[0], words[-1]
    if first not in GIVEN and first not in AMBIGUOUS:
        return False
    if is_famous(last) and not is_ordinary(first) and last not in SURNAMES:
        return False
    middle = words[1:-1]
    if any(is_ordinary(word) and word not in GIVEN for word in middle):
        return False
    if first in GIVEN:
        return may_be_surname(last)
    return is_surname(last) and last not in AMBIGUOUS


def _ends_a_pair(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    if len(words) < 2 or is_public(value):
        return False
    first, last = words[0], words[-1]
    if any(is_ordinary(word) for word in words[1:-1]):
        return False
    if last in ROMANISED and last not in SURNAMES:
        return len(first) > 4 and is_pinyin(first) and not is_ordinary(first)
    plain = len(first) > 2 and not is_ordinary(first) and first not in _NO_GIVEN
    return plain and is_surname(last) and not is_famous(last) and last not in AMBIGUOUS


def _is_reversed(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    return len(words) > 1 and is_surname(words[0]) and words[1] in GIVEN and words[0] not in GIVEN


def _has_initials(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    return bool(words) and is_surname(words[-1]) and not is_public(value)


def _is_romanised(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = value.split()
    if is_public(value) or not 2 <= len(words) <= 3:
        return False
    if words[0] not in ROMANISED:
        return False
    surname, given = words[0], " ".join(words[1:])
    if any(is_ordinary(word) or word in SURNAMES for word in words[1:]):
        return False
    short = len(given) < 5
    return is_pinyin(given) and not (short and (is_ordinary(surname) or surname in AMBIGUOUS))


def _is_name(value: str, before: str) -> bool:
    return _is_pair(value, before) or _ends_a_pair(value, before) or _is_romanised(value, before)


def _is_announced(value: str, before: str) -> bool:
    words = name_words(value)
    if not words or any(is_ordinary(word) for word in words[:1]) or _NO_PERSON.search(before):
        return False
    if any(is_ordinary(word) and not may_be_surname(word) for word in words):
        return False
    if is_public(value) and len(words) > 1:
        return False
    return _ASSIGNED.search(before) is not None or any(is_known(word) for word in words)


def _is_lower(value: str, before: str) -> bool:
    words = name_words(value)
    good = words and words[0] in GIVEN and not any(is_ordinary(word) for word in words)
    if not good or is_public(value):
        return False
    return _ASSIGNED.search(before) is not None and not _NO_PERSON.search(before)


def _has_title(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    if not words or words[0] in _NOT_AFTER_TITLE or is_famous(words[-1]) or is_public(value):
        return False
    return all(may_be_surname(word) for word in words)


def _is_greeted(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    words = name_words(value)
    if not words or is_public(value) or is_famous(words[-1]):
        return False
    known = words[0] in GIVEN or is_surname(words[-1]) or words[0] in AMBIGUOUS - {"will", "may"}
    return known and all(may_be_surname(word) or word in AMBIGUOUS for word in words)


_PAIR: Final = Detector(
    label="NAME",
    name="name-pair",
    # Words are looked up in the check: in the pattern, each would be learnt letter by letter.
    pattern=rf"{_WORD}{_INITIALS}({_GAP}{_SURNAME}){{1,2}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    check=_is_name,
)
_REVERSED: Final = Detector(
    label="NAME",
    name="name-reversed",
    pattern=rf"{_WORD}, ?{_WORD}( \u\.?)?",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    check=_is_reversed,
)
_INITIALLED: Final = Detector(
    label="NAME",
    name="name-initials",
    pattern=rf"\u\. ?(\u\. ?){{0,2}}{_WORD}",
    not_after=r"[a-z0-9.]",
    not_before=_BOUNDARY,
    check=_has_initials,
)
_ANNOUNCED: Final = Detector(
    label="NAME",
    name="name-announced",
    pattern=rf"({_WORD}|\u\.)(,? ({_SURNAME}|\u\.?)){{0,3}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(_FIELDS,),
    check=_is_announced,
)
_IN_SMALL_LETTERS: Final = Detector(
    label="NAME",
    name="name-in-field",
    pattern=r"[a-z]{2,15}( [a-z]{2,15}){0,2}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(_FIELDS,),
    check=_is_lower,
)
_TITLED: Final = Detector(
    label="NAME",
    name="name-after-title",
    pattern=rf"({_WORD}|\u\.)( ({_SURNAME}|\u\.?)){{0,2}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(_AFTER_TITLE,),
    check=_has_title,
)
_GREETED: Final = Detector(
    label="NAME",
    name="name-greeted",
    pattern=rf"{_WORD}( ({_SURNAME}|\u\.?)){{0,2}}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(_AFTER_GREETING,),
    check=_is_greeted,
)

NAMES: Final = (
    _PAIR,
    _REVERSED,
    _INITIALLED,
    _ANNOUNCED,
    _IN_SMALL_LETTERS,
    _TITLED,
    _GREETED,
)
