"""Loads the model that finds names, by the name of the function that makes it.

A model that cannot be loaded is a fault of the configuration: the gateway does not start without
the protection that was asked for.
"""

from __future__ import annotations

from importlib import import_module

from gateway.core.pii.ner import EntityFinder
from gateway.settings import SettingsError


def load_entity_finder(name: str) -> EntityFinder:
    """Return what the function *name*, ``package.module:function``, makes. May take seconds.

    Raises ``SettingsError`` when there is no such function, and whatever it raises itself.
    """
    module, _, function = name.partition(":")
    try:
        factory = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError):
        raise SettingsError([f"scrub.ner: there is no {name}"]) from None
    finder: EntityFinder = factory()
    if not callable(getattr(finder, "find", None)):
        raise SettingsError([f"scrub.ner: what {name} makes has no find()"])
    return finder
