"""The inputs that the fuzzer starts from, replayed without it."""

import importlib

import pytest

from tests.fuzz.run import HERE, TARGETS

INPUTS = [
    pytest.param(name, path, id=f"{name}-{path.name}")
    for name in TARGETS
    for path in sorted((HERE / "corpus" / name).iterdir())
]


@pytest.mark.parametrize(("name", "path"), INPUTS)
def test_input(name, path):
    """Every input passes the check of its target, also with one byte changed or cut off."""
    check = importlib.import_module(f"tests.fuzz.fuzz_{name}").check
    data = path.read_bytes()
    check(data)
    check(data[:-1])
    middle = len(data) // 2
    check(data[:middle] + b"\x80" + data[middle + 1 :])


def test_every_target_has_inputs():
    """No target starts from nothing, and the corpus stays small."""
    assert {name for name, _ in (param.values for param in INPUTS)} == set(TARGETS)
    assert all(path.stat().st_size <= 4096 for _, path in (param.values for param in INPUTS))
    assert TARGETS == (
        "bhttp", "client_address", "dpop", "jwk_set", "jws", "ohttp", "request_head", "sse",
        "token", "varint",
    )  # fmt: skip
