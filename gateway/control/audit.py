"""The audit trail: read, verified and exported by auditors. Whoever reads it is in it.

What the chain of digests proves, and what not, is ADR 0013.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from gateway.control.actors import Actor
from gateway.control.acts import Act, Action, Acts
from gateway.core.audit import AuditHead, AuditRow, TrailVerifier
from gateway.core.errors import AuditBroken
from gateway.core.policy import Permission

PAGE_ROWS: Final = 200  # some milliseconds of work between two turns of the event loop
_BEFORE_ALL: Final = -(2**63)  # a row with a number below 1 is found too


class AuditTrail:
    """The use cases around the audit trail.

    Every method raises ``PermissionDenied`` for anybody but an auditor and the local operator,
    ``StoreUnavailable`` when its own row cannot be written, and ``AuditBroken`` for a row that
    cannot be read.
    """

    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        self._store = acts.store

    async def list_page(
        self, actor: Actor, *, after: int = 0, limit: int = 50
    ) -> Sequence[AuditRow]:
        """Return up to *limit* rows whose number is above *after*, in their order."""
        await self._declare(actor, f"after {after}")
        return await self._store.list_audit(after=after, limit=limit)

    async def verify(self, actor: Actor, *, noted: AuditHead | None = None) -> AuditHead:
        """Return the head of the trail once every row up to it was checked, page by page.

        *noted* is a head that was written down earlier. Raises ``AuditBroken``, which names the
        first row that was altered, is missing, out of its place, or was added by another hand.
        """
        await self._declare(actor, "verify")
        head = await self._store.audit_head()
        verifier = TrailVerifier(noted=noted)
        async for rows in self._pages(head):
            for row in rows:
                verifier.feed(row)
        verifier.finish(head)
        await self._verify_end(head)
        return head

    async def export(self, actor: Actor) -> AsyncIterator[Sequence[AuditRow]]:
        """Return the whole trail up to now, page by page, this export's own row included."""
        await self._declare(actor, "export")
        return self._pages(await self._store.audit_head())

    async def _declare(self, actor: Actor, detail: str) -> None:
        act = Act(Action.READ_AUDIT, "audit", detail)
        await self._acts.declare(actor, Permission.READ_AUDIT, act)

    async def _pages(self, head: AuditHead) -> AsyncIterator[Sequence[AuditRow]]:
        after = _BEFORE_ALL
        while after < head.number:
            found = await self._store.list_audit(after=after, limit=PAGE_ROWS)
            page = [row for row in found if row.number <= head.number]
            if not page:
                return
            yield page
            after = page[-1].number

    async def _verify_end(self, head: AuditHead) -> None:
        """Raise ``AuditBroken`` for a row past *head* that was not written together with a head."""
        if not await self._store.list_audit(after=head.number, limit=1):
            return
        if (await self._store.audit_head()).number <= head.number:
            raise AuditBroken(f"Row {head.number + 1} was added past the end.")
