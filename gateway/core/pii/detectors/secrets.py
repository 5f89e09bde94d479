"""Keys and tokens of services, private keys, and passwords where one is announced.

The prefixes are those that the providers document for secret scanning. What is certain is replaced
at once; the rest of a long value is dropped as it comes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import composed

_BODY: Final = r"[a-z0-9_\-]"
# Prefix, and how many characters behind it are proof enough.
_KEYS: Final = (
    r"sk-(ant-|proj-|or-|svcacct-|lf-|admin-)?[a-z0-9]{2}[a-z0-9_\-]{10}",
    r"(sk|rk|pk|whsec|sess)_(live_|test_)?[a-z0-9]{14}",
    r"(A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{12}",
    r"AIza[a-z0-9_\-]{20}",
    r"ya29\.[a-z0-9_\-]{14}",
    r"GOCSPX-[a-z0-9_\-]{14}",
    r"gh[pousr]_[a-z0-9]{16}",
    r"github_pat_[a-z0-9_]{14}",
    r"gl(pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[a-z0-9_\-]{12}",
    r"xox[abcdeoprs]-[a-z0-9\-]{10}",
    r"xapp-\d-[a-z0-9\-]{10}",
    r"SG\.[a-z0-9_\-]{14}",
    r"(AC|SK)[0-9a-f]{30}",
    r"key-[0-9a-f]{24}",
    r"hf_[a-z0-9]{16}",
    (
        r"(npm|dop_v1|doo_v1|dor_v1|pnu|rubygems|lin_api|shpat|shpss|shpca|sq0atp|sq0csp|r8|gsk|pplx|"
        r"xai|nvapi|fw|tfp|lsv2_pt|lsv2_sk|secret|ntn|dckr_pat|CFPAT|figd|phc|sntrys|glc|glsa|"
        r"dapi|hvs|"
        r"hvb|ATATT|ATCTT|EAACEdEose0cBA|patn|pscale_tkn|fo1|FlyV1|oy2|key|AGE-SECRET-KEY)"
        r"[_\-.][a-z0-9]{4}[a-z0-9_\-]{12}"
    ),
    r"pypi-[a-z0-9_\-]{16}",
    r"LTAI[a-z0-9]{10}",
    r"AKID[a-z0-9]{12}",
    r"bce-v3/[a-z0-9]{4}[a-z0-9_\-/]{10}",
    r"AKLT[a-z0-9]{14}",
    r"\d{8,10}:[A-Z]{2}[a-z0-9_\-]{28}",
    r"[MNO][a-z0-9_\-]{23}\.[a-z0-9_\-]{6}\.[a-z0-9_\-]{8}",
    r"eyJ[a-z0-9_\-]{8,400}\.[a-z0-9_\-]{8}",
    r"EAA[a-z][a-z0-9]{20}",
    r"pat[a-z0-9]{14}\.[0-9a-f]{16}",
    r"https://hooks\.slack\.com/(services|workflows)/[a-z0-9]{6}",
    r"https://(ptb\.|canary\.)?discord(app)?\.com/api/webhooks/\d{12}",
)
PLACEHOLDER: Final = re.compile(
    r"x{5}|\*{3}|\.{3}|0{8}|1234567890?abc|abcdefgh|your|example|placeholder|replace|changeme|"
    r"change_me|dummy|insert|redacted|<|\$\{|\{\{|todo|secret_here|my[_-]"
)
# Passwords that everybody knows, and that every text about passwords names.
WELL_KNOWN: Final = re.compile(
    r"(\d)\1{3,}|0?1234(5(6(7(89?0?)?)?)?)?#?|(admin|abc|root|test|pass|password|qwerty)@?\d{0,4}"
)
# Fields of secrets in programs, composed: whose, and what. Read in either case: ``apiToken`` too.
_FIELDS: Final = composed(
    "api auth access refresh session signing jwt encryption master service storage shared "
    "preshared "
    "pre-shared "
    "deploy license subscription hmac app client bot webhook consumer account private "
    "secret security device integration oauth personal_access id signature aes totp otp sas csrf",
    "key token secret",
)
_PASSWORD_FIELDS: Final = composed(
    "login root admin keystore truststore db database mail smtp email wifi wi-fi network "
    "user account sudo vault temp temporary initial default app application new old current "
    "server ftp "
    "ssh redis mysql postgres master vpn router portal",
    "password passwd pwd pass pw passphrase",
)
_CODES: Final = composed(
    "access door alarm unlock backup recovery gate entry lockbox keypad safe wifi wpa2 wpa network",
    "code codes key combination pin",
    (" ", "_"),
)
# Fields that hold a secret.
AFTER_SECRET: Final = Context(
    words=(
        *words_of(
            "password passwd passphrase passcode pwd pass_phrase pw secret secret_key secretkey "
            "client_secret clientsecret api_key apikey api-key api_secret apisecret access_key "
            "accesskey access_token auth_token authtoken secret_access_key token private_key "
            "accountkey sharedaccesskey account_key signing_key encryption_key session_key "
            "credential credentials pin_code password_is passphrase_is passcode_is pwd_is "
            "token_is key_is secret_is bearer basic x-api-key authorization "
            "password_was temporary_password temp_password "
            "密码 密碼 口令 密钥 令牌 登录密码 密码是 密码为"
        ),
        *_FIELDS,
        *words_of("sid sessionid jsessionid phpsessid psk totp_seed session_cookie cookie"),
        *words_of("session= sid= sig= key= cookie:_session cookie:_sid"),
        "api_key", "secret_key", "access_key", "client_secret", "access_token", "auth_token",
        "api_secret", "private_key", "secret_access_key", "refresh_token", "id_token",
        "db_password", "db_pass", "session_token", "signing_key", "_password", "_secret",
        "_token", "_key", "_pwd",
    ),
    gap=8,
)  # fmt: skip
# Fields that hold a password.
AFTER_PASSWORD: Final = Context(
    words=_PASSWORD_FIELDS
    + _CODES
    + words_of(
        "pgpassword mysql_pwd identified_by set_password "
        "wifi_code wifi_code_is wi-fi_code wifi_key network_key app_password password passwd "
        "passphrase passcode pwd pw pass login_password wifi_password password_is "
        "passphrase_is passcode_is pwd_is pin password_to wi-fi_password "
        "密码 密碼 口令 登录密码 密码是"
    ),
    gap=8,
)
_COMMANDS: Final = re.compile(
    r"\b(sshpass|redis-cli|mysql(dump|admin)?|mongo(sh|dump|restore)?|psql|ldapsearch|smbclient|"
    r"sqlcmd|docker login|helm registry login|ftp|lftp|xfreerdp|htpasswd|mosquitto_(pub|sub))\b"
)
# An expression of code that gets the value from elsewhere.
LOOKED_UP: Final = re.compile(
    r"(?:os|process|env|config|cfg|self|settings|request|req|args|params|opts|options|secrets|vault|"
    r"system|sys|ctx|context|data|user|form|payload|body|json|kwargs|keyring|getpass)[.\[(]|"
    r"(?:get|fetch|read|load|hash|check|encrypt|input|generate|reset|random|verify|make|decrypt)"
    r"[_(a-z]*[(]?$|https?:|/[a-z]+/|\d{1,4}[-/]\d{1,2}[-/]\d{1,4}|[a-z]+[-_][a-z_-]+$|"
    r"[\w.+-]+@[\w-]+\."
)
# What stands between a word for a secret and its value.
ASSIGNED: Final = re.compile(r"(?:[:=：＝是为]|\bis|\bwas|\bto|->|=>)[\s\"'`*“‘「]*$")
_AUTHORIZED: Final = re.compile(r"authorization\W{1,6}[a-z]{2,12}[ :=]+$")
_HEX_OR_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-.*|[a-z]+|[a-z]+[_\-.][a-z_\-.]+|\d{1,5}|"
    r"(?:true|false|null|none|undefined|required|string)\W*"
)


def with_digit(length: int) -> str:
    """Return the pattern of the beginning of a key: *length* signs, more if no digit is in them."""
    early = [
        rf"[a-z_\-./+]{{{place}}}\d[a-z0-9_\-./+]{{{length - place - 1}}}"
        for place in range(1, length - 1)
    ]
    return "|".join(
        [
            rf"\d[a-z0-9_\-./+]{{{length - 1}}}",
            *early,
            rf"[a-z_\-./+]{{{length - 1},{length + 20}}}\d",
        ]
    )


def _is_key(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return PLACEHOLDER.search(value) is None and len(set(value)) > 6


def entropy(value: str) -> float:
    """Return the Shannon entropy of the characters of *value*, in bits a character."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())


