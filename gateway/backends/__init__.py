"""I/O behind the ports of ``gateway.core.ports``; each module knows one technology."""
