"""All detectors, each a declaration in a file of its own; of two equal finds the first counts."""

from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors.addresses import ADDRESSES
from gateway.core.pii.detectors.announced_numbers import ANNOUNCED_NUMBERS
from gateway.core.pii.detectors.bank_card import BANK_CARD
from gateway.core.pii.detectors.cn_account import CN_ACCOUNTS
from gateway.core.pii.detectors.cn_address import CN_ADDRESSES
from gateway.core.pii.detectors.cn_birth import CN_BIRTHS
from gateway.core.pii.detectors.cn_driver_licence import CN_DRIVER_LICENCE
from gateway.core.pii.detectors.cn_gov_id import CN_GOV_IDS
from gateway.core.pii.detectors.cn_hidden import CN_HIDDEN
from gateway.core.pii.detectors.cn_id import CN_IDS
from gateway.core.pii.detectors.cn_medical import CN_MEDICAL_NUMBERS
from gateway.core.pii.detectors.cn_name import CN_NAMES
from gateway.core.pii.detectors.cn_name_pinyin import CN_PINYIN_NAMES
from gateway.core.pii.detectors.cn_name_prose import CN_NAMES_IN_PROSE
from gateway.core.pii.detectors.cn_name_transcribed import CN_TRANSCRIBED_NAMES
from gateway.core.pii.detectors.cn_passport import CN_PASSPORTS
from gateway.core.pii.detectors.cn_phone import CN_PHONES
from gateway.core.pii.detectors.cn_phone_local import CN_LOCAL_PHONES
from gateway.core.pii.detectors.cn_plate import CN_PLATES
from gateway.core.pii.detectors.cn_secret import CN_SECRETS
from gateway.core.pii.detectors.cn_social import CN_SOCIAL
from gateway.core.pii.detectors.cn_uscc import CN_USCCS
from gateway.core.pii.detectors.disguised_numbers import DISGUISED_NUMBERS
from gateway.core.pii.detectors.email import EMAIL
from gateway.core.pii.detectors.email_disguised import DISGUISED_EMAILS
from gateway.core.pii.detectors.email_spelt import SPELT_EMAILS
from gateway.core.pii.detectors.iban import IBAN
from gateway.core.pii.detectors.joined_numbers import JOINED_NUMBERS
from gateway.core.pii.detectors.labelled_numbers import LABELLED_NUMBERS
from gateway.core.pii.detectors.names import NAMES
from gateway.core.pii.detectors.personal_details import DETAILS
from gateway.core.pii.detectors.phone import PHONES
from gateway.core.pii.detectors.secrets import SECRETS
from gateway.core.pii.detectors.secrets_said import SAID_SECRETS
from gateway.core.pii.detectors.spelt_numbers import SPELT_NUMBERS
from gateway.core.pii.detectors.ssn import SSNS
from gateway.core.pii.detectors.table_columns import COLUMNS

DETECTORS: Final[tuple[Detector, ...]] = (
    *SECRETS,
    *SAID_SECRETS,
    *CN_SECRETS,
    EMAIL,
    *SPELT_EMAILS,
    *DISGUISED_EMAILS,
    *CN_PHONES,
    *CN_IDS,
    BANK_CARD,
    *ANNOUNCED_NUMBERS,
    *DISGUISED_NUMBERS,
    *SPELT_NUMBERS,
    *JOINED_NUMBERS,
    *LABELLED_NUMBERS,
    *PHONES,
    *SSNS,
    IBAN,
    *CN_ACCOUNTS,
    *CN_BIRTHS,
    CN_DRIVER_LICENCE,
    *CN_GOV_IDS,
    *CN_HIDDEN,
    *CN_MEDICAL_NUMBERS,
    *CN_PASSPORTS,
    *CN_PLATES,
    *CN_SOCIAL,
    *CN_USCCS,
    *CN_NAMES,
    *CN_NAMES_IN_PROSE,
    *CN_TRANSCRIBED_NAMES,
    *CN_PINYIN_NAMES,
    *CN_ADDRESSES,
    *CN_LOCAL_PHONES,
    *ADDRESSES,
    *DETAILS,
    *COLUMNS,
    *NAMES,
)
