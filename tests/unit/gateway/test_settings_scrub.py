"""The section ``scrub``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment
from gateway.settings import SettingsError, load_configuration
from gateway.settings_scrub import ScrubSettings


def read(directory: Path, text: str) -> ScrubSettings:
    """Return the section of a configuration."""
    file = directory / "sealgate.toml"
    file.write_text(text, "utf-8")
    return load_configuration(file).settings.scrub


def test_nothing_set_says_nothing(tmp_path: Path) -> None:
    """Without the section every type has its placeholder."""
    assert read(tmp_path, "").rules() == SILENT


def test_forms_are_read_for_all_and_by_model(tmp_path: Path) -> None:
    """Types, a default and models with rules of their own are understood."""
    scrub = read(
        tmp_path,
        '[models."team/draft"]\n[scrub]\ndefault = "mask"\n[scrub.types]\nPHONE = "pseudonym"\n'
        '[scrub.models."team/draft"]\ntypes = { EMAIL = "block" }\n',
    )
    assert scrub.rules() == ScrubRules(Treatment.MASK, {"PHONE": Treatment.PSEUDONYM})
    assert scrub.models["team/draft"].rules() == ScrubRules(None, {"EMAIL": Treatment.BLOCK})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[scrub.types]\nPHNOE = "mask"\n', "a type is one of"),
        ('[scrub.types]\nPHONE = "off"\n', "scrub.types.PHONE"),
        ('[scrub]\ndefault = "pass"\n', "scrub.default"),
        ('[scrub.models.gone]\ndefault = "mask"\n', "scrub.models names a model"),
        ("[scrub]\nenabled = false\n", "scrub.enabled"),
        ('[scrub]\nner = "names"\n', "scrub.ner"),
        ('[scrub]\nner = "names.make()"\n', "scrub.ner"),
        ("[scrub]\nner_holdback_characters = 0\n", "scrub.ner_holdback_characters"),
        ("[scrub]\nner_seconds = 0\n", "scrub.ner_seconds"),
    ],
)
def test_what_is_misspelt_is_a_fault(tmp_path: Path, text: str, fault: str) -> None:
    """An unknown type, form, model or switch is no silent nothing."""
    with pytest.raises(SettingsError, match=fault):
        read(tmp_path, text)
