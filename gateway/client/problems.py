"""The two refusals after which a request is sealed again: an unknown key and a wrong date."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from gateway.client.outer import OuterAnswer
from gateway.core.bhttp_response import ResponseHead

KEY_PROBLEM: Final = "https://iana.org/assignments/http-problem-types#ohttp-key"
"""Problem type of RFC 9458 §5.3: fetch the keys again and seal afresh."""

DATE_PROBLEM: Final = "https://iana.org/assignments/http-problem-types#date"
"""Problem type of RFC 9458 §6.5.2: seal afresh with the time that the answer tells."""

# On the paths of the model API the gateway shows its errors in OpenAI's shape, with these codes.
_KEY_CODE: Final = "unknown_key"
_DATE_CODE: Final = "date_out_of_window"
_JSON: Final = frozenset({"application/problem+json", "application/json"})
_BAD_REQUEST: Final = 400
_UNPROCESSABLE: Final = 422


def is_key_problem(answer: OuterAnswer) -> bool:
    """Say whether an answer that is not sealed asks for another key."""
    head = answer.head
    if head.status != _UNPROCESSABLE or head.media_type not in _JSON or head.is_encoded:
        return False
    return _names(answer.body, problem=KEY_PROBLEM, code=_KEY_CODE)


def may_be_date_problem(head: ResponseHead) -> bool:
    """Say whether the content of the sealed answer with *head* has to be read to know."""
    media_type = _find(head, b"content-type").partition(b";")[0].strip().lower()
    return head.status == _BAD_REQUEST and media_type.decode("latin-1") in _JSON


def find_gateway_time(head: ResponseHead, content: bytes) -> datetime | None:
    """Return the time by which the gateway refused our date, None if it refused something else."""
    if not may_be_date_problem(head) or not _names(content, problem=DATE_PROBLEM, code=_DATE_CODE):
        return None
    try:
        found = parsedate_to_datetime(_find(head, b"date").decode("ascii"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _find(head: ResponseHead, name: bytes) -> bytes:
    return dict(head.headers).get(name, b"")


def _names(body: bytes, *, problem: str, code: str) -> bool:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    error: Any = document.get("error")
    return document.get("type") == problem or (
        isinstance(error, dict) and error.get("code") == code
    )
