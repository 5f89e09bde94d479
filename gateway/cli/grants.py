"""The options that say what a client is given, and how each is written.

``none`` lifts a limit, and all rules for scrubbing. A model without operations is granted with all
of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Annotated, Final

import typer

from gateway.core.errors import MalformedRequest
from gateway.core.grants import Grant, Operation, Parameter, every_operation
from gateway.core.identity import Network
from gateway.core.request_limits import NAMES, parse_limits
from gateway.core.requests.extra_members import parse_extra_members
from gateway.core.scrub_rules import ScrubRules, Treatment
from gateway.core.shaping import Shaping, parse_shaping
from gateway.core.written_rules import parse_scrub_rules

_NONE: Final = "none"


def _parse_shaping(value: str) -> Shaping:
    try:
        return parse_shaping(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _verify_limit(value: str | None) -> str | None:
    if value not in {None, _NONE} and not (value.isascii() and value.isdigit() and int(value) > 0):
        raise typer.BadParameter("a limit is a number above zero, or none")
    return value


Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME[=OPERATION,…]",
        help="A model or LoRA adapter it may call, and how: " + ", ".join(Operation),
    ),
]
Networks = Annotated[
    list[str] | None,
    typer.Option("--network", help="A network it may call from, as in 10.0.0.0/8."),
]
ShapingOption = Annotated[
    Shaping | None,
    typer.Option(
        parser=_parse_shaping,
        metavar="none|coalesce:MS|cells:MS",
        help="How its streams leave: at once, collected for a time, or in cells at one rate.",
    ),
]
Limit = Annotated[
    str | None, typer.Option(metavar="NUMBER|none", callback=_verify_limit, help="Quota.")
]


ScrubOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scrub",
        metavar="TYPE=FORM|default=FORM|none",
        help="Which form values found in its answers get: " + ", ".join(Treatment) + ".",
    ),
]
MasksRequests = Annotated[
    bool | None,
    typer.Option(help="Whether models see tokens in the place of personal data it sends."),
]


Parameters = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,…|none",
        help="What it may ask for beside what every client may: " + ", ".join(Parameter) + ".",
    ),
]


ExtraMembers = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,…|none",
        help="Members of requests that pass although the gateway does not know them.",
    ),
]


RequestLimitsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=NUMBER|none",
        help="How much its requests may ask for, in the gateway's place: " + ", ".join(NAMES) + ".",
    ),
]


def parse_grants(values: Iterable[str]) -> frozenset[Grant]:
    """Return the grants that the options ``--model`` name."""
    return frozenset(grant for value in values for grant in _parse_grant(value))


def _parse_grant(value: str) -> frozenset[Grant]:
    model, equals, names = value.partition("=")
    if not equals:
        return every_operation([model])
    try:
        return frozenset(Grant(model, Operation(name)) for name in names.split(","))
    except ValueError:
        operations = ", ".join(Operation)
        raise typer.BadParameter(f"an operation is one of {operations}") from None


def show_grants(grants: Iterable[Grant]) -> list[str]:
    """Return *grants* as the options that give them."""
    by_model: dict[str, set[Operation]] = {}
    for grant in grants:
        by_model.setdefault(grant.model, set()).add(grant.operation)
    return [
        model if names == set(Operation) else f"{model}={','.join(sorted(names))}"
        for model, names in sorted(by_model.items())
    ]


def parse_networks(values: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that the options ``--network`` name."""
    try:
        return tuple(ip_network(value) for value in values)
    except ValueError:
        raise typer.BadParameter("a network looks like 10.0.0.0/8 or 2001:db8::/32") from None


def parse_parameters(value: str | None) -> frozenset[Parameter] | None:
    """Return the parameters that the option ``--parameters`` names; None without it."""
    if value is None:
        return None
    try:
        return frozenset(Parameter(name) for name in value.split(",") if name != _NONE)
    except ValueError:
        raise typer.BadParameter(f"a parameter is one of {', '.join(Parameter)}") from None


def parse_members(value: str | None) -> frozenset[str] | None:
    """Return the members that the option ``--extra-members`` names; None without it."""
    if value is None:
        return None
    try:
        return parse_extra_members(name for name in value.split(",") if name != _NONE)
    except MalformedRequest as refusal:
        raise typer.BadParameter(refusal.detail) from None


def parse_request_limits(values: Iterable[str] | None) -> Mapping[str, int] | None:
    """Return the limits that the options ``--limit`` name; None without any."""
    if not values:
        return None
    written = [value.partition("=") for value in values if value != _NONE]
    if not all(number.isascii() and number.isdigit() for _, _, number in written):
        raise typer.BadParameter("a limit looks like choices=2")
    try:
        return parse_limits({name: int(number[:20]) for name, _, number in written})
    except MalformedRequest as refusal:
        raise typer.BadParameter(refusal.detail) from None


def parse_scrub(values: Iterable[str] | None) -> ScrubRules | None:
    """Return the rules that the options ``--scrub`` name; None without any."""
    if not values:
        return None
    written = [value.partition("=") for value in values if value != _NONE]
    rules = {label: treatment for label, _, treatment in written}
    if len(rules) < len(written):  # the later one must not undo a block in silence
        raise typer.BadParameter("a type is named once")
    try:
        return parse_scrub_rules(rules)
    except MalformedRequest as refusal:
        raise typer.BadParameter(refusal.detail) from None


def parse_quota(limits: Mapping[str, str | None]) -> dict[str, int | None] | None:
    """Return the limits that are given, ``None`` for those to lift; None without any."""
    given = {name: value for name, value in limits.items() if value is not None}
    return {n: None if v == _NONE else int(v) for n, v in given.items()} or None
