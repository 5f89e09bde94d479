"""What the configuration names wraps the keys, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.backends.key_service import KeyService
from gateway.backends.key_wrap import FileKeyWrap, create_key_file
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.pkcs11_key_wrap import Pkcs11KeyWrap
from gateway.configured_keys import open_key_service
from gateway.core.errors import StoreUnavailable
from gateway.settings import load_configuration
from tests.unit.gateway.test_settings_keys import MODULE

SCRIPT = """
import asyncio, pathlib, sys
import gateway.app
from gateway.backends.metrics import KeyServiceMeter
from gateway.configured_keys import open_key_service
from gateway.configured_memory import open_shared_memory
from gateway.configured_room import utc_now
from gateway.settings import load_configuration
configuration = load_configuration(pathlib.Path("sealgate.toml"))
open_key_service(configuration, KeyServiceMeter())
open_shared_memory(configuration, utc_now)
print(*{"alembic", "pkcs11", "httpx2", "redis", "rich"} & set(sys.modules))
"""


def opened(directory: Path, text: str, meter: KeyServiceMeter | None = None) -> KeyService:
    """Return the key service of a configuration of *text*."""
    file = directory / "sealgate.toml"
    file.write_text(text, "utf-8")
    return open_key_service(load_configuration(file), meter or KeyServiceMeter())


def put(directory: Path, name: str, text: str) -> None:
    """Write a file beside the configuration."""
    (directory / name).write_text(text)


async def test_key_file(tmp_path: Path) -> None:
    """By default the key file wraps, and nothing runs besides."""
    with pytest.raises(StoreUnavailable):
        opened(tmp_path, "")
    (tmp_path / "var").mkdir()
    create_key_file(tmp_path / "var/storage.key")
    registry = CollectorRegistry()
    text = '[upstream]\napi_key_file = "vllm.key"\n'
    service = opened(tmp_path, text, KeyServiceMeter(registry))
    assert registry.get_sample_value("sealgate_key_service_up") == 1
    assert isinstance(service.key_wrap, FileKeyWrap)
    assert service.upkeep == ()
    put(tmp_path, "vllm.key", "k-1\n")
    assert service.upstream_key().reveal() == "k-1"
    await service.close()


async def test_security_module(tmp_path: Path) -> None:
    """The module is not asked before it is needed."""
    service = opened(tmp_path, MODULE)
    assert isinstance(service.key_wrap, Pkcs11KeyWrap)
    await service.close()


def test_technologies_that_are_not_configured_are_not_loaded(tmp_path: Path) -> None:
    """A gateway with a key file keeps neither Vault's client nor a security module in memory."""
    (tmp_path / "var").mkdir()
    create_key_file(tmp_path / "var/storage.key")
    (tmp_path / "sealgate.toml").touch()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
