"""The work that strangers can cause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effort import EffortBudget, EffortRules
from gateway.core.errors import Overloaded, RateLimited

RULES = EffortRules(site_share=0.1, strangers_share=0.25, known_seconds=600, max_sites=8)


def budget() -> EffortBudget:
    """Return a budget that nobody has used."""
    return EffortBudget(RULES, now=0.0)


def test_a_site_pays_for_what_it_does_not_prove() -> None:
    """A site that has used up its share is told when to come back, and the others go on."""
    spent = budget()
    spent.charge("bad", 0.12, 0.0)
    with pytest.raises(RateLimited) as caught:
        spent.verify("bad", 0.0)
    assert caught.value.retry_after_seconds == 1
    spent.verify("good", 0.0)
    spent.verify("bad", 0.5)


def test_strangers_have_a_bound_together_that_known_sites_do_not_feel() -> None:
    """A flood from many sites is refused as a whole; who was proven lately is served."""
    spent = budget()
    spent.prove("known", 0.0)
    for number in range(3):
        spent.charge(f"site-{number}", 0.09, 0.0)
    with pytest.raises(Overloaded):
        spent.verify("fresh", 0.0)
    spent.verify("known", 0.0)
    spent.charge("known", 0.2, 0.0)  # but known or not, a site has its own bound
    with pytest.raises(RateLimited):
        spent.verify("known", 0.0)
    spent.charge("site-9", 0.5, 600.0)
    with pytest.raises(Overloaded):  # known sites are not known for ever
        spent.verify("known", 600.0)


def test_memory_is_bounded() -> None:
    """However many sites come, so many are kept, and strangers displace no known site."""
    spent = budget()
    for number in range(20):
        spent.prove(f"known-{number}", 0.0)
    for number in range(100):
        spent.charge(f"site-{number}", 0.001, 0.0)
    assert len(spent) == 16
    spent.charge("more", 1.0, 0.0)
    spent.verify("known-19", 0.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.floats(0, 0.05),
            st.floats(0, 0.2),
        ),
        max_size=200,
    )
)
def test_unproven_work_stays_within_the_shares(
    calls: list[tuple[str, float, float]],
) -> None:
    """In any order, what is let through is at most share and savings, and one piece of work."""
    spent, now = budget(), 0.0
    done: dict[str, float] = {}
    for site, seconds, pause in calls:
        now += pause
        try:
            spent.verify(site, now)
        except (RateLimited, Overloaded):
            continue
        spent.charge(site, seconds, now)
        done[site] = done.get(site, 0.0) + seconds
    assert all(work <= 0.1 * (now + 1) + 0.05 + 1e-9 for work in done.values())
    assert sum(done.values()) <= 0.25 * (now + 1) + 0.05 + 1e-9


@given(st.floats(0, 1000), st.floats(-1000, 1000))
def test_a_debt_is_paid_back_soon(work: float, turned: float) -> None:
    """No work, and no clock that goes back, has a site refused for more than a few seconds."""
    spent = budget()
    spent.charge("a", work, 0.0)
    spent.charge("a", 0.0, turned)
    spent.verify("a", max(0.0, turned) + 5.01)
