"""``sealgate init``: make everything that a gateway needs before its first start.

Run again, it makes only what is missing, so it also completes what a crash interrupted. The first
owner and operator are made once; their secrets are shown once. A secret that a crash kept from
being shown is replaced by ``sealgate credentials rotate``. Of two runs at once the second waits for
the first and finds the work done.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway.backends.certificates import CertificateFiles, ensure_certificates
from gateway.backends.database.upgrade import upgrade
from gateway.backends.key_wrap import create_key_file
from gateway.cli.own_certificate import certificate_names
from gateway.cli.session import Session
from gateway.configured_room import open_control, utc_now
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
    with _alone(configuration.at.directory):
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


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Wait until no other init works in *directory*; the kernel ends the lock with the process."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(directory / "init.lock", flags, 0o600), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def _init(configuration: Configuration, session: Session) -> dict[str, Any]:
    at = configuration.at
    if at.storage_key_file is not None and not at.storage_key_file.exists():
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
    """Make a client of each first role that none has; a disabled one counts as having it."""
    present = {stored.client.role for stored in (await room.store.load()).clients}
    grants = ClientGrants(networks=_LOOPBACK)
    made = []
    for role in _FIRST_ROLES:
        if role not in present:
            issued = await room.clients.create(LocalOperator(), grants, role=role)
            made.append(
                {
                    "role": role.value,
                    "client_id": issued.client_id,
                    "client_secret": issued.secret.reveal(),
                }
            )
    return made
