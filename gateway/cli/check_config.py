"""``sealgate check-config``: say everything that is wrong with the configuration at once."""

from __future__ import annotations

import sys

import typer

from gateway.cli.session import Session
from gateway.settings import load_configuration


def check_config(context: typer.Context) -> None:
    """Exit 0 when the configuration can be used, else name every fault and exit 1."""
    session: Session = context.obj
    load_configuration(session.config_path)
    sys.stdout.write("The configuration is valid.\n")
