"""Postal addresses in Latin letters: house number and street, post office boxes, what follows them.

Street words and abbreviations follow USPS Publication 28 appendix C and Royal Mail usage; postcodes
are those of the United States, Canada, the United Kingdom, Ireland, Australia and of Europe.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.name_checks import is_ordinary

_SUFFIXES: Final = words_of(
    "Street St Avenue Ave Av Road Rd Boulevard Blvd Lane Ln Drive Dr Court Ct Way Place Pl Terrace "
    "Terr Ter Close Crescent Cres Cr Circle Cir Square Sq Parkway Pkwy Pky Highway Hwy Trail Trl "
    "Tr Row Walk Gardens Gdns Garden Grove Gr Grv Mews Hill Rise Green Alley Aly Loop Plaza Plz "
    "Quay Vale View Park Pike Path Pass Turnpike Tpke Expressway Expy Freeway Fwy Commons Common "
    "Cove Cv Crossing Xing Bend Bnd Run Ridge Rdg Point Pt Hollow Holw Heights Hts Landing Lndg "
    "Manor Mnr Meadow Meadows Mdws Orchard Parade Pde Esplanade Esp Wharf Yard Bank Wynd Brae "
    "Gate Croft Drove End Field Fields Fold Lea Mount Side Passage Chase Down Downs Dale Glen "
    "Glade Knoll Spur Trace Track Villas Viaduct Mall Marg Nagar Salai Chowk Colony Enclave Layout "
    "Main Cross Lorong Jalan Strasse Straße Str. Weg Allee Platz Gasse Ring Damm Ufer Laan Straat "
    "Plein Gracht Kade Broadway Bypass Cottages Buildings Ways Isle Key Mill Springs Spring Summit "
    "Village Vista Overlook Causeway Connector Ext Extension"
)
# Street words that stand before the name.
_PREFIXES: Final = words_of(
    "Avenue Ave Highway Route Broadway rue via calle Rua Jalan Lorong Avenida Av Boulevard Place "
    "Quai Piazza Corso Viale Impasse Allee"
)
_WIND: Final = "(N|S|E|W|NE|NW|SE|SW|North|South|East|West)"
_STATES: Final = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|"
    "NM|NY|NC|ND|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|"
    "AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT|NSW|VIC|QLD|ACT|TAS|"
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|"
    "Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|"
    "Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|"
    "New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|"
    "Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|"
    "West Virginia|Wisconsin|Wyoming|Ontario|Quebec|Alberta|Manitoba|Saskatchewan|Nova Scotia"
)
_UK_CODE: Final = r"[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}"
_CA_CODE: Final = r"[A-Z]\d[A-Z][ \-]?\d[A-Z]\d"
_ZIP: Final = r"\d{5}(-\d{4})?|\d{4}|\d{6}"
_CODE: Final = rf"({_UK_CODE}|{_CA_CODE}|[A-Z]\d{{2}} [A-Z0-9]{{4}}|{_ZIP})"
_NAME: Final = (
    r"(\u[a-z]{0,14}\.?('[a-z]{1,8})?(-[a-z]{1,12})?|\d{1,3}(st|nd|rd|th)|"
    r"of|the|la|de|del|der|di|du|des)"
)
_EU_CODE: Final = r"(([A-Z]-)?\d{4,5}|\d{4} ?[A-Z]{2}|\d{2}-\d{3})"
_SEP: Final = r"(, ?|,? ?\n ?| | - )"
_UNIT: Final = (
    r"((Apt|Apartment|Flat|Suite|Ste|Unit|Room|Rm|Floor|Fl|Bldg|Building|Block|Blk|Lot|Tower|House|"
    r"Level|Penthouse|PH|No)\.? ?#?[a-z0-9\-]{1,6}|#[ ]?[a-z0-9\-]{1,8}|\d{1,2}(st|nd|rd|th) floor)"
)
_CITY: Final = r"\u[a-z]{1,15}\.?([ \-](\u[a-z]{1,15}|on|upon|under|of|the|le|la|de|am|by|in)){0,3}"
_REGION: Final = rf"({_STATES})"
# City, region and code behind a street; each may be missing.
_REST: Final = (
    rf"({_SEP}{_UNIT}){{0,2}}"
    rf"({_SEP}{_CITY}({_SEP}{_CITY})?({_SEP}{_REGION})?({_SEP}{_CODE})?|{_SEP}{_CODE}( {_CITY})?)?"
)
_NUMBER: Final = r"\d{1,5}([a-z]|-\d{1,4}|/\d{1,4}|½)?"
_BOUNDARY: Final = r"[a-z0-9]"
_AFTER_ADDRESS: Final = Context(
    words=words_of(
        "address addresses address_is lives_at living_at live_at resides_at residing_at home "
        "located_at moved_to deliver_to delivered_to ship_to shipped_to mail_to mailed_to send_to "
        "shipping_address billing_address home_address mailing_address postal_address residence "
        "domicile street residing addr addr1 line1 address1 ship_it_to pick_up_from collect_from "
        "delivery_to house_number address_line"
    ),
    gap=10,
)
# Addresses that everybody knows.
_PUBLIC: Final = (
    "10 downing", "11 downing", "1600 pennsylvania", "1600 amphitheatre", "221b baker", "221 baker",
    "4 privet", "1 infinite", "1 microsoft", "350 fifth", "11 wall", "1 apple park", "1 hacker way",
    "742 evergreen",
)  # fmt: skip
_NOT_BEFORE_STREET: Final = frozenset(
    words_of("days hours minutes years weeks months people items percent million billion steps")
)


def _is_street(value: str, before: str) -> bool:
    words = value.replace(",", " ").split()
    if len(words) < 3 or words[1] in _NOT_BEFORE_STREET or words[1] == "the":
        return False
    if value.startswith(_PUBLIC):
        return False
    return not before.rstrip().endswith(("version", "chapter", "figure", "section", "$", "€", "£"))


def _has_code(value: str, before: str) -> bool:
    return (
        value[-1:].isalnum()
        and any(c.isdigit() for c in value.rsplit(maxsplit=1)[-1])
        and _is_street(value, before)
    )


def _is_european(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    first = value.split(maxsplit=1)[0]
    return first in _STREET_WORDS or not is_ordinary(first)


# Words with which a street begins in other languages.
_STREET_WORDS: Final = frozenset(
    words_of("am im zum zur via viale piazza corso calle rua avenida paseo plaza")
)
_PART: Final = (
    r"(\u[a-z]{0,15}\.?(\u\.)?('[a-z]{1,8})?(-[a-z]{1,12})?|"
    r"\d{1,4}[a-z]?|of|the|on|upon)"
)
_PARTS: Final = rf"{_PART}( {_PART}){{0,4}}"
_HOUSE: Final = Detector(
    # A house with a name, in villages and on farms: no number, but parts and a postcode.
    label="ADDRESS",
    name="address-named-house",
    pattern=rf"\u[a-z]{{1,15}}( {_PART}){{0,3}}(, ?\n?{_PARTS}|\n{_PARTS}){{1,5}},? ?\n?{_UK_CODE}",
    not_after=r"[a-z0-9.$#/\-]",
    not_before=_BOUNDARY,
)
_FLAT: Final = Detector(
    # A flat or plot, the house, the quarter, the city and an Indian postal index number.
    label="ADDRESS",
    name="address-flat",
    pattern=(
        r"((Flat|Plot|Door|House|Shop|Office|Unit|Apartment|H\.|D\.|Villa|Room|Survey)"
        r"( ?No\.?)?[ :#]{0,2}[A-Z]?-?|[A-Z]-)\d[a-z0-9/\-]{0,10}"
        r"(, [a-z0-9][a-z0-9 .'/\-]{1,30}){1,6}[ ,\-]{1,3}\d{3} ?\d{3}"
    ),
    not_after=r"[a-z0-9.$/\-]",
    not_before=_BOUNDARY,
)
_JAPANESE: Final = Detector(
    label="ADDRESS",
    name="address-japanese",
    pattern=(
        r"(\d{3}-\d{4},? )?\d{1,2}-\d{1,2}(-\d{1,4})?,? "
        r"\u[a-z]{2,14}(, \u[a-z]{2,14}){0,2},? "
        r"\u[a-z]{2,14}-(ku|shi|cho|gun)(,? \u[a-z]{2,14}){0,2}(,? \d{3}-\d{4})?"
    ),
    not_after=r"[a-z0-9.$#/\-]",
    not_before=_BOUNDARY,
)
_MILITARY: Final = Detector(
    # USPS Publication 28 §238: military addresses; and rural routes, §241 to §243.
    label="ADDRESS",
    name="address-military",
    pattern=(
        r"(PSC|CMR|Unit|USS|USNS|RR|HC|Rural Route)( \d{1,5}|( \u[a-z]{2,14}){1,2}),?"
        r"( Box \d{1,6})?( Apt\.? \d{1,4})?,? ?\n?"
        rf"((APO|FPO|DPO),? A[AEP],?|{_CITY},? {_REGION},?) \d{{5}}(-\d{{4}})?"
    ),
    not_after=r"[a-z0-9.$#/\-]",
    not_before=_BOUNDARY,
)
_STREET: Final = Detector(
    label="ADDRESS",
    name="address-street",
    pattern=(
        rf"(({_UNIT}|\u[a-z]{{2,12}} (House|Court|Lodge|Cottage|Mansions|Building|Tower)){_SEP})?"
        rf"({_NUMBER},? ({_NAME} ){{1,4}}<suffix>\.?( {_WIND})?{_REST}"
        rf"|{_NUMBER},? <prefix>\.?( {_NAME}){{1,4}}{_REST})"
    ),
    lists={"suffix": _SUFFIXES, "prefix": _PREFIXES},
    not_after=r"[a-z0-9.$#/\-]",
    not_before=_BOUNDARY,
    check=_is_street,
)
_WITH_CODE: Final = Detector(
    label="ADDRESS",
    name="address-with-code",
    pattern=(
        rf"({_UNIT}{_SEP})?{_NUMBER},? {_NAME}( {_NAME}){{0,3}}(, {_UNIT})?, ?\n?{_CITY}"
        rf"({_SEP}{_CITY})?(,? {_REGION})?,? ?\n?({_UK_CODE}|{_CA_CODE}|\d{{5}}(-\d{{4}})?|\d{{6}})"
    ),
    not_after=r"[a-z0-9.$#/\-]",
    not_before=_BOUNDARY,
    check=_has_code,
)
_BOX: Final = Detector(
    label="ADDRESS",
    name="address-box",
    pattern=rf"(p\.? ?o\.?|post office|gpo) ?box \d{{1,6}}{_REST}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
)
_EUROPEAN: Final = Detector(
    label="ADDRESS",
    name="address-european",
    pattern=(
        r"(\u[a-z]{2,16}[ \-]){0,2}(\u[a-z]{2,16}(strasse|straße|str\.|weg|allee|platz|gasse|"
        r"damm|ufer|ring|laan|straat|gracht|plein|kade|gatan|vagen|vej|gade|utca)|"
        rf"(Via|Viale|Piazza|Corso|Calle|Rua|Avenida|Paseo|Plaza|ul\.|ulica)( {_NAME}){{1,4}},?)"
        rf" \d{{1,4}}[a-z]?({_SEP}({_EU_CODE} )?{_CITY})?"
    ),
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    check=_is_european,
)
_ANNOUNCED: Final = Detector(
    label="ADDRESS",
    name="address-announced",
    pattern=rf"({_UNIT}{_SEP})?{_NUMBER},? {_NAME}( {_NAME}){{0,4}}{_REST}",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(_AFTER_ADDRESS,),
    check=lambda value, before: len(value.split()) > 1 and _is_street(f"{value} .", before),
)
_POSTCODE: Final = Detector(
    label="ADDRESS",
    name="address-postcode",
    pattern=rf"{_UK_CODE}|{_CA_CODE}|\d{{5}}(-\d{{4}})?",
    not_after=_BOUNDARY,
    not_before=_BOUNDARY,
    after=(
        Context(
            words=words_of("postcode post_code zip zip_code zipcode postal_code postcode_is zip_is")
        ),
    ),
)

_PLOT: Final = Detector(
    # Numbered parts of a town in place of a street, as in South Asia and West Africa.
    label="ADDRESS",
    name="address-plot",
    pattern=(
        r"(Plot|House|Flat|No\.|Shop|Unit|H\.?No\.?|Block|Door)( No\.?)? ?#?"
        r"\d{1,4}[A-Z]?(/\d{1,3})?, ?"
        r"(Block|Lane|Street|Road|Phase|Sector|Ward|Gali|Floor|Close|Estate)( No\.?)? [A-Z0-9]{1,4}"
        r"(, ?\u[a-z0-9 ./\-]{1,25}){1,4}"
    ),
    not_after=r"[a-z0-9.$/\-]",
    not_before=_BOUNDARY,
)
_CODED: Final = Detector(
    # A street, a number, and a town behind its postcode of five digits, as in much of Europe.
    label="ADDRESS",
    name="address-with-town",
    pattern=(
        r"\u[a-z]{1,20}([ \-](\u[a-z]{1,20}|am|an|der|de|la|del|van|do|da)){0,3},? "
        r"\d{1,4}[a-z]?(, [0-9]º [A-Z])?,? ?\n?"
        r"([A-Z]{1,2}-)?(\d{5}|\d{3} \d{2}|\d{2}-\d{3}|\d{4} [A-Z]{2}) \u[a-z]{2,20}"
    ),
    not_after=r"[a-z0-9.$#/\-]",
    not_before=_BOUNDARY,
    check=_is_european,
)

ADDRESSES: Final = (
    _PLOT,
    _CODED,
    _HOUSE,
    _FLAT,
    _JAPANESE,
    _MILITARY,
    _STREET,
    _WITH_CODE,
    _BOX,
    _EUROPEAN,
    _ANNOUNCED,
    _POSTCODE,
)
