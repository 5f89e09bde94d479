"""The tables as the compiled walk reads them."""

from array import array

from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.packing import pack
from gateway.core.pii.tables import Tables

TABLES = Tables(
    [
        Detector(
            label="A",
            pattern="a",
            after=(Context(("id",)),),
            lead="c",
            lead_start="c",
            lead_limit=7,
        ),
        Detector(label="B", pattern="b{2}", not_before="x"),
    ]
)
NONE = 2**32 - 1


def test_the_header_says_how_long_every_part_is() -> None:
    """All parts together are as long as the row."""
    row = array("I", pack(TABLES))
    positions, follows, ends, sets, kinds, pages, detectors, contexts = row[:8]
    words = -(-sets // 32)
    parts = 12 + positions * 3 + 2 * (positions + 1) + follows + ends + kinds * (words + 1)
    parts += 0x110000 // 256 + pages * 256 + detectors * (9 + 2 * -(-contexts // 32)) + contexts * 4
    assert len(row) == parts
    assert (detectors, contexts) == (2, 1)
    # Beside the real positions there is one for each start and each boundary.
    assert positions == len(TABLES.set_of) + 3


def test_detectors_and_contexts_stand_at_the_end() -> None:
    """With what they ask for, and where they begin."""
    row = list(array("I", pack(TABLES)))
    context = [int(value) for value in TABLES.reaches[0]]
    assert row[-4:] == context
    after, unless = row[-8:-6], row[-6:-4]
    assert (after, unless) == ([1, 0], [0, 0])
    real = len(TABLES.set_of)
    one, other = row[-26:-17], row[-17:-8]
    assert one == [0, 1, 0, 0, 0, 7, TABLES.starts[0].barred, real, NONE]
    assert other == [0, 0, 0, 0, 0, 0, TABLES.starts[1].barred, real + 1, real + 2]
