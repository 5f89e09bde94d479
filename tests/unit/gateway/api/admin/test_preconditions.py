"""``If-Match``: which versions a change may find."""

from __future__ import annotations

import httpx
import pytest

from gateway.api.admin.preconditions import MAX_TAGS, entity_tag, parse_if_match
from gateway.core.errors import MalformedRequest


@pytest.mark.parametrize(
    ("fields", "versions"),
    [
        (["*"], None),
        ([' "3" '], {3}),
        (['"3", "4"'], {3, 4}),
        (['"3"', '"4"'], {3, 4}),
        (['W/"3"'], set()),
        (['"03"'], set()),
        (['"0"'], set()),
        (['"x"'], set()),
        (['""'], set()),
        (['"' + "9" * 19 + '"'], set()),
    ],
)
def test_entity_tags_are_read(fields: list[str], versions: set[int] | None) -> None:
    """An asterisk is any version; a tag that is weak or not of ours is none."""
    assert parse_if_match(fields) == versions


@pytest.mark.parametrize(
    "fields",
    [[""], ["3"], ['"3'], ['"3" "4"'], ['*, "3"'], ['w/"3"'], ['"3",'], ['"é"'],
     ['"1",' * MAX_TAGS + '"1"']],
)  # fmt: skip
def test_what_is_no_list_is_refused(fields: list[str]) -> None:
    """Another form, and a list without end, are malformed (RFC 9110 §8.8.3)."""
    with pytest.raises(MalformedRequest):
        parse_if_match(fields)


def test_tag_is_read_back() -> None:
    """What an answer says is what a change may ask for."""
    assert parse_if_match([entity_tag(17)]) == {17}


@pytest.mark.parametrize(
    ("field", "status"),
    [("*", 200), ('"1"', 200), ('"7", "1"', 200), ('"2"', 412), ('"7", "8"', 412), ('W/"1"', 412),
     ("1", 400), ("", 400)],
)  # fmt: skip
async def test_change_asks_for_the_version(
    operator: httpx.AsyncClient, field: str, status: int
) -> None:
    """Any of the tags is enough, none of them is 412, and another form is 400."""
    name = (await operator.post("clients", json={})).json()["client_id"]
    answer = await operator.post(f"clients/{name}/disable", headers={"if-match": field})
    assert answer.status_code == status


async def test_unknown_client_is_404_first(operator: httpx.AsyncClient) -> None:
    """Of what does not exist no version is missing."""
    for field in ('"1"', '"1", "2"', "*"):
        answer = await operator.post("clients/c-0/disable", headers={"if-match": field})
        assert answer.status_code == 404
