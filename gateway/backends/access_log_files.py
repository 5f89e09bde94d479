"""The access log: one file a day (UTC), one JSON object a line, holding time, status and address.

No other member exists. Files have mode 0600 in a directory of mode 0700; a symbolic link in place
of either is refused, so nobody can make the gateway write elsewhere.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from ipaddress import IPv6Address, ip_address
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from gateway.core.access_log import AccessRecord
from gateway.core.errors import NotFound, StoreUnavailable

_FILE_NAME: Final = re.compile(r"access-(\d{4}-\d{2}-\d{2})\.log", re.ASCII)
_NO_LINK: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS: Final = 0o077


class AccessLogFiles:
    """An ``AccessLog`` and an ``AccessLogArchive`` in one directory, which is made when missing.

    Raises ``StoreUnavailable`` when the directory is a link, belongs to another user or is open to
    others. Safe for several processes: each record is one appending write.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: tuple[date, int] | None = None
        with _file_errors():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _verify_directory(directory.lstat())

    def write(self, record: AccessRecord) -> None:
        """Append *record* to the file of its day. Raises ``StoreUnavailable``."""
        line = encode_record(record)
        with _file_errors():
            # One write of one line on an O_APPEND file: lines of two processes never mix.
            if os.write(self._descriptor(record.at.astimezone(UTC).date()), line) != len(line):
                raise StoreUnavailable("The access log is full.")

    def days(self) -> Sequence[date]:
        """Return the days that have a file, oldest first. Raises ``StoreUnavailable``."""
        with _file_errors():
            return sorted(self._files())

    def read(self, day: date, *, skip: int, limit: int) -> Sequence[AccessRecord]:
        """Return up to *limit* records of *day* after the first *skip*.

        Raises ``NotFound`` without a file of that day, ``StoreUnavailable`` for one that is a link
        or damaged.
        """
        with _file_errors():
            return self._read(day, skip, limit)

    def purge(self, *, before: date) -> Sequence[date]:
        """Delete the files of all days before *before*; return those days.

        Goes by the day in the name, never by what the file system says of a file's age.
        """
        with _file_errors():
            purged = sorted(day for day in self._files() if day < before)
            for day in purged:
                self._path(day).unlink(missing_ok=True)
        if self._open is not None and self._open[0] < before:
            self.close()
        return purged

    def close(self) -> None:
        """Close the file of the day, if one is open. The next write opens one again."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _read(self, day: date, skip: int, limit: int) -> list[AccessRecord]:
        try:
            descriptor = os.open(self._path(day), os.O_RDONLY | os.O_NONBLOCK | _NO_LINK)
        except FileNotFoundError:
            raise NotFound("There is no access log of that day.") from None
        with os.fdopen(descriptor, "rb") as file:
            # A line without its end is still being written by another process.
            whole = (line for line in file if line.endswith(b"\n"))
            return [parse_record(line) for line in islice(whole, skip, skip + limit)]

    def _files(self) -> Iterator[date]:
        for entry in self._directory.iterdir():
            match = _FILE_NAME.fullmatch(entry.name)
            if match:
                yield date.fromisoformat(match[1])

    def _path(self, day: date) -> Path:
        return self._directory / f"access-{day.isoformat()}.log"

    def _descriptor(self, day: date) -> int:
        """Return the open file of *day*: midnight closes one file and opens the next."""
        if self._open is not None and self._open[0] == day:
            return self._open[1]
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | _NO_LINK
        descriptor = os.open(self._path(day), flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise StoreUnavailable("The access log is not a plain file.")
        self._open = (day, descriptor)
        return descriptor


def encode_record(record: AccessRecord) -> bytes:
    """Return the line of *record*: exactly ``time`` (RFC 3339, ms, Z), ``status`` and ``ip``.

    An IPv4-mapped address is written as the IPv4 address that it carries.
    """
    ip = record.ip
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        shown = str(ip.ipv4_mapped)
    else:
        shown = str(ip)
    time = record.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return orjson.dumps({"time": time, "status": record.status, "ip": shown}) + b"\n"


def parse_record(line: bytes) -> AccessRecord:
    """Return the record of a line. Raises ``StoreUnavailable`` when it is not one of ours."""
    try:
        members = orjson.loads(line)
        if set(members) != {"time", "status", "ip"} or type(members["status"]) is not int:
            raise StoreUnavailable("A line of the access log is damaged.")
        at = datetime.fromisoformat(members["time"])
        return AccessRecord(at, members["status"], ip_address(members["ip"]))
    except (ValueError, TypeError):
        raise StoreUnavailable("A line of the access log is damaged.") from None


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise StoreUnavailable("The access log cannot be used.") from None


def _verify_directory(status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise StoreUnavailable("The directory of the access log is not a directory.")
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
        raise StoreUnavailable("The directory of the access log must be ours, with mode 0700.")
