"""The section ``[overload]``: what callers may take from all others who prove to be nobody.

Read by ``settings``; none of it can be switched off, only made wide.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.core.effort import EffortRules


class Overload(BaseModel):
    """Bounds of each process.

    For callers who prove to be nobody an address, or /64 of IPv6, may cause *address_milliseconds*
    of opening and verifying in each second, all addresses from which nobody was proven lately
    *stranger_milliseconds* together. Beyond that they are refused before the work; what a good
    request costs counts for nobody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address_milliseconds: Annotated[float, Field(ge=1, le=1000)] = 100.0
    stranger_milliseconds: Annotated[float, Field(ge=1, le=1000)] = 250.0

    @property
    def effort(self) -> EffortRules:
        """The rules for work that is done for strangers."""
        return EffortRules(self.address_milliseconds / 1000, self.stranger_milliseconds / 1000)
