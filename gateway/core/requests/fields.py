"""Checks of single request fields: each takes the field's name and value and returns the value.

What a check returns as a plain ``str`` is text, and personal data in it can be masked before the
model sees it (``core/masking``); what is an ``Exact`` goes on as it is.

Every check raises ``MalformedRequest`` whose detail names the field in our words and never holds
the value. ``None`` never reaches a check: a field that is null is a field that is absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.request_limits import HIGHEST

Check = Callable[[str, Any], Any]
"""Takes the name and the value of a field; returns what goes upstream, or raises."""

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MODEL: Final = re.compile(r"[A-Za-z0-9_./:@+-]{1,256}")
# A member name that is shown in an error is the caller's own text; it stays short and plain.
SHOWN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_TOKEN_ID: Final = re.compile(r"[0-9]{1,7}")


# Parts that would make the model server fetch an address of the caller's choice.
_MEDIA: Final = frozenset(
    [
        "image",
        "image_url",
        "input_image",
        "image_embeds",
        "image_pil",
        "input_audio",
        "audio_url",
        "audio_embeds",
        "video_url",
        "file",
        "input_file",
        "document",
    ]
)


class _LeftOut:
    """Marks a member that was understood and does not go upstream."""


LEFT_OUT: Final = _LeftOut()
"""What a check returns for a member that was understood and does not go upstream."""


class Exact(str):
    """A string that is no text: a name, an identifier, a word of ours. It is never masked."""

    __slots__ = ()


class FreeObject(dict[str, Any]):
    """An object whose members are the caller's own: names and numbers in it may say anything."""

    __slots__ = ()


MAX_PROMPTS: Final = 8
"""Of one completion."""

_MAX_TOKEN_ID: Final = 2**31
_SEED: Final = 2**63
_MAX_PLAIN_CHARACTERS: Final = 256


def malformed(name: str, needed: str) -> MalformedRequest:
    """Return the error for field *name*, which must be what *needed* says."""
    return MalformedRequest(f"The field '{name}' must be {needed}.")


def unsupported(name: str, reason: str = "") -> UnsupportedParameter:
    """Return the error for a field that is not let through; an odd *name* is not repeated."""
    if not SHOWN_NAME.fullmatch(name):
        return UnsupportedParameter("A field of the request is not supported.")
    return UnsupportedParameter(f"The field '{name}' is not supported{reason and ': ' + reason}.")


def place(refusal: SealgateError, step: str | int) -> SealgateError:
    """Return *refusal*, its pointer made to begin with *step*: a member's name or an index.

    A name that is not plain may be the caller's own text, so what is below it is not pointed at.
    """
    if isinstance(step, int) or SHOWN_NAME.fullmatch(step):
        refusal.pointer = f"/{step}{refusal.pointer}"
    else:
        refusal.pointer = ""
    return refusal


def integer(low: int, high: int) -> Check:
    """Return the check for a whole number from *low* to *high*."""

    def check(name: str, value: Any) -> Any:
        if type(value) is not int or not low <= value <= high:
            raise malformed(name, f"a whole number from {low} to {high}")
        return value

    return check


def number(low: float, high: float) -> Check:
    """Return the check for a number from *low* to *high*."""

    def check(name: str, value: Any) -> Any:
        if type(value) not in {int, float} or not low <= value <= high:
            raise malformed(name, f"a number from {low:g} to {high:g}")
        return value

    return check


token_limit: Final = integer(1, HIGHEST.output_tokens)
"""Accept how many tokens an answer may have."""

seed: Final = integer(-_SEED, _SEED - 1)
"""Accept the seed of a random generator."""


