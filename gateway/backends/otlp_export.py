"""Sends access records to an OpenTelemetry collector: OTLP over HTTP, in JSON.

What it does not take for good is lost and counted, what it asks for again it gets again. The file
of header fields, which may prove who sends, is read for each request: a new one counts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from gateway.backends.export_thread import Postponed
from gateway.backends.http_post import POST_SECONDS, HttpAnswer, HttpPost
from gateway.core.access_log import AccessRecord
from gateway.core.otlp import (
    LOGS_PATH,
    RETRYABLE,
    count_rejected,
    encode_fields,
    encode_logs,
    find_wait_seconds,
)
from gateway.core.ports import Clock
from gateway.core.secret import Secret

_JSON: Final = b"Content-Type: application/json\r\n"
_MAX_FILE_BYTES: Final = 16_384  # with the fields of our own a head that servers read
_SUCCESS: Final = range(200, 300)


class OtlpPlace(NamedTuple):
    """Where the collector is: *url* is what ``/v1/logs`` follows.

    *ca_file* has the only authorities that vouch for it over TLS. *fields_file* has header fields
    of each request, one a line.
    """

    url: str
    ca_file: Path | None = None
    fields_file: Path | None = None


class InvalidFieldsFile(OSError):
    """The file of header fields cannot be read, is too long, or has a line that is no field."""


class Post(Protocol):
    """The way to the collector, as ``HttpPost`` is one."""

    def post(self, body: bytes, *, fields: bytes) -> HttpAnswer:
        """Post *body* with header *fields*. Raises ``OSError``."""

    def close(self) -> None:
        """End the connection."""


class OtlpSender:
    """A ``RecordSender`` through *post*, with the header fields that are in *fields_file*.

    Raises ``InvalidFieldsFile``.
    """

    batch_records: Final = 1024  # some 200 KB; servers take 4 MiB, and most much more

    def __init__(self, post: Post, clock: Clock, *, fields_file: Path | None = None) -> None:
        self._post = post
        self._clock = clock
        self._fields_file = fields_file
        self._read_fields()  # so that a fault is told before the start

    @classmethod
    def to(cls, place: OtlpPlace, clock: Clock, *, seconds: float = POST_SECONDS) -> OtlpSender:
        """Return a sender to *place*, each post within *seconds*.

        Raises ``OSError`` when the authorities cannot be read, ``InvalidFieldsFile``.
        """
        post = HttpPost(place.url.rstrip("/") + LOGS_PATH, ca_file=place.ca_file, seconds=seconds)
        return cls(post, clock, fields_file=place.fields_file)

    def send(self, records: Sequence[AccessRecord]) -> int:
        """Post *records*; return how many were not taken for good.

        Raises ``OSError`` without an answer, ``Postponed`` for one that asks for them again.
        """
        fields = self._read_fields()
        answer = self._post.post(encode_logs(records), fields=_JSON + fields.reveal())
        if answer.status in RETRYABLE:
            raise Postponed(find_wait_seconds(answer.retry_after, now=self._clock()))
        if answer.status not in _SUCCESS or answer.body is None:
            return len(records)
        return min(count_rejected(answer.body), len(records))

    def close(self) -> None:
        """End the connection."""
        self._post.close()

    def _read_fields(self) -> Secret[bytes]:
        if self._fields_file is None:
            return Secret(b"")
        try:
            with self._fields_file.open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
            fields = encode_fields(data.decode("ascii"))
        except (OSError, ValueError):
            raise InvalidFieldsFile from None
        if len(data) > _MAX_FILE_BYTES:
            raise InvalidFieldsFile
        return Secret(fields)
