"""Numbers of passports, accounts, licences and records that are written digit by digit.

Each digit is a digit or its English word, with a sign or two between; only behind a word for what
the number is.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.numerals import ENGLISH

# Cheaper than ``\\N``, which also knows numerals of Chinese and letters that look like digits.
_DIGIT: Final = r"(\d|<said>)"
_GAP: Final = r"[ .,/_|\-]{1,2}"


def _context(words: str) -> Context:
    return Context(words=words_of(words), gap=24, filler=None)


def _detector(label: str, lengths: tuple[int, int], after: Context) -> Detector:
    low, high = lengths
    return Detector(
        label=label,
        name=f"{label.lower().replace('_', '-')}-spelt",
        pattern=rf"([a-z]{_GAP}){{0,2}}{_DIGIT}({_GAP}{_DIGIT}){{{low - 1},{high - 1}}}",
        lists={"said": tuple(ENGLISH)},
        not_after=r"[a-z0-9]",
        not_before=r"[a-z0-9]|[.,/\-]\d",
        after=(after,),
    )


def _grouped(label: str, after: Context) -> Detector:
    return Detector(
        label=label,
        name=f"{label.lower().replace('_', '-')}-in-groups",
        pattern=r"([a-z]{1,2}[ \-])?\d{2,4}([ ./\-]\d{2,4}){2,4}",
        not_after=r"[a-z0-9]",
        not_before=r"[a-z0-9]|[.,/\-]\d",
        check=lambda value, before: 7 <= sum(map(str.isdigit, value)) <= 14,  # noqa: ARG005
        after=(after,),
    )


_PASSPORT: Final = _context("passport passports passport_no passport_number travel_document")
_ACCOUNT: Final = _context("account acct account_no account_number routing sort_code iban")
_RECORD: Final = _context("mrn medical_record patient_id record_number hospital_number nhs chart")
_LICENCE: Final = _context("licence license dl driver's_license driving_licence")

SPELT_NUMBERS: Final = (
    _detector("PASSPORT", (6, 9), _PASSPORT),
    _detector("BANK_ACCOUNT", (6, 17), _ACCOUNT),
    _detector("MRN", (5, 10), _RECORD),
    _detector("DRIVER_LICENSE", (6, 14), _LICENCE),
    _grouped("PASSPORT", _PASSPORT),
    _grouped("BANK_ACCOUNT", _ACCOUNT),
)
