"""``sealgate clients``: register, change, disable clients and assign roles."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.act import act
from gateway.cli.credentials import CertificateSubject, JwkFile, parse_proof
from gateway.cli.grants import (
    ExtraMembers,
    Limit,
    MasksRequests,
    Models,
    Networks,
    Parameters,
    RequestLimitsOption,
    ScrubOption,
    ShapingOption,
    parse_grants,
    parse_members,
    parse_networks,
    parse_parameters,
    parse_quota,
    parse_request_limits,
    parse_scrub,
)
from gateway.cli.output import AsJson, show
from gateway.cli.rows import client_row, client_summary, issued_row, made_row
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.core.grants import DataClass, TokenBinding
from gateway.core.identity import Role

app = typer.Typer(no_args_is_help=True, help="Register, change and disable clients.")

_ME = LocalOperator()

ClassOption = Annotated[
    DataClass | None, typer.Option(help="The class of its data unless a request says a lower one.")
]
BindingOption = Annotated[
    TokenBinding | None, typer.Option(help="What must prove that a token is its own.")
]


@app.command("list")
def list_clients(
    context: typer.Context,
    after: str = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List clients by identifier."""
    found = act(context, lambda room: room.clients.list_page(_ME, after=after, limit=limit))
    row = client_row if as_json else client_summary
    show([row(stored) for stored in found], as_json=as_json)


@app.command()
def create(
    context: typer.Context,
    model: Models = None,
    network: Networks = None,
    role: Role = Role.APPLICATION,
    plaintext_allowed: bool = False,
    shaping: ShapingOption = None,
    data_class: ClassOption = None,
    token_binding: BindingOption = None,
    scrub: ScrubOption = None,
    masks_requests: MasksRequests = None,
    parameters: Parameters = None,
    limit: RequestLimitsOption = None,
    extra_members: ExtraMembers = None,
    requests_per_minute: Limit = None,
    requests_per_day: Limit = None,
    tokens_per_minute: Limit = None,
    tokens_per_day: Limit = None,
    concurrent_streams: Limit = None,
    jwk: JwkFile = None,
    certificate_subject: CertificateSubject = None,
    no_credential: Annotated[
        bool, typer.Option("--no-credential", help="Give it none yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a client and print its secret, this once. Without a network it can do nothing.

    With a key, the subject of a certificate, or no credential there is no secret.
    """
    proof = parse_proof(jwk, certificate_subject, none=no_credential)
    grants = ClientGrants(
        grants=parse_grants(model or ()),
        networks=parse_networks(network or ()),
        plaintext_allowed=plaintext_allowed,
        shaping=shaping,
        data_class=data_class,
        token_binding=token_binding,
        scrubbing=parse_scrub(scrub),
        masks_requests=masks_requests,
        parameters=parse_parameters(parameters),
        limits=parse_request_limits(limit),
        extra_members=parse_members(extra_members),
        quota=parse_quota(
            {
                "requests_per_minute": requests_per_minute,
                "requests_per_day": requests_per_day,
                "tokens_per_minute": tokens_per_minute,
                "tokens_per_day": tokens_per_day,
                "concurrent_streams": concurrent_streams,
            }
        ),
    )
    registered = act(
        context, lambda room: room.clients.register(_ME, grants, role=role, proof=proof)
    )
    client_id = registered.stored.client.client_id
    show(made_row(client_id, registered.made), as_json=as_json)


@app.command()
def read(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Show one client."""
    stored = act(context, lambda room: room.clients.get(_ME, client_id))
    show(client_row(stored), as_json=as_json)


@app.command()
def change(
    context: typer.Context,
    client_id: str,
    model: Models = None,
    network: Networks = None,
    plaintext_allowed: bool | None = None,
    shaping: ShapingOption = None,
    data_class: ClassOption = None,
    token_binding: BindingOption = None,
    scrub: ScrubOption = None,
    masks_requests: MasksRequests = None,
    parameters: Parameters = None,
    limit: RequestLimitsOption = None,
    extra_members: ExtraMembers = None,
    requests_per_minute: Limit = None,
    requests_per_day: Limit = None,
    tokens_per_minute: Limit = None,
    tokens_per_day: Limit = None,
    concurrent_streams: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Replace those parts of what a client is given that are named; the rest stays."""
    grants = ClientGrants(
        grants=parse_grants(model) if model else None,
        networks=parse_networks(network) if network else None,
        plaintext_allowed=plaintext_allowed,
        shaping=shaping,
        data_class=data_class,
        token_binding=token_binding,
        scrubbing=parse_scrub(scrub),
        masks_requests=masks_requests,
        parameters=parse_parameters(parameters),
        limits=parse_request_limits(limit),
        extra_members=parse_members(extra_members),
        quota=parse_quota(
            {
                "requests_per_minute": requests_per_minute,
                "requests_per_day": requests_per_day,
                "tokens_per_minute": tokens_per_minute,
                "tokens_per_day": tokens_per_day,
                "concurrent_streams": concurrent_streams,
            }
        ),
    )
    stored = act(context, lambda room: room.clients.change(_ME, client_id, grants))
    show(client_row(stored), as_json=as_json)


@app.command()
def disable(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Disable a client and revoke its tokens."""
    stored = act(context, lambda room: room.clients.disable(_ME, client_id))
    show(client_row(stored), as_json=as_json)


@app.command()
def enable(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
    """Enable a disabled client."""
    stored = act(context, lambda room: room.clients.enable(_ME, client_id))
    show(client_row(stored), as_json=as_json)


@app.command("assign-role")
def assign_role(
    context: typer.Context, client_id: str, role: Role, as_json: AsJson = False
) -> None:
    """Give a client its one role and revoke its tokens.

    With a staff role its credentials end too, and the secret of a fresh one is printed, this once.
    """
    changed = act(context, lambda room: room.clients.assign_role(_ME, client_id, role))
    row = client_row(changed.stored)
    show(row if changed.issued is None else {**row, **issued_row(changed.issued)}, as_json=as_json)
