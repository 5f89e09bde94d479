"""``sealgate migrate``: bring the tables of the store up to date with this version."""

from __future__ import annotations

import asyncio
import sys

import typer

from gateway.backends.database.upgrade import upgrade
from gateway.cli.session import Session
from gateway.settings import load_configuration


def migrate(context: typer.Context) -> None:
    """Create or update the tables, all in one transaction; a second run changes nothing.

    Run it once before the first gateway of a new version starts: a gateway refuses tables of
    another version.
    """
    session: Session = context.obj
    asyncio.run(upgrade(load_configuration(session.config_path).at.database_url))
    sys.stdout.write("The store is up to date.\n")
