"""Rules of the control room: what was configured, and the safe default of what was not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.configured_rules import policies, room_rules, sections_of_start
from gateway.control.room import RoomRules
from gateway.control.secrets import HashCost
from gateway.control.two_person import TwoPersonAct
from gateway.core.grants import DataClass
from gateway.core.keyring import KeyAlgorithm, KeyUse
from gateway.core.scrub_rules import ScrubRules, Treatment
from gateway.settings import Settings, load_configuration

CHOSEN = """
[tokens]
issuer = "https://gateway.example"
audience = "other"
algorithm = "ES256"
lifetime_seconds = 600
prepublish_seconds = 90
dpop_nonce_required = false
[encryption]
overlap_seconds = 700
rotate_after_hours = 12
[limits]
lockout_failures = 3
lockout_window_seconds = 120
[admin]
two_person = ["assign-role"]
proposal_minutes = 5
[models.draft]
production = false
clearance = "core"
location = "elsewhere"
[scrub]
default = "mask"
[scrub.models.draft]
types = { PHONE = "block" }
[data_classes.public]
locations = ["local", "elsewhere"]
"""


def rules(directory: Path, text: str) -> RoomRules:
    """Return the rules of a configuration."""
    file = directory / "sealgate.toml"
    file.write_text(text, "utf-8")
    return room_rules(load_configuration(file))


def test_defaults_are_those_of_the_control_room(tmp_path: Path) -> None:
    """Without a word of configuration the rules are those that the use cases have by themselves."""
    found = rules(tmp_path, "")
    default = RoomRules(found.tokens)
    assert (found.keys.publish_after, found.lockout) == (
        default.keys.publish_after,
        default.lockout,
    )
    assert found.keys.overlap[KeyUse.SIGNING] == default.keys.overlap[KeyUse.SIGNING]
    assert found.tokens.dpop_nonce_required
    assert found.two_person.acts == frozenset()
    assert found.secret_cost == HashCost()


def test_everything_can_be_chosen(tmp_path: Path) -> None:
    """Each setting reaches the rule that it is about."""
    found = rules(tmp_path, CHOSEN)
    tokens, keys = found.tokens, found.keys
    assert (tokens.issuer, tokens.audience) == ("https://gateway.example", "other")
    assert (tokens.lifetime, tokens.dpop_nonce_required) == (timedelta(minutes=10), False)
    assert keys.algorithms(KeyUse.SIGNING) == (KeyAlgorithm.P256,)
    assert keys.overlap[KeyUse.SIGNING] == timedelta(seconds=660)
    assert keys.overlap[KeyUse.ENCRYPTION] == timedelta(seconds=700)
    assert keys.publish_after[KeyUse.SIGNING] == timedelta(seconds=90)
    assert keys.rotate_after[KeyUse.ENCRYPTION] == timedelta(hours=12)
    assert (found.lockout.failures, found.lockout.window) == (3, timedelta(minutes=2))
    assert found.two_person.acts == {TwoPersonAct("assign-role")}
    draft = found.policies.models["draft"]
    assert (draft.production, draft.clearance) == (False, DataClass.CORE)
    assert draft.location == "elsewhere"
    assert draft.scrubbing == ScrubRules(None, {"PHONE": Treatment.BLOCK})
    assert found.policies.scrubbing == ScrubRules(Treatment.MASK)
    assert found.policies.locations[DataClass.PUBLIC] == {"local", "elsewhere"}
    assert found.policies.locations[DataClass.CORE] == {"local"}


def settings(text: str) -> Settings:
    """Return the settings of a configuration."""
    return load_configuration(Path("x"), content=text.encode()).settings


@pytest.mark.parametrize(
    "text",
    [
        "[models.other]\n",
        '[models.tiny]\nlocation = "far"\n',
        '[models.tiny]\nclearance = "core"\n',
        "[models.tiny]\nproduction = false\n",
        '[models.tiny]\n[data_classes.public]\nlocations = ["far"]\n',
        "[models.tiny]\n[requests]\nchoices = 3\n",
        '[models.tiny]\n[scrub]\ndefault = "mask"\n',
        '[models.tiny]\n[scrub.types]\nPHONE = "block"\n',
        '[models.tiny]\n[scrub.models.tiny.types]\nPHONE = "block"\n',
    ],
)
def test_what_needs_no_start_is_in_the_policies(text: str) -> None:
    """A change that a serving process may take is one that its snapshots show."""
    old, new = settings("[models.tiny]\n"), settings(text)
    assert sections_of_start(old, new) == []
    assert policies(new) != policies(old)


@pytest.mark.parametrize(
    "name", sorted({*Settings.model_fields} - {"models", "data_classes", "requests"})
)
def test_all_else_takes_a_start(name: str) -> None:
    """A change in any other section, were it added tomorrow, is not taken for a policy."""
    old = settings("[models.tiny]\n")
    scrub = old.scrub.model_copy(update={"ner_seconds": 1.0})
    new = old.model_copy(update={name: scrub if name == "scrub" else object()})
    assert sections_of_start(old, new) == [name]
