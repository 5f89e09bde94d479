"""E-mail addresses (RFC 5321 §4.1.2, the unquoted form that people use)."""

from typing import Final

from gateway.core.pii.detector import Detector

EMAIL: Final = Detector(
    label="EMAIL",
    # RFC 5321 §4.5.3.1.1 allows 64 octets before the sign.
    lead=r"[a-z0-9._%+\-]",
    lead_start=r"[a-z0-9_]",
    lead_limit=64,
    # Labels of at most 63 characters (RFC 1035 §2.3.4), then two letters of a top-level domain.
    pattern=r"@([a-z0-9\-]{1,63}\.){1,4}[a-z]{2}",
    tail=r"(\.|-{1,3})?[a-z0-9]",
    not_after=r"[a-z0-9_]",
)
