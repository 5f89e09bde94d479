"""The machine of all detectors is made before the first test, which would else seem slow."""

from __future__ import annotations

import pytest

from gateway.core.pii.shipped import shipped_machine


@pytest.fixture(autouse=True, scope="session")
def _shipped_machine() -> None:
    shipped_machine()
