"""The JSON shapes of the admin API. Unknown members are refused; hashes and keys have no shape."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.control.status import StatusReport
from gateway.core.access_log import AccessRecord
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import Revocation, RevocationKind

Item = TypeVar("Item")


class Shape(BaseModel):
    """What all shapes share: no unknown member, no change after parsing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Shape, Generic[Item]):
    """One page of a list. *next* goes into the next call's query; null on the last page."""

    items: list[Item]
    next: str | None


class RevocationIn(Shape):
    """What to withdraw."""

    kind: RevocationKind
    subject: Annotated[str, StringConstraints(min_length=1, max_length=128)]


class KeyOut(Shape):
    """A key pair without any of its bytes."""

    kid: str
    use: KeyUse
    algorithm: KeyAlgorithm
    state: KeyState
    key_id: int | None
    created_at: datetime
    activates_at: datetime | None
    activated_at: datetime | None
    retires_at: datetime | None
    revoked_at: datetime | None
    drain: bool

    @classmethod
    def of(cls, key: StoredKey) -> Self:
        """Return the shape of *key*."""
        return cls(**{name: getattr(key, name) for name in cls.model_fields})


class RevocationOut(Shape):
    """A revocation."""

    kind: RevocationKind
    subject: str
    revoked_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, revocation: Revocation) -> Self:
        """Return the shape of *revocation*."""
        return cls(**{name: getattr(revocation, name) for name in cls.model_fields})


class AccessRecordOut(Shape):
    """A line of the access log: all that is remembered of a request."""

    time: datetime
    status: int
    ip: str

    @classmethod
    def of(cls, record: AccessRecord) -> Self:
        """Return the shape of *record*."""
        return cls(time=record.at, status=record.status, ip=str(record.ip))


class DaysOut(Shape):
    """Days of the access log."""

    days: list[date]


class StatusOut(Shape):
    """The gateway at a glance."""

    revision: int
    clients: int
    clients_disabled: int
    keys: list[KeyOut]
    revocations: dict[RevocationKind, int]

    @classmethod
    def of(cls, report: StatusReport) -> Self:
        """Return the shape of *report*."""
        return cls(
            revision=report.revision,
            clients=report.clients,
            clients_disabled=report.clients_disabled,
            keys=[KeyOut.of(key) for key in report.keys],
            revocations=report.revocations,
        )
