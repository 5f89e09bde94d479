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


EntryPoint = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")]


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


class ScrubSettings(ScrubForms):
    """What holds for everybody; *models* for the answers of one model, before what holds for all.

    What is set for a client comes before both, but a type that is blocked anywhere is blocked.

    *ner* names the function that makes a model for names, ``package.module:function``. The model
    gets a sentence, or *ner_holdback_characters* of one that is longer, and has *ner_seconds* for
    each piece of an answer, the wait for other answers included.
    """

    ner: EntryPoint | None = None
    ner_holdback_characters: Annotated[int, Field(ge=20, le=5000)] = 300
    ner_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    models: Mapping[str, ScrubForms] = Field(default_factory=dict)


def verify_models_known(scrub: ScrubSettings, models: Collection[str]) -> None:
    """Raise ``ValueError`` when *scrub* names a model that is not among *models*."""
    if not scrub.models.keys() <= set(models):
        raise ValueError("scrub.models names a model that the section models does not have")
