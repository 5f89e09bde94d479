"""Beside stages 2 and 3: measure the work that is done for callers before they are proven.

Stage 1 makes an attempt of each request; the stages that work for strangers ask it first and are
timed by it. Work is processor time of this thread, so a busy machine makes nobody pay more. Who is
refused here has cost a look at two numbers (``core.effort``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from gateway.core.effort import EffortBudget, EffortRules
from gateway.core.errors import SealgateError
from gateway.core.identity import Address
from gateway.core.sites import site_of

_BOUNDLESS: Final = EffortRules(site_share=1e9, strangers_share=1e9)

_Asked = ParamSpec("_Asked")
_Result = TypeVar("_Result")


class Attempt:
    """One request until its caller is proven. If it is left before, its work is charged."""

    __slots__ = ("_spending", "_spent", "site")

    def __init__(self, spending: Spending, site: str) -> None:
        self._spending = spending
        self.site = site
        self._spent = 0.0

    def verify(self) -> None:
        """Raise ``RateLimited`` or ``Overloaded`` unless work may be done for this caller."""
        self._spending.verify(self.site)

    def do(
        self, work: Callable[_Asked, _Result], *args: _Asked.args, **names: _Asked.kwargs
    ) -> _Result:
        """Return what *work* returns, or raise what it raises, and time it."""
        working = self._spending.working
        began = working()
        try:
            return work(*args, **names)
        finally:
            self._spent += working() - began

    def prove(self) -> None:
        """Note that the caller is who may call: the work is not held against anybody."""
        self._spent = 0.0
        self._spending.budget.prove(self.site, self._spending.monotonic())

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Charge what was spent and not proven."""
        if self._spent:
            self._spending.budget.charge(self.site, self._spent, self._spending.monotonic())
            self._spent = 0.0


class Spending:
    """Makes attempts over one budget; *count_refusal* is called for each refusal."""

    def __init__(
        self,
        rules: EffortRules = _BOUNDLESS,
        *,
        count_refusal: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        working: Callable[[], float] = time.thread_time,
    ) -> None:
        self.monotonic = monotonic
        self.working = working
        self.budget = EffortBudget(rules, now=monotonic())
        self._count_refusal = count_refusal

    def attempt(self, address: Address) -> Attempt:
        """Return the attempt of a request from *address*."""
        return Attempt(self, site_of(address))

    def verify(self, site: str) -> None:
        """Raise ``RateLimited`` or ``Overloaded`` unless work may be done for *site*; count it."""
        try:
            self.budget.verify(site, self.monotonic())
        except SealgateError:
            self._count_refusal()
            raise


def boundless_attempt() -> Attempt:
    """Return an attempt that may do any work, for where nobody set a budget."""
    return Attempt(Spending(), "")
