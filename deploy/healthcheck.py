#!/usr/bin/env python3
"""Tells the container engine whether the gateway in this container answers `GET /livez`.

The certificate is not checked: the question is whether the process answers on its own loopback
address, not who it is, and an operator's certificate need not name 127.0.0.1. An argument names
another port: that of the admin listener where the public one takes a proxy's connections only. A
second one is a PEM file with the certificate and key that are shown where a listener requires one.
"""

import http.client
import ssl
import sys

_PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8443
_SECONDS = 2.0


def is_alive() -> bool:
    """Tell whether the gateway answers with 200."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if len(sys.argv) > 2:
        context.load_cert_chain(sys.argv[2])
    connection = http.client.HTTPSConnection("127.0.0.1", _PORT, timeout=_SECONDS, context=context)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive() else 1)
