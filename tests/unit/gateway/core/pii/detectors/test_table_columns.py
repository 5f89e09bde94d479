"""Values in the columns of a table."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("| Guest | Passport |\n|---|---|\n| x | KRV318264 |\n", "KRV318264", "PASSPORT"),
    (
        "NAME        ACCOUNT      BALANCE\nx           6284017735   1.20\n",
        "6284017735",
        "BANK_ACCOUNT",
    ),
    ("| MRN | Bed |\n| 0048821 | B |\n", "0048821", "MRN"),
    ("<tr><th>DOB</th></tr><tr><td>April 9, 1987</td></tr>", "April 9, 1987", "DOB"),
    ("Shift\tMobile\nAM\t702/555-0174\n", "702/555-0174", "PHONE"),
    ("user;password\nx;Walnut84-Heron\n", "Walnut84-Heron", "SECRET"),
    ('["ward","plate"],["B","7KXR482"]', "7KXR482", "PLATE"),
    ("| Patient name | Ward |\n| Xyloth Brandauer | B |", "Xyloth Brandauer", "NAME"),
]


@pytest.mark.parametrize(("text", "value", "label"), HITS)
def test_a_cell_counts_under_its_head(text: str, value: str, label: str) -> None:
    """Whatever parts the cells: bars, tabs, commas, spaces, tags."""
    assert scrub(text) == text.replace(value, f"[{label}]")


def test_a_date_beside_a_name_is_one_of_birth() -> None:
    """In a cell of its own, even where the head is missing."""
    assert scrub("| Tobias Fox | 1990-02-03 | x |") == "| [NAME] | [DOB] | x |"
    assert scrub("<td>Tobias Fox</td><td>2 May 1990</td>") == "<td>[NAME]</td><td>[DOB]</td>"
    assert scrub("Signed by Tobias Fox, 12 May 2024") == "Signed by [NAME], 12 May 2024"
    assert scrub("Tobias Fox\n2024-01-15 10:00 go") == "[NAME]\n2024-01-15 10:00 go"


def test_all_rows_count() -> None:
    """The head reaches as far as a page of rows."""
    rows = [f"| {n} | well | KRV3182{n} |\n" for n in range(10, 30)]
    scrubbed = scrub("| No | State | Passport |\n|---|---|---|\n" + "".join(rows))
    assert "KRV" not in scrubbed
    assert scrubbed.count("[PASSPORT]") == len(rows)


@pytest.mark.parametrize(
    "text",
    [
        "| Account | Debit |\n|---|---|\n| Cash | 1,200.00 |",
        "id,account,status\n1,savings,open\n",
        "Product,Phone,Price\nCase,Pixel 8,19.99\n",
        "Bring a passport, please. The flight is BA2490 at gate 12.",
        "| Password | Allowed |\n| minlength | yes |",
        'encode(x, "password", algorithm="HS256")',
        "| Country | Capital |\n| Norway | Oslo |",
    ],
)
def test_other_cells_stay(text: str) -> None:
    """Amounts, words, and what is not in a cell."""
    assert scrub(text) == text
