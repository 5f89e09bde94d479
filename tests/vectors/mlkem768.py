"""ML-KEM-768 encapsulation with chosen randomness (FIPS 203), for published values only.

The product never uses this: libraries rightly draw the randomness themselves, so nothing else can
reproduce a published ciphertext. It is slow and its running time depends on secrets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Q = 3329
N = 256
K = 3
_ENCODED_VECTOR = 384 * K
_HALF_INVERSE = pow(128, -1, Q)

Polynomial = list[int]


def _reversed_bits(value: int) -> int:
    return int(f"{value:07b}"[::-1], 2)


_ZETAS = [pow(17, _reversed_bits(index), Q) for index in range(128)]
_GAMMAS = [pow(17, 2 * _reversed_bits(index) + 1, Q) for index in range(128)]


def ntt(values: Polynomial) -> Polynomial:
    """Return the number-theoretic transform (FIPS 203, algorithm 9)."""
    result, index, length = values[:], 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta, index = _ZETAS[index], index + 1
            for at in range(start, start + length):
                step = zeta * result[at + length] % Q
                result[at + length] = (result[at] - step) % Q
                result[at] = (result[at] + step) % Q
        length //= 2
    return result


def inverse_ntt(values: Polynomial) -> Polynomial:
    """Return the inverse transform (FIPS 203, algorithm 10)."""
    result, index, length = values[:], 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta, index = _ZETAS[index], index - 1
            for at in range(start, start + length):
                low, high = result[at], result[at + length]
                result[at] = (low + high) % Q
                result[at + length] = zeta * (high - low) % Q
        length *= 2
    return [value * _HALF_INVERSE % Q for value in result]


def _add_product(total: Polynomial, left: Polynomial, *, right: Polynomial) -> None:
    """Add the product of two transformed polynomials (FIPS 203, algorithms 11 and 12)."""
    for pair, gamma in enumerate(_GAMMAS):
        even, odd = 2 * pair, 2 * pair + 1
        total[even] += left[even] * right[even] + left[odd] * right[odd] % Q * gamma
        total[odd] += left[even] * right[odd] + left[odd] * right[even]


def _sample_uniform(seed: bytes) -> Polynomial:
    """Return a transformed polynomial with uniform coefficients (FIPS 203, algorithm 7)."""
    stream = hashlib.shake_128(seed).digest(3 * 512)
    values: Polynomial = []
    for at in range(0, len(stream), 3):
        low, middle, high = stream[at : at + 3]
        for value in (low + 256 * (middle % 16), middle // 16 + 16 * high):
            if value < Q:
                values.append(value)
    return values[:N]


def _sample_small(seed: bytes, number: int) -> Polynomial:
    """Return a polynomial of centred binomial noise (FIPS 203, algorithm 8, with eta 2)."""
    stream = hashlib.shake_256(seed + bytes((number,))).digest(128)
    values: Polynomial = []
    for byte in stream:
        for nibble in (byte & 15, byte >> 4):
            values.append(((nibble & 3).bit_count() - (nibble >> 2).bit_count()) % Q)
    return values


def _encode(values: Sequence[int], bits: int) -> bytes:
    packed = sum(value << (bits * index) for index, value in enumerate(values))
    return packed.to_bytes(N * bits // 8, "little")


def _decode(data: bytes, bits: int) -> Polynomial:
    packed = int.from_bytes(data, "little")
    return [packed >> (bits * index) & ((1 << bits) - 1) for index in range(N)]


def _compress(values: Polynomial, bits: int) -> bytes:
    return _encode([((value << bits) + Q // 2) // Q % (1 << bits) for value in values], bits)


def encapsulate(public_key: bytes, *, message: bytes) -> tuple[bytes, bytes]:
    """Return the shared secret and the ciphertext for 32 chosen bytes (FIPS 203, algorithm 17).

    Raises ``ValueError`` for a key of another length or with a number that is not reduced (§7.2).
    """
    if len(public_key) != _ENCODED_VECTOR + 32:
        raise ValueError("an encapsulation key of ML-KEM-768 is 1184 bytes")
    parts = [public_key[at : at + 384] for at in range(0, _ENCODED_VECTOR, 384)]
    t_hat = [_decode(part, 12) for part in parts]
    if any(value >= Q for row in t_hat for value in row):
        raise ValueError("a coefficient is not reduced")
    both = hashlib.sha3_512(message + hashlib.sha3_256(public_key).digest()).digest()
    secret, noise = both[:32], both[32:]
    return secret, _encrypt(t_hat, public_key[_ENCODED_VECTOR:], message=message, noise=noise)


def _encrypt(t_hat: list[Polynomial], rho: bytes, *, message: bytes, noise: bytes) -> bytes:
    """FIPS 203, algorithm 14."""
    y_hat = [ntt(_sample_small(noise, index)) for index in range(K)]
    ciphertext = b""
    for column in range(K):
        total = [0] * N
        for row in range(K):
            entry = _sample_uniform(rho + bytes((column, row)))
            _add_product(total, entry, right=y_hat[row])
        error = _sample_small(noise, K + column)
        u = [a + b for a, b in zip(inverse_ntt([v % Q for v in total]), error, strict=True)]
        ciphertext += _compress([value % Q for value in u], 10)
    total = [0] * N
    for row in range(K):
        _add_product(total, t_hat[row], right=y_hat[row])
    error = _sample_small(noise, 2 * K)
    bits = _decode(message, 1)
    product = inverse_ntt([value % Q for value in total])
    v = [(a + b + bit * ((Q + 1) // 2)) % Q for a, b, bit in zip(product, error, bits, strict=True)]
    return ciphertext + _compress(v, 4)


def with_message(message: bytes) -> Callable[[bytes], tuple[bytes, bytes]]:
    """Return the function that a KEM calls with a public key, with its randomness chosen."""
    return lambda public_key: encapsulate(public_key, message=message)
