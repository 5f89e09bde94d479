"""The packed tables of all shipped detectors, made while the package is built.

To make them takes the better part of a second and memory that the process then keeps. Used is only
a file that was made from the very sources that are installed; else the tables are made anew. It is
part of the package like the code beside it, and as trustworthy. All processes share its memory.
"""

from __future__ import annotations

import hashlib
import mmap
import sys
import unicodedata
from pathlib import Path
from typing import Final

from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.packing import pack
from gateway.core.pii.tables import Tables

_PACKAGE: Final = Path(__file__).resolve().parent
FILE: Final = _PACKAGE / "_tables.bin"
_DIGEST_BYTES: Final = 32


def digest_of(package: Path) -> bytes:
    """Return the SHA-256 (FIPS 180-4) of all that the tables of the sources in *package* depend on.

    That is every source, and what is read out of this Python: the version of Unicode and the order
    of bytes.
    """
    hashed = hashlib.sha256(f"{unicodedata.unidata_version} {sys.byteorder}\n".encode())
    for file in sorted(package.rglob("*.py")):
        text = file.read_bytes()
        hashed.update(f"{file.relative_to(package).as_posix()} {len(text)}\n".encode() + text)
    return hashed.digest()


def write_tables(file: Path = FILE) -> None:
    """Make the tables and put them into *file*, all at once."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(digest_of(_PACKAGE) + pack(Tables(DETECTORS)))
    beside.replace(file)


def find_tables(file: Path = FILE) -> memoryview | None:
    """Return the tables in *file*, mapped for reading, or None if it is not of these sources."""
    try:
        with file.open("rb") as opened:
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # none was made, or it is empty
        return None
    if mapped[:_DIGEST_BYTES] != digest_of(_PACKAGE):
        mapped.close()
        return None
    return memoryview(mapped)[_DIGEST_BYTES:]
