"""X-Wing by itself and inside HPKE, as both drafts publish it."""

import pytest

from gateway.core import hpke
from tests.vectors.published import check_hpke_pq, check_xwing
from tests.vectors.tally import committed, shared


@pytest.mark.parametrize("number", range(3))
def test_xwing(number):
    """Key generation, encapsulation and decapsulation of the X-Wing draft are reproduced."""
    vectors = committed("xwing.json")
    assert len(vectors) == 3
    check_xwing(vectors[number])


@pytest.mark.parametrize("vector", committed("hpke_pq_xwing.json"), ids=lambda v: v["kdf_id"])
def test_hpke(vector):
    """Both 0x647a vectors of the HPKE draft are reproduced, with HKDF-SHA256 and with SHAKE256."""
    check_hpke_pq(vector)


def test_committed_vectors_are_all_there_are():
    """The complete file of the HPKE draft has no further vector with our mechanism."""
    everything = shared("hpke-pq/test-vectors.json")
    ours = [vector for vector in everything if vector["kem_id"] == hpke.KEM_XWING]
    assert ours == committed("hpke_pq_xwing.json")
    assert shared("xwing/test-vectors.json") == committed("xwing.json")
