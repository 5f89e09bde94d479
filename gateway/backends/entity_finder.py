"""Loads the model that finds names, by the name of the function that makes it.

A model that cannot be loaded is a fault of the configuration: the gateway does not start without
the protection that was asked for.
"""

from __future__ import annotations

from importlib import import_module

from gateway.backends.fault_log import report_fault
from gateway.backends.timed_finder import TimedFinder
from gateway.settings import SettingsError


def load_entity_finder(name: str, *, seconds: float) -> TimedFinder:
    """Return what asks the models that the function *name*, ``package.module:function``, makes.

    The first is made at once, which may take seconds, and each has *seconds* for a sentence. Raises
    ``SettingsError`` when there is no such function, and whatever it raises itself.
    """
    module, _, function = name.partition(":")
    try:
        make = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as fault:
        # Perhaps it is there and needs something that is not.
        raise SettingsError(
            [f"scrub.ner: there is no {name} ({type(fault).__name__}: {fault})"]
        ) from None
    first = make()
    if not callable(getattr(first, "find", None)):
        raise SettingsError([f"scrub.ner: what {name} makes has no find()"])
    return TimedFinder(first, make, seconds=seconds, report=report_fault)
