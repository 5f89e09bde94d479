"""nginx as the yardstick: a pass-through with no security function, measured in the same minute."""

import shutil
from pathlib import Path

_CONFIGURATION = """\
daemon off;
master_process off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream model {{ server unix:{socket}; keepalive 512; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096{tls};
        location / {{
            proxy_pass http://model;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 60s;
        }}
    }}
}}
"""
_TLS = """ ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3"""


def find_nginx() -> str | None:
    """Return nginx's path, or None where it is not installed."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def write_nginx(
    directory: Path, *, socket: Path, port: int, certificate: tuple[Path, Path] | None = None
) -> Path:
    """Write a configuration that passes everything through to *socket*; return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    tls = "" if certificate is None else _TLS.format(certificate=certificate[0], key=certificate[1])
    file = directory / "nginx.conf"
    file.write_text(_CONFIGURATION.format(directory=directory, socket=socket, port=port, tls=tls))
    return file
