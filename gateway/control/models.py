"""The models and LoRA adapters that are configured, and where their data may go."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.control.actors import Actor
from gateway.control.acts import Acts
from gateway.core.policy import ModelPolicy, Permission


class Models:
    """The use case around the configured models, which change with the configuration alone."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    async def list_page(
        self, actor: Actor, *, after: str = "", limit: int = 50
    ) -> Sequence[tuple[str, ModelPolicy]]:
        """Return up to *limit* models whose name sorts after *after*.

        Raises ``PermissionDenied`` and ``StoreUnavailable``.
        """
        self._acts.verify(actor, Permission.READ_MODELS)
        models = self._acts.snapshots.current().models
        return [(name, models[name]) for name in sorted(models) if name > after][:limit]
