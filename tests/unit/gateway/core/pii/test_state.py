"""One value under way."""

from gateway.core.pii.state import State


def test_a_step_is_learnt_once() -> None:
    """The way on is worked out at the first use and then remembered, None as well."""
    asked: list[int] = []

    def learn(moves: frozenset[int], kind: int) -> State | None:
        asked.append(kind)
        return State(learn, moves) if kind == 1 else None

    state = State(learn, frozenset({7}))
    assert state[1] is state[1]
    assert state[1] is not None
    assert state[2] is None
    assert state[2] is None
    assert asked == [1, 2]


def test_a_state_is_only_itself() -> None:
    """States are told apart by identity and can be keys, although they are dicts."""
    one, two = State(lambda _, __: None, frozenset()), State(lambda _, __: None, frozenset())
    assert one != two
    assert len({one, two}) == 2
