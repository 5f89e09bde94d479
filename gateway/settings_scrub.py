"""The section ``scrub``: which form values found in answers get, for everybody and by model.

No setting lets a value pass, and a type that no detector knows is a fault.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.core.pii.labels import LABELS
from gateway.core.scrub_rules import ScrubRules, Treatment


def _known(label: str) -> str:
    if label not in LABELS:
        raise ValueError(f"a type is one of {', '.join(sorted(LABELS))}")
    return label


Label = Annotated[str, AfterValidator(_known)]


class ScrubForms(BaseModel):
    """The form of each of the *types*, and by *default* that of all others.

    ``placeholder`` is the type in brackets, ``mask`` shows the first and last characters,
    ``pseudonym`` is the same token for the same value, ``block`` ends the answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Treatment | None = None
    types: Mapping[Label, Treatment] = Field(default_factory=dict)

    def rules(self) -> ScrubRules:
        """Return what is set here as rules."""
        return ScrubRules(self.default, self.types)


class Scrub(ScrubForms):
    """What holds for everybody; *models* for the answers of one model, before what holds for all.

    What is set for a client comes before both, but a type that is blocked anywhere is blocked.
    """

    models: Mapping[str, ScrubForms] = Field(default_factory=dict)


def verify_models_known(scrub: Scrub, models: Collection[str]) -> None:
    """Raise ``ValueError`` when *scrub* names a model that is not among *models*."""
    if not scrub.models.keys() <= set(models):
        raise ValueError("scrub.models names a model that the section models does not have")
