"""Which words are a name."""

import pytest

from gateway.core.pii.detectors.name_forms import (
    has_initials,
    has_title,
    is_alone,
    is_announced,
    is_disguised,
    is_greeted,
    is_lower,
    is_name,
    is_reversed,
    is_surname_first,
    is_user,
)


@pytest.mark.parametrize(
    "value",
    [
        "svitlana k. van der meer",
        "james o'shaughnessy",
        "mark hathersage",
        "chad okafor-bell",
        "tyler young",
        "min-jun bae",
        "wing-yan fujiwara",
        "bao nguyen",
        "van hung tran",
        "nguyen thi hanh",
        "wang he",
    ],
)
def test_names_of_many_languages(value: str) -> None:
    """A given name before or behind its surname, also if it is a word as well."""
    assert is_name(value, "it was ")


@pytest.mark.parametrize(
    "value",
    [
        "madison park",
        "grace period",
        "victoria flooding",
        "james webb",
        "an iban",
        "april fools",
        "daniel craig",
        "rose hill",
        "maria documentation",
    ],
)
def test_pairs_that_name_nobody(value: str) -> None:
    """Places, public figures and words of English stay."""
    assert not is_name(value, "it was ")


def test_a_verb_at_the_head_of_a_sentence() -> None:
    """``Mark`` before an unknown word is an instruction there, and a name elsewhere."""
    assert not is_name("mark kubeflow", "done. ")
    assert is_name("mark hathersage", "consignee ")


@pytest.mark.parametrize(
    ("value", "agrees"),
    [
        ("venkatesan, nikhil", True),
        ("macapagal, ryo g.", True),
        ("hobbs, dean", True),
        ("gu, minghao", True),
        ("beatles, elvis", False),
        ("fortunately, rome", False),
        ("paris, texas", False),
    ],
)
def test_a_surname_a_comma_and_a_given_name(value: str, agrees: bool) -> None:
    """An unknown surname needs a given name that stands for nothing else."""
    assert is_reversed(value, "") == agrees


@pytest.mark.parametrize(
    ("value", "agrees"),
    [
        ("okafor amara", True),
        ("fox imogen", True),
        ("vandermeer, wojciech", True),
        ("nasa homer", False),
        ("usa today", False),
    ],
)
def test_a_surname_in_capitals(value: str, agrees: bool) -> None:
    """A given name must follow."""
    assert is_surname_first(value, "") == agrees


def test_initials() -> None:
    """A known surname counts anywhere, an unknown one in a line of text or below a greeting."""
    assert has_initials("p. widodo", "kind regards\n")
    assert has_initials("a. quispe", "present: ")
    assert not has_initials("a. florbits", "\n")
    assert not has_initials("u.s. treasury", "of the ")


@pytest.mark.parametrize(
    ("value", "before", "agrees"),
    [
        ("tobias", "and then ", True),
        ("hyun-woo", "cc ", True),
        ("katrina", "hurricane ", False),
        ("adriana", "hotel ", False),
        ("hermione", "and ", False),
        ("sofia", "in ", False),
        ("jan", "in ", False),
    ],
)
def test_a_given_name_without_more(value: str, before: str, agrees: bool) -> None:
    """Unless it stands for somebody or something else as well."""
    assert is_alone(value, before) == agrees


def test_users_in_small_letters() -> None:
    """A known given name and a surname."""
    assert is_user("sang-hoon lim", "")
    assert is_user("craig halloran-brooke", "")
    assert is_user("yuchen ren", "")
    assert not is_user("mark done", "")
    assert not is_user("marine life", "")
    assert not is_user("origin is", "")


def test_what_a_field_announces() -> None:
    """Any words behind a colon, known ones behind a role, no words of English."""
    assert is_announced("xyloth brandauer", "patient: ")
    assert not is_announced("xyloth", "patient ")
    assert not is_announced("passport", "guest | ")
    assert not is_announced("dr", "seen by ")
    assert not is_announced("xyloth", "file name: ")


def test_disguised_names() -> None:
    """Digits for letters and spaced letters count where the name behind them is known."""
    assert is_disguised("h4rr1et br00ks", "name: ")
    assert is_disguised("i m o g e n  h a l e", "ms. ")
    assert not is_disguised("b2 c3d4", "name: ")
    assert not is_disguised("harriet brooks", "name: ")
    assert not is_disguised("h4rr1et br00ks", "file name: ")


def test_names_in_fields_titles_and_greetings() -> None:
    """A field holds a known name, a title precedes any surname, a greeting a known name."""
    assert is_lower("kwame boateng", "name: ")
    assert not is_lower("lookup table", "name: ")
    assert has_title("thistlewood", "mr ")
    assert not has_title("pepper", "dr ")
    assert is_greeted("zofia", "regards,\n")
    assert not is_greeted("customer", "dear ")
