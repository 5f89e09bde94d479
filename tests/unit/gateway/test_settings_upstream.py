"""The section of the model servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings_upstream import Upstream, UpstreamBackend, verify_models_served

SOCKET = {"name": "a", "uds": "a.sock"}


def backend(**members: Any) -> UpstreamBackend:
    """Return a backend."""
    return UpstreamBackend(**{"name": "a"} | members)


def test_one_socket_needs_no_list() -> None:
    """The short form is a backend called vllm that serves everything."""
    [only] = Upstream(uds=Path("v.sock")).all_backends
    assert (only.name, only.uds, only.models) == ("vllm", Path("v.sock"), ())


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://gpu.example:8000", ("gpu.example", 8000)),
        ("https://gpu.example/", ("gpu.example", 443)),
        ("https://[2001:db8::1]:8000", ("2001:db8::1", 8000)),
    ],
)
def test_another_host_is_reached_over_tls(url: str, place: tuple[str, int]) -> None:
    """With the authority that vouches for it, and only so."""
    assert backend(url=url, ca_file="ca.crt").host_and_port == place
    with pytest.raises(ValidationError, match="needs the ca_file"):
        backend(url=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://127.8.9.1"])
def test_plain_tcp_is_for_loopback(url: str) -> None:
    """There nobody else listens on the way."""
    assert backend(url=url).host_and_port[0] in url


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"uds": "a.sock", "url": "http://127.0.0.1"},
        {"uds": "a.sock", "ca_file": "ca.crt"},
        {"url": "http://127.0.0.1", "ca_file": "ca.crt"},
        {"url": "http://gpu.example:8000"},
        {"url": "http://localhost:8000"},
        {"url": "http://10.0.0.1:8000"},
        {"url": "http://127.0.0.1.gpu.example"},
        {"url": "https://user@gpu.example", "ca_file": "ca.crt"},
        {"url": "https://gpu.example/v1", "ca_file": "ca.crt"},
        {"url": "https://gpu.example?x", "ca_file": "ca.crt"},
        {"url": "https://gpu.example:port", "ca_file": "ca.crt"},
        {"url": "https://", "ca_file": "ca.crt"},
        {"url": "https://gpu example", "ca_file": "ca.crt"},
        {"url": "https://gpü.example", "ca_file": "ca.crt"},
        {"url": "ftp://gpu.example", "ca_file": "ca.crt"},
        {"uds": "a.sock", "name": "A"},
        {"uds": "a.sock", "name": ""},
        {"uds": "a.sock", "weight": 2},
    ],
)
def test_unsafe_and_unclear_places_are_refused(members: dict[str, Any]) -> None:
    """No place, two places, plain TCP to elsewhere, names that may come to mean elsewhere."""
    with pytest.raises(ValidationError):
        backend(**members)


def test_both_forms_and_equal_names_are_refused() -> None:
    """What an operator could misread is an error."""
    with pytest.raises(ValidationError, match=r"no upstream\.uds"):
        Upstream.model_validate({"uds": "v.sock", "backends": [SOCKET]})
    with pytest.raises(ValidationError, match="same name"):
        Upstream.model_validate({"backends": [SOCKET, SOCKET]})


def test_every_model_has_a_backend() -> None:
    """No model is without a server, and no server is there for a model that nobody can call."""
    some = Upstream.model_validate({"backends": [SOCKET | {"models": ["m"]}]})
    verify_models_served(some, {"m"})
    with pytest.raises(ValueError, match="has no backend"):
        verify_models_served(some, {"m", "n"})
    with pytest.raises(ValueError, match="not in models"):
        verify_models_served(some, {"n"})
    verify_models_served(Upstream.model_validate({"backends": [SOCKET]}), {"m", "n"})
    verify_models_served(Upstream(), {"m"})
