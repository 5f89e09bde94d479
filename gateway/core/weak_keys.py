"""Public keys that look sound and are not, although the libraries take them.

Whoever publishes one of these lets others sign in their name. Both checks read the public half
alone and cost microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255
# The y coordinates of the points of order 1, 2, 4 and 8. With such a key one signature fits many
# messages, and anybody can make it.
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        _FIELD_PRIME - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    }
)


def is_weak_ed25519(raw: bytes) -> bool:
    """Return whether 32 *raw* bytes are a point of small order or not in their one encoding.

    RFC 8032 §5.1.3 has a decoder refuse the second; the first it leaves to the protocol.
    """
    y = int.from_bytes(raw, "little") & ~_SIGN_BIT
    return y >= _FIELD_PRIME or y in _SMALL_ORDER


def is_roca_modulus(n: int) -> bool:
    """Return whether *n* has the mark of the Infineon library that CVE-2017-15361 is about.

    Its primes are powers of 65537 modulo a product of small primes, and so is their product: such a
    modulus can be factored. One sound modulus in 2**28 has the mark by chance.
    """
    return all(n % prime in powers for prime, powers in _POWERS_OF_65537.items())


def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime))


_POWERS_OF_65537: Final[Mapping[int, frozenset[int]]] = MappingProxyType(
    {
        prime: _powers(prime)
        for prime in range(11, 168)
        if all(prime % smaller for smaller in range(2, prime)) and len(_powers(prime)) < prime - 1
    }
)
