"""What applications install: transports that seal each request to the gateway.

Import the one that fits the HTTP library: ``gateway.client.httpx2_transport``, which current
``openai`` packages use, or ``gateway.client.httpx_transport``. The rest does no I/O and is shared.
"""
