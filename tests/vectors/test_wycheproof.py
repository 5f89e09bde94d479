"""Project Wycheproof: edge cases and known mistakes of other implementations."""

import pytest

from tests.vectors import wycheproof

EXPECTED = {
    "aes_gcm": (316, 197),
    "hkdf_sha256": (86, 86),
    "x25519": (518, 518),
    "mlkem_768": (193, 193),
    "mlkem_768_keygen_seed": (100, 100),
    "mlkem_768_encaps": (265, 265),
    "mlkem_768_semi_expanded_decaps": (9, 0),
    "ed25519": (151, 151),
}


@pytest.mark.parametrize("name", wycheproof.FILES)
def test_file(name):
    """Every case that applies gives the published output or is refused."""
    tally = wycheproof.run(name)
    assert tally.passed == tally.checked
    assert (tally.total, tally.checked) == EXPECTED[name]
