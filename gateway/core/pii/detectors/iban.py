"""International bank account numbers (ISO 13616), by country length and the mod 97 check."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector

# Length by country, from the SWIFT IBAN registry.
_LENGTHS: Final = {
    country: length
    for length, countries in (
        (15, "no"),
        (16, "be"),
        (18, "dk fi fk fo gl nl sd"),
        (19, "mk si"),
        (20, "at ba ee kz lt lu mn xk"),
        (21, "ch cr hr li lv"),
        (22, "bg bh de gb ge ie me rs va"),
        (23, "ae gi il iq om so tl"),
        (24, "ad cz es md pk ro sa se sk tn vg"),
        (25, "ly pt st"),
        (26, "is tr"),
        (27, "bi dj fr gr it mc sm"),
        (28, "al az by cy do gt hn hu lb ni pl sv"),
        (29, "br eg ps qa ua ye"),
        (30, "jo kw mu"),
        (31, "mt sc"),
        (33, "ru"),
        (32, "lc"),
    )
    for country in countries.split()
}


def _is_iban(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    account = value.replace(" ", "").replace("-", "")
    if _LENGTHS.get(account[:2]) != len(account):
        return False
    rearranged = account[4:] + account[:4]
    return int("".join([str(int(char, 36)) for char in rearranged])) % 97 == 1


IBAN: Final = Detector(
    label="IBAN",
    pattern=r"[a-z]{2}\d{2}([ \-]?[a-z0-9]){11,29}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    check=_is_iban,
)
