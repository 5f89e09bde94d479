"""``sealgate clients``."""

from __future__ import annotations

import pytest

from tests.fakes.commands import Commands


def test_created_client_has_what_it_was_given(commands: Commands) -> None:
    """Models, networks and the leave to send clear requests are those of the options."""
    made = commands.create_client(
        "--model", "tiny", "--model", "draft", "--network", "10.0.0.0/8", "--plaintext-allowed"
    )
    shown = commands.json("clients", "read", made["client_id"])
    assert shown["role"] == "application"
    assert shown["models"] == ["draft", "tiny"]
    assert shown["networks"] == ["10.0.0.0/8"]
    assert shown["plaintext_allowed"] is True


def test_client_without_options_may_do_nothing(commands: Commands) -> None:
    """What was not given is denied."""
    shown = commands.json("clients", "read", commands.create_client()["client_id"])
    assert (shown["models"], shown["networks"], shown["plaintext_allowed"]) == ([], [], False)


def test_secret_is_shown_only_by_create(commands: Commands) -> None:
    """The secret begins with its credential's identifier and is in no later output."""
    made = commands.create_client()
    assert made["client_secret"].startswith(made["credential_id"])
    later = commands.run("clients", "read", made["client_id"]) + commands.run("clients", "list")
    assert made["client_secret"].removeprefix(made["credential_id"]) not in later


def test_change_replaces_only_what_is_named(commands: Commands) -> None:
    """An option replaces its part; parts without an option stay."""
    name = commands.create_client("--model", "tiny", "--network", "10.0.0.0/8")["client_id"]
    changed = commands.json("clients", "change", name, "--plaintext-allowed")
    assert (changed["plaintext_allowed"], changed["networks"]) == (True, ["10.0.0.0/8"])
    changed = commands.json("clients", "change", name, "--model", "draft", "--network", "::1/128")
    assert (changed["models"], changed["networks"]) == (["draft"], ["::1/128"])
    assert changed["plaintext_allowed"] is True
    assert not commands.json("clients", "change", name, "--no-plaintext-allowed")[
        "plaintext_allowed"
    ]


def test_disabled_client_can_be_enabled(commands: Commands) -> None:
    """Disable also revokes the client's tokens; enable does not bring them back."""
    name = commands.create_client()["client_id"]
    assert commands.json("clients", "disable", name)["disabled"] is True
    assert commands.json("clients", "enable", name)["disabled"] is False
    assert [row["subject"] for row in commands.json("revoke", "list")] == [name]


def test_local_operator_names_staff(commands: Commands) -> None:
    """The command line makes a first owner, and gives a client another role."""
    owner = commands.create_client("--role", "owner")["client_id"]
    assert commands.json("clients", "read", owner)["role"] == "owner"
    name = commands.create_client()["client_id"]
    assigned = commands.json("clients", "assign-role", name, "auditor")
    assert (assigned["role"], assigned["client_id"]) == ("auditor", name)
    assert assigned["client_secret"].startswith(assigned["credential_id"])
    assert "client_secret" not in commands.json("clients", "assign-role", name, "developer")


def test_list_is_paged(commands: Commands) -> None:
    """A page begins after the identifier that is given and has at most so many clients."""
    names = sorted(commands.create_client()["client_id"] for _ in range(3))
    listed = commands.json("clients", "list", "--after", names[0], "--limit", "1")
    assert [row["client_id"] for row in listed] == names[1:2]


def test_table_holds_whole_identifiers(commands: Commands) -> None:
    """Without --json a table is printed, and no client is said as none."""
    assert commands.run("clients", "list") == "none\n"
    name = commands.create_client()["client_id"]
    assert "client_id" in commands.run("clients", "list")
    assert name[:6] in commands.run("clients", "list")


@pytest.mark.parametrize("command", ["read", "change", "disable", "enable"])
def test_unknown_client_is_refused(commands: Commands, command: str) -> None:
    """A client that does not exist is exit code 1 and one line."""
    assert commands.refusal("clients", command, "c-0").startswith("not_found: ")


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--network", "10.0.0.1/8"),
        ("create", "--network", "here"),
        ("create", "--role", "king"),
        ("assign-role", "c-0", "king"),
        ("list", "--limit", "0"),
        ("nothing",),
        ("read",),
    ],
)
def test_wrong_use_is_2(commands: Commands, words: tuple[str, ...]) -> None:
    """What cannot be understood is exit code 2, before the store is opened."""
    commands.run("clients", *words, code=2)


def test_promotion_prints_one_fresh_secret(commands: Commands) -> None:
    """With a staff role the client's secret is new and shown once; the old one is revoked."""
    made = commands.create_client()
    name = made["client_id"]
    changed = commands.json("clients", "assign-role", name, "operator")
    assert changed["client_secret"].startswith(changed["credential_id"])
    rows = commands.json("credentials", "list", name)
    good = [row["credential_id"] for row in rows if row["revoked_at"] is None]
    assert (len(rows), good) == (2, [changed["credential_id"]])
    assert "client_secret" not in commands.json("clients", "assign-role", name, "application")


