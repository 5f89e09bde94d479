"""Secrets of one line in files, as an operator, an agent or Kubernetes puts them there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.core.errors import KeyServiceUnavailable
from gateway.core.secret import Secret

_MAX_BYTES: Final = 16_384  # a service-account token is a JWT of about 1 KiB


def read_secret(path: Path) -> Secret[str]:
    """Return the text of the file at *path* without the white space around it.

    Raises ``KeyServiceUnavailable`` when it cannot be read, is empty, too long or not one line of
    ASCII.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        text = data.decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise KeyServiceUnavailable("A file with a secret cannot be read.") from None
    if not text or len(data) > _MAX_BYTES or not text.isprintable():
        raise KeyServiceUnavailable("A file with a secret is empty or not one line.")
    return Secret(text)
