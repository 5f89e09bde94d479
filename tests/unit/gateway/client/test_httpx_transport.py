"""The httpx transport is the httpx2 transport, word for word."""

import inspect

from gateway.client import httpx2_transport, httpx_transport


def test_both_transports_are_the_same_code():
    """A fix to one transport cannot be forgotten in the other."""
    first, second = (inspect.getsource(module) for module in (httpx2_transport, httpx_transport))
    code = [source.partition("from __future__")[2] for source in (first, second)]
    assert code[0].replace("httpx2", "httpx") == code[1]
