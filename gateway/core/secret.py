"""A value that must not be shown, compared or stored by accident.

Python cannot promise to wipe memory, and this class does not claim to: it only closes the ways in
which a secret slips into a log line, a traceback, a cache key or a JSON body unnoticed.
"""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar

S = TypeVar("S", str, bytes)


class Secret(Generic[S]):
    """Hold a *value* that only :meth:`reveal` gives back.

    ``repr``, ``str`` and ``format`` show a placeholder; ``==``, ``hash``, ``pickle`` and ``copy``
    raise ``TypeError``, since each of them is a way to leak or to compare in variable time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: S) -> None:
        self._value: S = value

    def reveal(self) -> S:
        """Return the value itself. Each caller of this method is listed in a test."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "Secret(…)"

    def __format__(self, format_spec: str) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a Secret cannot be compared; reveal() it and use hmac.compare_digest")

    __hash__ = None  # type: ignore[assignment]  # a hashable secret ends up as a dictionary key

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
