"""``sealgate serve``: run the gateway until it is told to stop."""

from __future__ import annotations

import asyncio
import sys

import typer
import uvloop

from gateway.app import running_gateway
from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.event_log import install_event_log
from gateway.backends.hardening import harden_process
from gateway.backends.http_server import Listener
from gateway.backends.http_server import serve as serve_listeners
from gateway.cli.own_certificate import certificate_names
from gateway.cli.session import Session
from gateway.configured_room import utc_now
from gateway.core.errors import StoreUnavailable
from gateway.settings import (
    Admin,
    Configuration,
    Listen,
    Networks,
    authority,
    load_configuration,
)


def serve(context: typer.Context) -> None:
    """Serve the public and the admin listener until SIGTERM or SIGINT."""
    harden_process()
    install_event_log(sys.stderr)
    session: Session = context.obj
    configuration = load_configuration(session.config_path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(configuration))


async def _serve(configuration: Configuration) -> None:
    settings, at = configuration.settings, configuration.at
    if at.storage_key_file is not None and not at.storage_key_file.exists():
        raise StoreUnavailable("There is no key file here; run `sealgate init` first.")
    files = CertificateFiles.in_directory(at.tls_directory)
    if settings.tls.certificate_file is None and files.ca_key.exists():
        ensure_certificates(files, certificate_names(configuration), now=utc_now())
    tls = server_context(at.certificate_file, at.tls_key_file, client_ca=at.client_ca_file)
    async with running_gateway(configuration) as applications:
        public = Listener(
            settings.listen.host,
            settings.listen.port,
            tls,
            applications.public,
            clock=utc_now,
            max_connections=settings.limits.max_connections,
            proxies=_proxies_before_tls(settings.listen),
        )
        admin = Listener(
            settings.admin.host,
            settings.admin.port,
            tls,
            applications.admin,
            clock=utc_now,
            proxies=_proxies_before_tls(settings.admin),
        )
        await serve_listeners([public, admin], on_ready=lambda: _announce(configuration))


def _proxies_before_tls(listener: Listen | Admin) -> Networks:
    return listener.trusted_proxies if listener.proxy_protocol else ()


def _announce(configuration: Configuration) -> None:
    listen, admin = configuration.settings.listen, configuration.settings.admin
    public, private = authority(listen.host, listen.port), authority(admin.host, admin.port)
    sys.stderr.write(f"sealgate: serving https://{public}, administration https://{private}\n")
    sys.stderr.flush()
