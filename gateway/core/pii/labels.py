"""The types of personal data that can be found: the closed list that rules and counters go by."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detectors import DETECTORS

LABELS: Final = frozenset(detector.label for detector in DETECTORS)
"""What detectors call what they find, such as ``PHONE``."""
