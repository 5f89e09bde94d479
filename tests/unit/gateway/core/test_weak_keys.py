"""Weak public keys are known by their marks, sound ones pass."""

from __future__ import annotations

from math import prod

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.weak_keys import (
    _POWERS_OF_65537,
    _SMALL_ORDER,
    is_roca_modulus,
    is_weak_ed25519,
)

P = 2**255 - 19


@given(st.binary(min_size=32, max_size=32))
def test_generated_ed25519_keys_are_sound(seed: bytes):
    """No key that was generated is taken for a weak one."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert not is_weak_ed25519(public)


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("y", [*sorted(_SMALL_ORDER), P, P + 1, 2**255 - 1])
def test_small_order_and_second_encodings_are_weak(y: int, sign: int):
    """The points that anybody can sign for are refused, with either sign bit."""
    assert is_weak_ed25519((y | sign).to_bytes(32, "little"))


def test_a_point_of_order_eight_verifies_a_signature_of_nobody():
    """The mark is not theory: such a key verifies what no private key has signed."""
    verified = 0
    key = (0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826).to_bytes(
        32, "little"
    )
    signature = (1).to_bytes(32, "little") + bytes(32)  # R is the neutral element, S is 0
    for message in range(200):
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message.to_bytes(2))
            verified += 1
        except InvalidSignature:
            continue
    assert verified > 5


def test_powers_of_65537_modulo_small_primes_are_the_mark():
    """A modulus that is such a power is refused, its neighbour is not."""
    modulus = pow(65537, 12345, prod(_POWERS_OF_65537))
    assert is_roca_modulus(modulus)
    assert not is_roca_modulus(modulus + 2)


def test_generated_rsa_keys_are_sound():
    """A modulus made by this library has no mark."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert not is_roca_modulus(key.public_key().public_numbers().n)