def test_last_owner_is_refused(commands: Commands) -> None:
    """The only owner cannot be disabled or demoted here either."""
    name = commands.create_client("--role", "owner")["client_id"]
    assert commands.refusal("clients", "disable", name).startswith("conflict: ")
    assert commands.refusal("clients", "assign-role", name, "auditor").startswith("conflict: ")


def test_shaping_is_set_and_shown(commands: Commands) -> None:
    """An operator says how a client's streams leave; another form is wrong use."""
    name = commands.create_client("--shaping", "cells:40")["client_id"]
    assert commands.json("clients", "read", name)["shaping"] == "cells:40"
    assert commands.json("clients", "change", name, "--shaping", "none")["shaping"] == "none"
    commands.run("clients", "create", "--shaping", "cells:5000", code=2)


def test_rules_for_found_values_are_set_and_shown(commands: Commands) -> None:
    """An operator names a form by type; a new list replaces the old one, and none empties it."""
    name = commands.create_client("--scrub", "PHONE=mask", "--masks-requests")["client_id"]
    shown = commands.json("clients", "read", name)
    assert (shown["scrub"], shown["masks_requests"]) == ({"PHONE": "mask"}, True)
    options = ("--scrub", "default=pseudonym", "--scrub", "EMAIL=block", "--no-masks-requests")
    shown = commands.json("clients", "change", name, *options)
    assert shown["scrub"] == {"default": "pseudonym", "EMAIL": "block"}
    assert not shown["masks_requests"]
    assert commands.json("clients", "change", name, "--shaping", "none")["scrub"] == shown["scrub"]
    assert commands.json("clients", "change", name, "--scrub", "none")["scrub"] == {}
    for wrong in ("PHONE=off", "PHNOE=mask", "PHONE"):
        commands.run("clients", "change", name, "--scrub", wrong, code=2)


def test_limits_of_requests_are_set_and_shown(commands: Commands) -> None:
    """Those that are given replace all others, and none lifts them."""
    name = commands.create_client("--limit", "choices=1", "--limit", "tools=0")["client_id"]
    assert commands.json("clients", "read", name)["limits"] == {"choices": 1, "tools": 0}
    assert commands.json("clients", "change", name, "--limit", "images=2")["limits"] == {
        "images": 2
    }
    assert commands.json("clients", "change", name, "--limit", "none")["limits"] == {}


def test_parameters_are_set_and_shown(commands: Commands) -> None:
    """A new list replaces the old one, and none empties it."""
    name = commands.create_client("--parameters", "logprobs,echo")["client_id"]
    assert commands.json("clients", "read", name)["parameters"] == ["echo", "logprobs"]
    shown = commands.json("clients", "change", name, "--parameters", "none")
    assert shown["parameters"] == []
    commands.run("clients", "change", name, "--parameters", "canary", code=2)
    commands.run("clients", "change", name, "--parameters", "token_ids", code=1)


def test_grants_class_binding_and_quota_are_options(commands: Commands) -> None:
    """Each is set, shown in the form of its option, and changed alone; none lifts a limit."""
    name = commands.create_client(
        "--model", "tiny=completions", "--model", "draft", "--data-class", "public",
        "--token-binding", "either", "--requests-per-minute", "5", "--tokens-per-day", "9",
    )["client_id"]  # fmt: skip
    shown = commands.json("clients", "read", name)
    assert shown["models"] == ["draft", "tiny=completions"]
    assert (shown["data_class"], shown["token_binding"]) == ("public", "either")
    assert shown["quota"] == {"requests_per_minute": 5, "tokens_per_day": 9}
    assert (shown["withheld"], shown["version"]) == ([], 1)
    changed = commands.json("clients", "change", name, "--tokens-per-day", "none")
    assert changed["quota"] == {"requests_per_minute": 5}
    assert changed["models"] == shown["models"]
    assert "requests_per_minute=5" in commands.run("clients", "read", name).replace("\n", "")


@pytest.mark.parametrize(
    "option",
    [
        ("--model", "tiny=chat"),
        ("--model", "tiny="),
        ("--data-class", "secret"),
        ("--token-binding", "mtls"),
        ("--tokens-per-day", "0"),
        ("--tokens-per-day", "-5"),
        ("--concurrent-streams", "some"),
    ],
)
def test_wrong_grants_are_wrong_use(commands: Commands, option: tuple[str, str]) -> None:
    """What is no operation, class, binding or limit is exit code 2."""
    commands.run("clients", "create", *option, code=2)
