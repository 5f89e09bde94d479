"""Credentials and origin."""

import base64
from pathlib import Path

import pytest

from gateway.client.account import Account, utc_now
from gateway.core.key_document import encode_pin
from gateway.core.secret import Secret


def make(origin: str = "https://gateway.example", **options) -> Account:
    """Return an account."""
    return Account(origin, "a:b", Secret("ü &"), **options)


def test_credentials_are_form_encoded_first():
    """A colon, a space and other letters cannot move the border between the two parts."""
    scheme, _, encoded = make().basic_credentials.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"a%3Ab:%C3%BC+%26"


@pytest.mark.parametrize(
    ("origin", "form"),
    [
        ("https://Gateway.example/", "https://gateway.example"),
        ("https://gateway.example:443", "https://gateway.example"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_origin_form(origin, form):
    """An origin is kept in the form that HTTP libraries give it."""
    assert make(origin).origin == form


@pytest.mark.parametrize(
    "origin",
    [
        "http://gateway.example",
        "https://",
        "https://a/v1",
        "https://u@a",
        "gateway.example",
        "https://a?b",
    ],
)
def test_bad_origin(origin):
    """Anything but an https origin is refused, since the client secret travels there."""
    with pytest.raises(ValueError, match="https"):
        make(origin)


def test_bad_padding():
    """Padding to nothing is refused."""
    with pytest.raises(ValueError, match="padded"):
        make(pad_to_bytes=0)


def test_secret_is_not_shown():
    """The representation of an account does not hold its secret."""
    assert "ü" not in repr(make())


def test_clock_is_utc():
    """The default clock tells UTC."""
    assert utc_now().utcoffset().total_seconds() == 0


PIN = encode_pin(bytes(range(32)))


def test_pin():
    """A pin is the raw key of its text form; without one there is none."""
    assert make(pin=PIN).pinned_key == bytes(range(32))
    assert make().pinned_key is None


@pytest.mark.parametrize(
    "options",
    [
        {"pin": "sealgate-pin-ed25519:abc"},
        {"pin": PIN, "trust_tls": True},
        {"state_file": Path("state")},
        {"entrance": "other"},
    ],
)
def test_contradictions(options):
    """A pin that is none, options that contradict each other and unknown modes are refused."""
    with pytest.raises(ValueError, match=r"pin|entrance"):
        make(**options)
