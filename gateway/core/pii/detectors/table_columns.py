"""Values in the rows of a table, announced by the head of their column, however far up it stands.

Only a value that begins a cell counts, behind a sign that parts cells. What else stands in the
cells of the row is not told apart by place, so forms that anything could have are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.core.pii.detector import LONGEST_REACH, Context, Detector, words_of
from gateway.core.pii.detectors.name_checks import is_telling
from gateway.core.pii.detectors.name_forms import is_announced

# A word is a head between two of these, of which the table may lack the first or the last. Cells
# of HTML are read as lines.
_BEHIND: Final = ("|", " |", "\t", ",", ";", "  ", '",', "\n\n")
_BEFORE: Final = ("| ", "|", "\t", ",", ";", "  ", ',"', ', "')
_CELL: Final = re.compile(r"(?:[|\t\n;,]|  |['\"(])[ \"'`*(]*$")
# The same without the signs that part the arguments of a call.
_CELL_OF_TEXT: Final = re.compile(r"(?:[|\t\n;,]|  )[\"'`]?$|\| ?$")
_DATE_OR_AMOUNT: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}$|\d{1,3}\.\d\d$")
# The sign between cells may be missing at the start of what is seen.
_NAME_CELL: Final = re.compile(
    r"(?:^|[|\t\n;,\"'] ?)([a-z]{3,})(?: [a-z.'\-]+){1,4}(?:\n\n|\t|;|,|['\"], ?['\"]| ?\| ?)$"
)
_BOUNDARY: Final = r"[a-z0-9]"


def _heads(text: str) -> Context:
    words = words_of(text)
    words += tuple(word.replace(" ", "_") for word in words if " " in word)
    heads = [f"{word}{sign}" for word in words for sign in _BEHIND]
    heads += [f"{sign}{word}" for word in words for sign in _BEFORE]
    return Context(tuple(heads), gap=LONGEST_REACH, filler=None, stops=frozenset())


def _is_cell(value: str, before: str) -> bool:
    digits = sum(char.isdigit() for char in value)
    return digits > 2 and _CELL.search(before) is not None and not _DATE_OR_AMOUNT.match(value)


def _is_date(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return _CELL.search(before) is not None


def _follows_a_name(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    """Say whether the cell before holds the name of a person: then a date is that of birth."""
    cell = _NAME_CELL.search(before)
    return cell is not None and is_telling(cell[1])


def _is_mixed(value: str, before: str) -> bool:
    return any(char.isalpha() for char in value) and _is_cell(value, before)


def _is_password(value: str, before: str) -> bool:
    mixed = any(char.isalpha() for char in value) and any(char.isdigit() for char in value)
    return mixed and _CELL_OF_TEXT.search(before) is not None and "=" not in value[1:-1]


def _is_person(value: str, before: str) -> bool:
    return _CELL.search(before) is not None and is_announced(value, "name | ")


def _column(
    names: tuple[str, str],
    heads: str,
    pattern: str,
    *,
    check: Callable[[str, str], bool] = _is_cell,
) -> Detector:
    label, name = names
    return Detector(
        label=label,
        name=f"{name}-in-column",
        pattern=pattern,
        not_after=r"[a-z0-9.\-/]",
        not_before=r"[a-z0-9]|[\-/.][a-z0-9]| [a-z0-9]",
        after=(_heads(heads),),
        check=check,
    )


_MONTH: Final = r"[A-Z][a-z]{2,8}\.?"
_DATE: Final = (
    r"\d{1,2}[/.\-]\d{1,2}[/.\-](\d{4}|\d{2})|\d{4}[/.\-]\d{1,2}[/.\-]\d{1,2}|(19|20)\d{6}|"
    rf"\d{{1,2}}(st|nd|rd|th)?[ \-](of )?{_MONTH},?[ \-]\d{{2,4}}|"
    rf"{_MONTH} \d{{1,2}}(st|nd|rd|th)?,? \d{{4}}"
)
COLUMNS: Final = (
    _column(
        ("PASSPORT", "passport"),
        "passport passport_no passport_no. passport_number passport_# travel_document passportno",
        r"[A-Z]{1,3}[ \-]?\d{6,8}[A-Z]?|\d{9}|[A-Z][A-Z0-9]{7,8}|\d{2}[A-Z]{2}\d{5}",
    ),
    _column(
        ("BANK_ACCOUNT", "account"),
        "account accounts account_no account_no. account_number account_# acct acct_no acct_no. "
        "acct_# acct_number bank_account iban/account routing routing_no routing_number sort_code "
        "deposit_account payout_account",
        r"\d{3,8}([ \-]\d{2,7}){1,3}|\d{7,17}|\d{2}-\d{2}-\d{2}",
    ),
    _column(
        ("DRIVER_LICENSE", "licence"),
        "licence license licence_no license_no license_number licence_number driver_licence "
        "driver_license driver's_license drivers_license dl dl_no dl_number dl# license_#",
        r"[A-Z]{1,3}\d{6,13}|\d{7,12}|[A-Z]\d{3}(-\d{3,4}){2,4}|[A-Z]{2,7}\d{3,6}[A-Z0-9]{2,5}|"
        r"[A-Z]\d{4} \d{5} \d{5}|[A-Z]\d{2}-\d{2}-\d{4}",
    ),
    _column(
        ("MRN", "record"),
        "mrn medical_record medical_record_no record_no record_number patient_id patient_no "
        "hospital_no hospital_number chart_no nhs nhs_no nhs_number medicare_no member_id "
        "health_card",
        r"[A-Z]{0,4}-?\d{5,10}|\d{3}[ \-]\d{3}[ \-]\d{4}|\d{2}-\d{2}-\d{2}",
    ),
    _column(
        ("DOB", "birth"),
        "dob d.o.b. birth birthdate birthday birth_date date_of_birth born b-day",
        _DATE,
        check=_is_date,
    ),
    _column(
        ("SSN", "ssn"),
        "ssn social_security social_security_no social_security_number tax_id tin itin",
        r"\d{3}[ \-]?\d{2}[ \-]?\d{4}|\d{2}-\d{7}",
    ),
    _column(
        ("PHONE", "phone"),
        "phone phones phone_no phone_number telephone tel tel. mobile mobile_no mobile_number cell "
        "cellphone cell_phone fax home_phone work_phone contact_no contact_number whatsapp",
        r"\+?\(?\d([ .()/\-]{0,2}\d){6,14}( ?(x|ext\.?) ?\d{1,6})?",
    ),
    _column(
        ("PLATE", "plate"),
        "plate plates plate_no plate_number licence_plate license_plate number_plate reg reg_no "
        "registration vrm vehicle_reg",
        r"[A-Z]{1,3}[ \-]?\d{1,4}[ \-]?[A-Z]{0,3}|\d{1,3}[ \-]?[A-Z]{2,4}[ \-]?\d{0,4}|"
        r"[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]{2}[ \-]\d{2}[ \-][A-Z]{1,2}[ \-]\d{4}|"
        r"\d[A-Z]{2} \d[A-Z]{2}",
        check=_is_mixed,
    ),
    _column(
        ("GOV_ID", "national-id"),
        "national_id id_number identity_card nino ni_number national_insurance nric aadhaar pan "
        "sin tfn curp cpf dni nie bsn pesel ppsn emirates_id gov_id",
        r"[A-Z]{0,5}[ \-]?\d([ \-./]?\d){4,12}([ \-]?[A-Z]{1,2})?|[A-Z]{4}\d{6}[A-Z]{6}[A-Z0-9]\d",
    ),
    _column(
        ("SECRET", "password"),
        "password passwd pwd passphrase temp_password initial_password",
        r"[a-z0-9!@#$%^&*_+=?.\-~/]{6,40}",
        check=_is_password,
    ),
    _column(
        ("NAME", "name"),
        "full_name first_name last_name surname given_name family_name patient_name customer_name "
        "employee employee_name guest guest_name passenger tenant student student_name "
        "contact_name "
        "cardholder account_holder volunteer donor next_of_kin emergency_contact",
        r"\u('\u)?[a-z]{1,17}(-\u?[a-z]{1,17}|'\u[a-z]{1,17})?"
        r"(,? (\u('\u)?[a-z]{1,17}(-\u?[a-z]{1,17})?|\u\.)){0,3}",
        check=_is_person,
    ),
    Detector(
        label="DOB",
        name="birth-beside-name",
        pattern=_DATE,
        not_after=r"[a-z0-9.()\-:/=]",
        not_before=r"[a-z0-9]|[\-/.:][a-z0-9]| [a-z0-9]",
        check=_follows_a_name,
    ),
)
