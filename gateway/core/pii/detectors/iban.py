"""International bank account numbers (ISO 13616), by country length and the mod 97 check."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Detector

# Country by length, from the SWIFT IBAN registry.
_COUNTRIES: Final = {
    15: "no",
    16: "be",
    18: "dk|fi|fk|fo|gl|nl|sd",
    19: "mk|si",
    20: "at|ba|ee|kz|lt|lu|mn|xk",
    21: "ch|cr|hr|li|lv",
    22: "bg|bh|de|gb|ge|ie|me|rs|va",
    23: "ae|gi|il|iq|om|so|tl",
    24: "ad|cz|es|md|pk|ro|sa|se|sk|tn|vg",
    25: "ly|pt|st",
    26: "is|tr",
    27: "bi|dj|fr|gr|it|mc|sm",
    28: "al|az|by|cy|do|gt|hn|hu|lb|ni|pl|sv",
    29: "br|eg|ps|qa|ua|ye",
    30: "jo|kw|mu",
    31: "mt|sc",
    32: "lc",
    33: "ru",
}


def _is_iban(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    account = value.replace(" ", "").replace("-", "")
    rearranged = account[4:] + account[:4]
    return int("".join([str(int(char, 36)) for char in rearranged])) % 97 == 1


IBAN: Final = Detector(
    label="IBAN",
    # Each country with its own length: other rows of letters and digits end before they cost much.
    pattern="|".join(
        [
            rf"({countries})\d{{2}}([ \-]?[a-z0-9]){{{length - 4}}}"
            for length, countries in _COUNTRIES.items()
        ]
    ),
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    check=_is_iban,
)
