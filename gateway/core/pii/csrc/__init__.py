"""The C sources of the compiled walk, and their digest: a library of other sources is not used.

Standard library only, since the build reads this file before anything is installed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent


def sources() -> list[Path]:
    """Return the files to compile; none where only the library was installed."""
    return sorted(FOLDER.glob("*.c"))


def digest() -> str:
    """Return the SHA-256 (FIPS 180-4) of all sources and headers, in hexadecimal digits."""
    files = sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.h")])
    hashed = hashlib.sha256()
    for file in files:
        text = file.read_bytes()
        hashed.update(f"{file.name} {len(text)}\n".encode() + text)
    return hashed.hexdigest()
