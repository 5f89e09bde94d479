"""``sealgate init``: make everything that a gateway needs before its first start.

Run again, it makes only what is missing. The first owner and operator are made once; their secrets
are shown once.
"""

from __future__ import annotations

import asyncio
import sys
from ipaddress import ip_network
from typing import Annotated, Any

import orjson
import typer

from gateway.app import open_control, utc_now
from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.database.upgrade import upgrade
from gateway.backends.key_wrap import create_key_file
from gateway.cli.serve import certificate_names
from gateway.cli.session import Session
from gateway.control.actors import LocalOperator
from gateway.control.clients import ClientGrants
from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from gateway.settings import Configuration, load_configuration

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_FIRST_ROLES = (Role.OWNER, Role.OPERATOR)


def init(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make key file, database, certificates, first keys, and the first owner and operator."""
    session: Session = context.obj
    configuration = load_configuration(session.config_path)
    made = asyncio.run(_init(configuration, session))
    if as_json:
        sys.stdout.write(orjson.dumps(made).decode() + "\n")
        return
    sys.stdout.write(f"State is in {made['directory']}\n")
    if made["ca_file"]:
        sys.stdout.write(f"Clients trust the authority in {made['ca_file']}\n")
    for credential in made["credentials"]:
        sys.stdout.write(
            f"{credential['role']}: client_id {credential['client_id']} "
            f"client_secret {credential['client_secret']}   (shown only now)\n"
        )


async def _init(configuration: Configuration, session: Session) -> dict[str, Any]:
    at = configuration.at
    at.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not at.storage_key_file.exists():
        create_key_file(at.storage_key_file)
    await upgrade(at.database_url)
    files = CertificateFiles.in_directory(at.tls_directory)
    own_certificate = configuration.settings.tls.certificate_file is None
    if own_certificate:
        ensure_certificates(files, certificate_names(configuration), now=utc_now())
    room = await open_control(session.config_path)
    try:
        await room.keys.ensure_first()
        credentials = await _first_staff(room)
    finally:
        await room.close()
    return {
        "directory": str(at.directory),
        "ca_file": str(files.ca_certificate) if own_certificate else None,
        "credentials": credentials,
    }


async def _first_staff(room: ControlRoom) -> list[dict[str, str]]:
    actor = LocalOperator()
    if await room.clients.list_page(actor, limit=1):
        return []
    issued = [
        (role, await room.clients.create(actor, ClientGrants(networks=_LOOPBACK), role=role))
        for role in _FIRST_ROLES
    ]
    return [
        {
            "role": role.value,
            "client_id": credential.client_id,
            "client_secret": credential.secret.reveal(),
        }
        for role, credential in issued
    ]
