"""All detectors, each a declaration in a file of its own; of two equal finds the first counts."""

from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.bank_card import BANK_CARD
from gateway.core.pii.detectors.cn_id import CN_IDS
from gateway.core.pii.detectors.cn_phone import CN_PHONES
from gateway.core.pii.detectors.email import EMAIL
from gateway.core.pii.detectors.email_spelt import SPELT_EMAILS
from gateway.core.pii.detectors.iban import IBAN
from gateway.core.pii.detectors.phone import PHONES
from gateway.core.pii.detectors.ssn import SSNS

DETECTORS: Final[tuple[Detector, ...]] = (
    EMAIL,
    *SPELT_EMAILS,
    *CN_PHONES,
    *CN_IDS,
    BANK_CARD,
    *PHONES,
    *SSNS,
    IBAN,
)
