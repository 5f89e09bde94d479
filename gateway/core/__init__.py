"""Sans-IO core: bytes and values in, bytes and decisions out.

Nothing here reads a clock, opens a socket, writes a log or knows a framework.
"""