def _is_opaque(value: str, before: str) -> bool:
    if PLACEHOLDER.search(value) or _HEX_OR_ID.fullmatch(value):
        return False
    announced = ASSIGNED.search(before) is not None or before.rstrip().endswith(("bearer", "basic"))
    announced = announced or _AUTHORIZED.search(before) is not None
    return announced and entropy(value) > 2.8


def _is_password(value: str, before: str) -> bool:
    plain = value.rstrip(".,;:)]}\"'`")
    if PLACEHOLDER.search(value) or len(plain) < 4 or WELL_KNOWN.fullmatch(plain):
        return False
    if LOOKED_UP.match(plain):
        return False
    kinds = sum(re.search(p, plain) is not None for p in (r"[a-z]", r"\d", r"[^a-z0-9]"))
    return ASSIGNED.search(before) is not None and (
        kinds > 1 or (plain.isdigit() and len(plain) < 9)
    )


def _has_password(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return PLACEHOLDER.search(value) is None and ":password@" not in value


def _is_argument(value: str, before: str) -> bool:
    if PLACEHOLDER.search(value) or WELL_KNOWN.fullmatch(value) or value.isdigit():
        return False
    return _COMMANDS.search(before) is not None and re.search(r"[\d!@#$%^&*]", value) is not None


def _is_login(value: str, before: str) -> bool:
    known = PLACEHOLDER.search(value) or value.endswith((":password", ":pass"))
    return not known and ("curl" in before or "http" in before)


_KEY: Final = Detector(
    label="SECRET",
    name="secret-prefix",
    pattern="|".join(_KEYS),
    tail=r"[a-z0-9_\-./+=]",
    not_after=r"[a-z0-9]",
    check=_is_key,
)
_PEM: Final = Detector(
    label="SECRET",
    name="secret-pem",
    pattern=r"-----BEGIN ([A-Z0-9]{2,12} ){0,3}PRIVATE KEY( BLOCK)?-----",
    tail=(
        r"[ \n\r]{0,3}[a-z0-9+/=]{24,76}|[ \n\r]{0,3}[a-z\-]{3,20}: [a-z0-9,\-]{1,60}|"
        r"[ \n\r]{0,3}([a-z0-9+/=]{1,76}[ \n\r]{0,3})?"
        r"-----END ([A-Z0-9]{2,12} ){0,3}PRIVATE KEY( BLOCK)?-----"
    ),
)
_OPAQUE: Final = Detector(
    label="SECRET",
    name="secret-announced",
    pattern=with_digit(12),
    tail=r"[a-z0-9_\-./+=~]",
    not_after=r"[a-z0-9_\-./+]",
    after=(AFTER_SECRET,),
    check=_is_opaque,
)
_PASSWORD: Final = Detector(
    label="SECRET",
    name="secret-password",
    pattern=r"[a-z0-9!@#$%^&*_+=?.\-~/]{4,40}",
    not_after=r"[a-z0-9!@#$%^&*_+?.\-~/]",
    # What a bracket follows is the call of a function.
    not_before=r"[a-z0-9!@#$%^&*_+=?\-~/(]",
    after=(AFTER_PASSWORD,),
    check=_is_password,
)
_BASIC: Final = Detector(
    label="SECRET",
    name="secret-basic-credentials",
    pattern=r"[a-z0-9._@\-]{1,40}:[a-z0-9!@#$%^&*_+=?.\-~/]{4,40}",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9!@#$%^&*_+=?\-~/:(]",
    after=(Context(words=words_of("-u --user --proxy-user"), gap=3),),
    check=_is_login,
)
_COMMAND_LINE: Final = Detector(
    label="SECRET",
    name="secret-on-command-line",
    pattern=r"[a-z0-9!@#$%^&*_+=?.~/]{4,40}",
    not_after=r"[a-z0-9!@#$%^&*_+=?.\-~/]",
    not_before=r"[a-z0-9!@#$%^&*_+=?\-~/:(]",
    after=(Context(words=words_of("-p -a --pass --password --pwd -w"), gap=2),),
    check=_is_argument,
)
_CONNECTION: Final = Detector(
    label="SECRET",
    name="secret-connection",
    pattern=r"[a-z][a-z0-9+]{1,18}://[a-z0-9._%\-]{0,40}:[a-z0-9!#$%^&*()_+=?.\-~]{3,60}@"
    r"[a-z0-9._\-]{1,60}(:\d{1,5})?(/[a-z0-9_\-]{1,40})?",
    not_after=r"[a-z0-9]",
    not_before=r"[a-z0-9]",
    check=_has_password,
)

SECRETS: Final = (_KEY, _PEM, _CONNECTION, _OPAQUE, _PASSWORD, _BASIC, _COMMAND_LINE)
