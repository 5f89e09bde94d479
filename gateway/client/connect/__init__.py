"""``sealgate-connect``: a small local proxy that seals for applications in any language.

The application speaks the plain model API to a loopback port or a Unix socket beside it; keys, pin,
token, sealing and the check for cut answers are done here. Imports the client library alone.
"""
