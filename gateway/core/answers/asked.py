"""What whoever rebuilds an answer knows of its request."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.core.grants import Parameter
from gateway.core.tally import Tally
from gateway.core.text_scrubbers import TextScrubbers


@dataclass(frozen=True, slots=True)
class Asked:
    """The side of a request that its answer meets.

    *scrubbers* makes the scrubbers of the answer's texts. *tally* gets to know what the answer
    costs, and says whether the client gets to see it. *stops* are strings of the caller's own at
    which the answer may end, *parameters* what it asked for beside what every client may.
    """

    scrubbers: TextScrubbers = field(default_factory=TextScrubbers)
    tally: Tally = field(default_factory=Tally)
    stops: frozenset[str] = field(default=frozenset(), repr=False)
    parameters: frozenset[Parameter] = frozenset()
