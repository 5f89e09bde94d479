"""One process that serves: certificates, listeners, applications, and how it is told to end.

The same for a gateway of one process and for each worker of several.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Final

from gateway.app import Applications, running_gateway
from gateway.backends.anonymous_file import AnonymousFile
from gateway.backends.certificates import server_context
from gateway.backends.departure import Departure, Patience
from gateway.backends.heap import TRIM_SECONDS, settle_heap, trim_heap
from gateway.backends.http_server import Listener
from gateway.backends.listening import serve
from gateway.backends.metrics import open_registry, refused_change_gauge
from gateway.backends.renewed_tls import RenewedTls
from gateway.cli.own_certificate import renew_own_certificate
from gateway.cli.reload import Reload
from gateway.configured_room import utc_now
from gateway.control.background import BackgroundTasks
from gateway.settings import Admin, Configuration, Listen
from gateway.settings_edge import ClientTrust

_RENEWAL_SECONDS: Final = 86_400.0
"""Between two looks at how long the own certificate is good."""


def say(line: str) -> None:
    """Tell the operator *line*, on standard error."""
    sys.stderr.write(f"sealgate: {line}\n")
    sys.stderr.flush()


class GatewayProcess:
    """What runs in this event loop, and what can be told to it from outside.

    *metrics* is the folder in which all processes of the service count, *shared* the memory that
    they have in common. Raises ``StoreUnavailable`` or ``OSError`` when there is no usable
    certificate.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        metrics: Path | None = None,
        shared: AnonymousFile | None = None,
    ) -> None:
        workers, at = configuration.settings.workers, configuration.at
        self._configuration = configuration
        self._shared = shared
        self._registries = open_registry(metrics)
        self._note_refused = refused_change_gauge(self._registries[0])
        self._retire: Callable[[], None] = lambda: None
        self.departure = Departure(
            Patience(workers.grace_seconds, workers.reload_grace_seconds, workers.unready_seconds)
        )
        self._refused_at: set[str] = set()
        # A context for each, with keys of its own: a session of one is not resumed at the other.
        self._public_tls = self._open_tls("public", at.public_clients)
        self._admin_tls = self._open_tls("admin", at.admin_clients)

    async def run(
        self,
        *,
        on_ready: Callable[[], None],
        reload: Reload | None = None,
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        """Serve until told to end; SIGHUP looks at the certificates and asks *reload*, if any.

        *sockets* are those of the public and the admin listener, else they are bound here.
        """

        def hang_up() -> None:
            for tls in (self._public_tls, self._admin_tls):
                tls.look_now()
            if reload is not None:
                reload.ask()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
        watching = asyncio.gather(self._public_tls.watch(), self._admin_tls.watch())
        background = BackgroundTasks()
        background.every(_RENEWAL_SECONDS, self._renew_certificate)
        background.every(TRIM_SECONDS, partial(asyncio.to_thread, trim_heap))
        try:
            async with running_gateway(
                self._configuration,
                registries=self._registries,
                is_stopping=lambda: self.departure.is_stopping,
                shared=self._shared,
            ) as applications:
                self._retire = applications.retire
                settle_heap()
                async with nullcontext() if reload is None else reload.watching(applications.adopt):
                    await serve(
                        self._listeners(applications),
                        on_ready=on_ready,
                        departure=self.departure,
                        sockets=sockets,
                    )
        finally:
            await background.close()
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    def drain(self) -> None:
        """Leave everything new to another process, which serves in place of this one."""
        self.departure.drain()
        self._retire()

    def note_refused_configuration(self, *, is_refused: bool = True) -> None:
        """Show in the metrics whether a newer configuration than this one was refused."""
        self._note_refused("configuration", is_refused)

    async def _renew_certificate(self) -> None:
        """See to the own certificate. The watch then finds new files."""
        await asyncio.to_thread(renew_own_certificate, self._configuration, now=utc_now())

    def _open_tls(self, listener: str, clients: ClientTrust) -> RenewedTls:
        at = self._configuration.at
        files = [at.certificate_file, at.tls_key_file]
        return RenewedTls(
            partial(
                server_context,
                *files,
                client_ca=clients.ca_file,
                client_crl=clients.crl_file,
                client_certificate_required=clients.is_required,
            ),
            [*files, *filter(None, (clients.ca_file, clients.crl_file))],
            partial(self._report_certificates, listener),
        )

    def _report_certificates(self, listener: str, fault: str | None) -> None:
        if fault is None:
            self._refused_at.discard(listener)
            say(f"new handshakes of the {listener} listener go by the new certificates")
        else:
            self._refused_at.add(listener)
            say(f"the {listener} listener's new certificates cannot be used, only the old: {fault}")
        self._note_refused("certificate", bool(self._refused_at))

    def _listeners(self, applications: Applications) -> list[Listener]:
        settings = self._configuration.settings
        return [self._listener(at, applications) for at in (settings.listen, settings.admin)]

    def _listener(self, at: Listen | Admin, applications: Applications) -> Listener:
        settings = self._configuration.settings
        is_public = isinstance(at, Listen)
        return Listener(
            at.host,
            at.port,
            (self._public_tls if is_public else self._admin_tls).context,
            applications.public if is_public else applications.admin,
            applications.unread,
            clock=utc_now,
            max_connections=settings.limits.max_connections,
            max_per_address=settings.edge.connections_per_address,
            gathering=() if at.proxy_protocol else at.trusted_proxies,
            proxies=at.trusted_proxies if at.proxy_protocol else (),
            handshake_seconds=settings.edge.handshake_seconds,
            pace=settings.edge.pace(write_seconds=settings.limits.write_timeout_seconds),
        )
