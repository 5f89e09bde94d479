"""Numbers of people that count behind their keyword, however they are spelled and separated.

Forms follow the issuing authorities: driver licences by AAMVA and the DVLA, passports by ICAO
Doc 9303, NHS numbers by the NHS data dictionary, NRIC by the ICA of Singapore, Aadhaar by UIDAI,
national insurance numbers by HMRC, SIN by Service Canada, TFN and Medicare by the Australian
Taxation Office and Services Australia.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import (
    AFTER_PHONE,
    continues_a_number,
    digits_of,
    group_lengths,
    has_luhn,
)

# Between digits: signs, or a word for one.
_LOOSE: Final = r"(\s{0,5}| dot | dash )"
_BOUNDARY: Final = r"[a-z0-9]"


# The last digit: a letter that looks like one counts only where it touches the others.
_LAST: Final = (
    rf"({_LOOSE}([0-9零〇一二三四五六七八九两幺壹贰叁肆伍陆柒捌玖]|"
    r"zero|oh|one|two|three|four|five|six|seven|eight|nine)|[oil])"
)


def _digits(low: int, high: int) -> str:
    return rf"\N({_LOOSE}\N){{{low - 2},{high - 2}}}{_LAST}"


def _context(words: str, *, gap: int = 30) -> Context:
    return Context(words=words_of(words), gap=gap, filler=None)


_CARD: Final = _context(
    "card cards card_no card_number visa mastercard amex american_express discover maestro debit "
    "credit pan pay_by cc ccn 卡号 银行卡 信用卡 卡號"
)
_SSN: Final = _context(
    "social social_on_file ssn ssns social_security social_sec soc_sec soc tin itin taxpayer"
)
_IBAN: Final = _context("iban ibans", gap=16)
_PASSPORT: Final = _context(
    "reisepass pasaporte passeport passaporto travel_doc pass._no pass_no ppt_no passport "
    "passports passport_no passport_number travel_document",
    gap=40,
)
_LICENCE: Final = _context(
    "driver_lic driver's_lic drivers_lic dr_lic lic_no cdl licence license licences licenses "
    "driver's_license driving_licence drivers_license dl dl_no "
    "dln driver_id driving_permit",
    gap=40,
)
_ACCOUNT: Final = _context(
    "rtn account accounts acct acc a/c account_no account_number acct_no routing aba sort_code bsb "
    "transit swift iban direct_deposit checking savings sortcode ifsc clabe accountnumber "
    "account_num routing_number",
    gap=30,
)
_RECORD: Final = _context(
    "hosp medicaid medicaid_id mrn mrns medical_record patient_id patient_no patient_number "
    "record_number hospital_number "
    "chart chart_no health_record medicare nhs nhs_no nhs_number nhs_number_is hospital_no "
    "hosp._no hosp_no case_no unit_number encounter health_card medicaid chi_number "
    "member_id record_no hn admission_no",
    gap=24,
)
_NATIONAL: Final = _context(
    "nino national_insurance ni_number ni_no nric fin aadhaar aadhar uidai sin social_insurance "
    "tfn tax_file pan pan_card medicare national_id id_card id_number identity_card dni nie "
    "curp cpf "
    "bsn pesel codice_fiscale ppsn pps emirates_id hkid identity id_no personal_number "
    "personnummer mykad cedula ein tax_id",
    gap=30,
)
_FILE: Final = _context("record rec file file_no chart folder dossier", gap=14)
_PLATE: Final = _context(
    "valet parking parked suv sedan hatchback motorcycle motorbike lorry plate plates "
    "licence_plate license_plate number_plate registration reg reg_no vrm tag tags "
    "vehicle car van truck registered plate_number licence_plates",
    gap=24,
)
_NOT_AN_ACCOUNT: Final = re.compile(r"(?:order|invoice|ticket|tracking|case|po|ref)\b[^.]{0,12}$")
# Times, dates, and numbers behind another number.
_NO_PHONE: Final = re.compile(r"\d\d:\d\d|^(19|20)\d\d[-/.年]|^\d\.\d")
_COUNTED: Final = re.compile(r"^\d\.?\d? \d{1,2} ")
# Toll-free and shared-cost numbers of firms in North America, China and the United Kingdom.
FIRM: Final = re.compile(
    r"1?8(?:00|33|44|55|66|77|88)\d{5,7}$|400\d{7}$|0(?:300|800|808|845|870)\d{6,7}$|1[38]00\d{6}$"
)
_PHRASE: Final = re.compile(r"[a-z0-9]+")

_NHS_WEIGHTS: Final = (10, 9, 8, 7, 6, 5, 4, 3, 2)
_MULTIPLY: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTE: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def has_mod_11(digits: str) -> bool:
    """Say whether the last of ten *digits* is the check digit of an NHS number."""
    total = sum(int(d) * w for d, w in zip(digits[:9], _NHS_WEIGHTS, strict=True))
    return (11 - total % 11) % 11 == int(digits[9])


def has_verhoeff(digits: str) -> bool:
    """Say whether the last of *digits* is their Verhoeff check digit, as in Aadhaar numbers."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_MULTIPLY[check][int(_PERMUTE[place % 8][int(digit)])])
    return check == 0


