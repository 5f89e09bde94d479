"""Parts of requests that need a grant."""

from typing import Any

import pytest

from gateway.core.errors import UnsupportedParameter
from gateway.core.grants import Parameter
from gateway.core.requests.features import use_embedded_features, use_features

IMAGE = {"type": "image_url", "image_url": {"url": "canary"}}
NEEDED: list[tuple[dict[str, Any], Parameter, str]] = [
    (
        {"messages": [{"content": "x"}, {"content": [{"type": "text"}, IMAGE]}]},
        Parameter.DATA_URLS,
        "/messages/1/content/1",
    ),
    (
        {"messages": [{"content": [{"type": "image"}]}]},
        Parameter.DATA_URLS,
        "/messages/0/content/0",
    ),
    ({"prompt": [1]}, Parameter.TOKEN_PROMPTS, "/prompt"),
    ({"prompt": [[1]]}, Parameter.TOKEN_PROMPTS, "/prompt"),
    ({"structured_outputs": {"regex": ""}}, Parameter.PATTERNS, "/structured_outputs/regex"),
    ({"structured_outputs": {"grammar": ""}}, Parameter.GRAMMARS, "/structured_outputs/grammar"),
]


@pytest.mark.parametrize(("checked", "parameter", "pointer"), NEEDED)
def test_each_part_needs_its_own_grant(
    checked: dict[str, Any], parameter: Parameter, pointer: str
) -> None:
    """All the others do not help; the refusal names the place and the grant, and no value."""
    with pytest.raises(UnsupportedParameter, match=parameter) as caught:
        use_features(checked, frozenset(Parameter) - {parameter})
    assert caught.value.pointer == pointer
    assert use_features(checked, frozenset({parameter})) == {parameter}


def test_embeddings_have_their_prompts_elsewhere() -> None:
    """The items of a response are no tokens, though they have the same name."""
    with pytest.raises(UnsupportedParameter):
        use_embedded_features({"input": [1]}, frozenset())
    granted = frozenset({Parameter.TOKEN_PROMPTS})
    assert use_embedded_features({"input": [[1]]}, granted) == granted
    assert use_features({"input": [{"role": "user"}]}, frozenset()) == frozenset()


def test_plain_requests_use_nothing() -> None:
    """Texts need no grant."""
    checked = {"messages": [{"content": "x"}, {}], "prompt": ["a"], "structured_outputs": {}}
    assert use_features(checked, frozenset(Parameter)) == frozenset()
