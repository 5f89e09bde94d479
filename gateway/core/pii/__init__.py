"""Replace personal data in text whose chunk borders are arbitrary.

``StreamScrubber`` is the state machine for a stream and ``scrub`` the same machine over a whole
text; detectors are declared one by one in ``gateway/core/pii/detectors/``.
"""

from gateway.core.pii.stream import StreamScrubber, scrub

__all__ = ["StreamScrubber", "scrub"]