def _is_card(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    digits = digits_of(value)
    return 13 <= len(digits) <= 19 and has_luhn(digits) and len(set(digits)) > 2


def _is_ssn(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    digits = digits_of(value)
    return len(digits) == 9 and digits[:3] not in {"000", "666"} and digits[3:5] != "00"


def _is_phone(value: str, before: str) -> bool:
    digits = digits_of(value)
    shortest = 10 if value.isdigit() else 8
    if not shortest <= len(digits) <= 15 or FIRM.match(digits):
        return False
    if _NO_PHONE.search(value) and max(group_lengths(value)) > 1:
        return False
    if len(digits) < len("4155550132") and _COUNTED.search(value):
        return False
    if not _is_evenly_listed(value):
        return False
    return not _NOT_AN_ACCOUNT.search(before) and not continues_a_number(before)


def _is_evenly_listed(value: str) -> bool:
    """Say whether commas part single digits or groups of some length, not numbers of any size."""
    groups = [len(digits_of(group)) for group in value.split(",")]
    return len(groups) == 1 or max(groups) - min(groups) < 2


def _is_iban(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    account = "".join(_PHRASE.findall(value))
    if not 15 <= len(account) <= 34 or not account[:2].isalpha():
        return False
    rearranged = account[4:] + account[:4]
    return int("".join([str(int(char, 36)) for char in rearranged])) % 97 == 1


def _is_coded(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return sum(char.isdigit() for char in value) >= 4


def _is_file(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(value) > 6 or value.startswith("0")


def _is_licence(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return sum(char.isdigit() for char in value) >= 3 and any(char.isdigit() for char in value[-6:])


def _is_personal(value: str, before: str) -> bool:
    if continues_a_number(before) or FIRM.match(digits_of(value)):
        return False
    return _is_coded(value, before)


def _is_account(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return not _NOT_AN_ACCOUNT.search(before)


def _is_nhs(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return has_mod_11(digits_of(value))


def _is_aadhaar(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return has_verhoeff(digits_of(value))


def _is_nric(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    weights = (2, 7, 6, 5, 4, 3, 2)
    total = sum(int(d) * w for d, w in zip(value[1:8], weights, strict=True))
    first = value[0]
    if first == "m":
        return True
    total += 4 if first in "tg" else 0
    letters = "jzihgfedcba" if first in "st" else "xwutrqpnmlk"
    return letters[total % 11] == value[8]


def _is_plate(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value) and len(value) > 4


def _detector(
    label: str, name: str, pattern: str, *, not_before: str = _BOUNDARY, **more: object
) -> Detector:
    return Detector(
        label=label,
        name=name,
        pattern=pattern,
        not_after=_BOUNDARY,
        not_before=not_before,
        **more,  # type: ignore[arg-type]
    )


_CODE: Final = (
    r"([a-z]{1,4}[ \-]?)?\d([ \-./]?\d){5,12}([ \-]?[a-z]{1,2})?|[a-z]{5}\d{4}[a-z]|"
    r"[a-z]{6}\d{2}[a-z]\d{2}[a-z]\d{3}[a-z]|[a-z]{4}\d{6}[a-z]{6}[a-z0-9]\d"
)

ANNOUNCED_NUMBERS: Final = (
    _detector("BANK_CARD", "card-announced", _digits(8, 19), after=(_CARD,), check=_is_card),
    _detector("SSN", "ssn-announced", _digits(5, 9), after=(_SSN,), check=_is_ssn),
    _detector(
        "IBAN",
        "iban-announced",
        r"[a-z]\s{0,4}[a-z](\s{0,4}[a-z0-9]){13,32}",
        after=(_IBAN,),
        check=_is_iban,
    ),
    _detector(
        "PASSPORT",
        "passport",
        r"[a-z]{0,3}\d{6,9}[a-z]?|\d{2}[a-z]{2}\d{5}|[a-z][a-z0-9]{8}|[a-z]{1,2} \d{6,7}",
        after=(_PASSPORT,),
        check=_is_coded,
    ),
    _detector(
        "DRIVER_LICENSE",
        "driver-licence",
        r"([a-z]{1,3}[ \-]?)?\d{3,4}([ \-]?\d{1,4}){1,5}[a-z0-9]{0,2}|"
        r"[a-z9]{5}\d{6}[a-z9]{2}[a-z0-9]{3}( \d{2})?|\d{2} \d{3} \d{3}|"
        r"[A-Z]{3,7}\d{3}[A-Z0-9]{2,5}|"
        r"[a-z]{1,7}\*{0,3}[a-z0-9]{4,12}|[a-z]\d{2}-\d{2}-\d{4}",
        after=(_LICENCE,),
        check=_is_licence,
    ),
    _detector(
        "BANK_ACCOUNT",
        "account-announced",
        r"\d{2}-\d{4}-\d{7}-\d{2,3}|\d{2}-\d{2}-\d{2}|\d{3}-\d{3}|"
        r"\d{3,8}([ \-]?\d{2,7}){1,4}|\d{6,17}|[A-Z]{4}0[A-Z0-9]{6}",
        after=(_ACCOUNT,),
        check=_is_account,
    ),
    _detector(
        "MRN",
        "record-announced",
        r"([a-z]{1,4}[ \-]?)?\d{5,10}[a-z]?|\d{4}-\d{3}-\d{3}(-[a-z]{2})?|"
        r"\d{3}[ \-]\d{3}[ \-]\d{4}|\d{2,3}-\d{2,3}-\d{2,4}|"
        r"[a-z]{1,3}\d{2}-\d{4,8}|\d{4} \d{5} \d",
        after=(_RECORD,),
        check=_is_personal,
    ),
    _detector("MRN", "record-in-file", r"\d{6,10}", after=(_FILE,), check=_is_file),
    _detector(
        # The beneficiary identifier of the CMS, which has letters at fixed places.
        "MRN",
        "medicare-number",
        r"[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}",
    ),
    _detector(
        "MRN",
        "nhs-number",
        r"\d{3} \d{3} \d{4}",
        after=(_context("nhs patient hospital"),),
        check=_is_nhs,
    ),
    _detector(
        "GOV_ID",
        "aadhaar",
        r"[2-9]\d{3}[ \-]?\d{4}[ \-]?\d{4}",
        check=_is_aadhaar,
        after=(_NATIONAL,),
    ),
    _detector("GOV_ID", "aadhaar-grouped", r"[2-9]\d{3} \d{4} \d{4}", check=_is_aadhaar),
    _detector("GOV_ID", "nric", r"[STFGM]\d{7}[A-Z]", check=_is_nric),
    _detector("GOV_ID", "nino", r"[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    _detector(
        "GOV_ID",
        "national-id",
        _CODE,
        not_before=r"[a-z0-9]|[\-.]\d",
        after=(_NATIONAL,),
        check=_is_personal,
    ),
    _detector(
        "PLATE",
        "plate-announced",
        r"[A-Z]{1,3}[ \-·]?[0-9]{1,4}([ \-]?[A-Z]{1,3})?|"
        r"\d{1,4}[ \-]?[A-Z]{2,4}[ \-]?\d{0,4}|[A-Z]{2}\d{2} ?[A-Z]{3}|"
        r"[A-Z]{2}[ \-]?\d{2}[ \-]?[A-Z]{1,2}[ \-]?\d{4}|[A-Z]{1,3}-[A-Z]{1,2} ?\d{1,4}|"
        r"\d[A-Z]{2,3}[ \-]?\d[A-Z]{2,3}|[A-Z0-9]( [A-Z0-9]){5,7}",
        after=(_PLATE,),
        check=_is_plate,
    ),
    _detector(
        "PHONE", "phone-announced", rf"\+?{_digits(5, 15)}", after=(AFTER_PHONE,), check=_is_phone
    ),
)