def one_of(*allowed: str) -> Check:
    """Return the check for one of a few words."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise malformed(name, "one of " + ", ".join(allowed))
        return Exact(value)

    return check


def flag(name: str, value: Any) -> Any:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise malformed(name, "true or false")
    return value


def text(name: str, value: Any) -> Any:
    """Accept any string."""
    if not isinstance(value, str):
        raise malformed(name, "a string")
    return value


def plain(name: str, value: Any) -> Any:
    """Accept a number, true, false or a short string: nothing that is made of parts."""
    is_short = isinstance(value, str) and len(value) <= _MAX_PLAIN_CHARACTERS
    if not is_short and not isinstance(value, int | float):
        raise malformed(
            name, f"a number, true, false or {_MAX_PLAIN_CHARACTERS} characters at most"
        )
    return value


def identifier(name: str, value: Any) -> Any:
    """Accept a short name of letters, digits and ``_ . : -``."""
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise malformed(name, "a short name of letters, digits, '_', '.', ':' and '-'")
    return Exact(value)


def model_name(name: str, value: Any) -> Any:
    """Accept a model name: an identifier that may look like a path."""
    if not isinstance(value, str) or not _MODEL.fullmatch(value):
        raise malformed(name, "a model name")
    return Exact(value)


def left_out(name: str, value: Any) -> Any:  # noqa: ARG001 - the form of Check
    """Accept anything; it goes no further."""
    return LEFT_OUT


def empty(name: str, value: Any) -> Any:
    """Accept the empty members that client libraries send back; they go no further."""
    if value not in ({}, [], ""):
        raise unsupported(name, "it is not text")
    return LEFT_OUT


def speaker_name(name: str, value: Any) -> Any:
    """Accept an identifier that is a text all the same: it may be that of a person."""
    return str(identifier(name, value))


def json_object(name: str, value: Any) -> Any:
    """Accept an object of any members."""
    if not isinstance(value, dict):
        raise malformed(name, "an object")
    return FreeObject(value)


def stop(name: str, value: Any) -> Any:
    """Accept one stop string or a few, none of them long: an answer is held back as far."""
    several = value if isinstance(value, list) else [value]
    most, longest = HIGHEST.stop_strings, HIGHEST.stop_characters
    is_short = all(isinstance(item, str) and len(item) <= longest for item in several)
    if len(several) > most or not is_short:
        raise malformed(
            name, f"a string or at most {most} of them, of {longest} characters at most"
        )
    return value


def logit_bias(name: str, value: Any) -> Any:
    """Accept biases from -100 to 100 by token id."""
    if not isinstance(value, dict) or len(value) > HIGHEST.biases:
        raise malformed(name, f"an object of at most {HIGHEST.biases} members")
    bias = number(-100, 100)
    for token, amount in value.items():
        if not _TOKEN_ID.fullmatch(token):
            raise malformed(name, "an object from token ids to numbers")
        bias(name, amount)
    return value


def prompt(name: str, value: Any) -> Any:
    """Accept one prompt or a few: strings, or lists of token ids."""
    if is_tokens(value):
        return value
    several = value if isinstance(value, list) else [value]
    are_prompts = _are_texts(several) or all(map(is_tokens, several))
    if not 1 <= len(several) <= MAX_PROMPTS or not are_prompts:
        raise malformed(name, f"a string or a list of at most {MAX_PROMPTS} strings")
    return value


def is_tokens(value: Any) -> bool:
    """Return whether *value* is a prompt of token ids; nobody can read those."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(token) is int and 0 <= token < _MAX_TOKEN_ID for token in value)
    )


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def exact_object(name: str, value: Any, *, members: Mapping[str, Check]) -> dict[str, Any]:
    """Return the object *value* with each of its *members* checked; others are refused.

    Members that are null, or that their check leaves out, are not in it.
    """
    if not isinstance(value, dict):
        raise malformed(name, "an object")
    checked: dict[str, Any] = {}
    for member, inner in value.items():
        check = members.get(member)
        if check is None:
            raise place(unsupported(member, f"unknown member of '{name}'"), member)
        if inner is not None:
            passed = checked_at(check, member, inner, at=member)
            if passed is not LEFT_OUT:
                checked[member] = passed
    return checked


def checked_at(check: Check, name: str, value: Any, *, at: str | int) -> Any:
    """Return what *check* makes of *value*; a refusal points to the member or index *at*."""
    try:
        return check(name, value)
    except SealgateError as refusal:
        place(refusal, at)
        raise


class Kind(NamedTuple):
    """One kind of object: its *members*, and which of them it *needs*."""

    members: Mapping[str, Check]
    needs: tuple[str, ...] = ()


def tagged_object(
    name: str, value: Any, *, kinds: Mapping[str, Kind], tag: str = "type"
) -> dict[str, Any]:
    """Return the object *value*, checked as the one of *kinds* that its member *tag* names.

    Raises ``UnsupportedParameter`` for those kinds that point elsewhere, such as images.
    """
    named = value.get(tag) if isinstance(value, dict) else None
    if not isinstance(named, str) or named not in kinds:
        if isinstance(named, str) and named in _MEDIA:
            raise UnsupportedParameter(f"The field '{name}' holds a part that is not text.")
        raise malformed(name, f"made of objects with a known '{tag}'")
    kind = kinds[named]
    checked = exact_object(name, value, members={**kind.members, tag: one_of(named)})
    require(name, checked, kind.needs)
    return checked


def list_of(check: Check, *, at_most: int, at_least: int = 1) -> Check:
    """Return the check for a list whose elements each pass *check*."""

    def check_list(name: str, value: Any) -> Any:
        if not isinstance(value, list) or not at_least <= len(value) <= at_most:
            raise malformed(name, f"a list of {at_least} to {at_most} elements")
        checked = [checked_at(check, name, element, at=at) for at, element in enumerate(value)]
        return [element for element in checked if element is not LEFT_OUT]

    return check_list


def require(name: str, checked: dict[str, Any], members: Iterable[str]) -> None:
    """Refuse a *checked* object that lacks one of *members*."""
    for member in members:
        if member not in checked:
            raise place(MalformedRequest(f"The field '{name}' lacks '{member}'."), member)
