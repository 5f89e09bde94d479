"""Project Wycheproof: edge cases and known mistakes of other implementations."""

import pytest

from tests.vectors import wycheproof
from tests.vectors.tally import committed

EXPECTED = {
    "aes_gcm": (316, 197),
    "hkdf_sha256": (86, 86),
    "x25519": (518, 518),
    "mlkem_768": (193, 193),
    "mlkem_768_keygen_seed": (100, 100),
    "mlkem_768_encaps": (265, 265),
    "mlkem_768_semi_expanded_decaps": (9, 0),
    "ed25519": (151, 151),
    "json_web_signature": (401, 367),
    "json_web_key": (26, 21),
}


@pytest.mark.parametrize("name", wycheproof.FILES)
def test_file(name):
    """Every case that applies gives the published output or is refused."""
    tally = wycheproof.run(name)
    assert tally.passed == tally.checked
    assert (tally.total, tally.checked) == EXPECTED[name]


def test_committed_signatures():
    """A plain clone has the cases of P-256 keys: invalid ones are refused, valid ones taken."""
    groups = committed("wycheproof_jws_p256.json")["testGroups"]
    pairs = [(case, group) for group in groups for case in group["tests"]]
    results = list(wycheproof.signatures(pairs))
    assert results == [True] * 41
    assert [case["tcId"] for case, _ in pairs if case["result"] == "valid"] == [18, 378]
