"""What wraps the keys is given back with what it needs."""

from __future__ import annotations

from pathlib import Path

from gateway.backends.key_service import KeyService
from gateway.backends.key_wrap import FileKeyWrap, create_key_file
from gateway.core.secret import Secret


async def test_closing_logs_out(tmp_path: Path) -> None:
    """Who logged in for the keys logs out at the end."""
    ended = []

    async def log_out() -> None:
        ended.append(1)

    file = tmp_path / "storage.key"
    create_key_file(file)
    await KeyService(FileKeyWrap.open(file), lambda: Secret("k")).close()
    await KeyService(FileKeyWrap.open(file), lambda: Secret("k"), log_out=log_out).close()
    assert ended == [1]
