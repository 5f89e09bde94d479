"""RFC 9180 vectors: every published value of base mode with X25519, HKDF-SHA256 and AES-GCM."""

import pytest

from tests.vectors.published import check_rfc9180, is_our_rfc9180
from tests.vectors.tally import committed, shared


@pytest.mark.parametrize(
    "vector", committed("rfc9180_x25519_base.json"), ids=lambda vector: vector["aead_id"]
)
def test_committed_vector(vector):
    """Every value of the committed RFC 9180 vectors is reproduced."""
    assert len(vector["encryptions"]) == 6
    check_rfc9180(vector)


def test_complete_vectors():
    """Every value of the complete RFC 9180 vectors of our suites is reproduced."""
    ours = [vector for vector in shared("rfc9180/test-vectors.json") if is_our_rfc9180(vector)]
    assert [len(vector["encryptions"]) for vector in ours] == [257, 257]
    for vector in ours:
        check_rfc9180(vector)
