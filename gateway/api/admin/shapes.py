"""The JSON shapes of the admin API. Unknown members are refused; hashes and keys have no shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gateway.control.backends import BackendStatus
from gateway.control.status import StatusReport
from gateway.core.access_log import AccessRecord, SegmentReport, SegmentState
from gateway.core.errors import MalformedRequest
from gateway.core.grants import DataClass
from gateway.core.identity import Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.policy import ROLE_PERMISSIONS, ModelPolicy, Permission
from gateway.core.registry import EVERYTHING_SUBJECT, Revocation, RevocationKind

Item = TypeVar("Item")
Value = TypeVar("Value")


class Shape(BaseModel):
    """What all shapes share: no unknown member, no change after parsing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def checked(parse: Callable[[Value], object]) -> AfterValidator:
    """Return a validator that refuses what *parse* refuses, in its words, which are ours."""

    def check(value: Value) -> Value:
        try:
            parse(value)
        except MalformedRequest as refusal:
            raise PydanticCustomError("sealgate", "{text}", {"text": refusal.detail}) from None
        return value

    return AfterValidator(check)


class Page(Shape, Generic[Item]):
    """One page of a list. *next* goes into the next call's query; null on the last page."""

    items: list[Item]
    next: str | None


class RevocationIn(Shape):
    """What to withdraw. Everything needs no subject; a token and a key are withdrawn whole."""

    kind: RevocationKind
    subject: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    issued_before: AwareDatetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_everything(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("kind") == RevocationKind.EVERYTHING:
            return {"subject": EVERYTHING_SUBJECT, **value}
        return value


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


class SegmentOut(Shape):
    """What a check of one segment of the access log found, and at which frame it ended."""

    name: str
    day: date
    state: SegmentState
    is_sound: bool
    records: int
    frame: int

    @classmethod
    def of(cls, report: SegmentReport) -> Self:
        """Return the shape of *report*."""
        return cls(**{name: getattr(report, name) for name in cls.model_fields})


class ModelOut(Shape):
    """A served model or LoRA adapter, as it is configured."""

    name: str
    production: bool
    clearance: DataClass
    location: str

    @classmethod
    def of(cls, name: str, policy: ModelPolicy) -> Self:
        """Return the shape of *policy*."""
        return cls(
            name=name,
            production=policy.production,
            clearance=policy.clearance,
            location=policy.location,
        )


class RoleInfoOut(Shape):
    """A role and what it may do."""

    role: Role
    permissions: list[Permission]

    @classmethod
    def of(cls, role: Role) -> Self:
        """Return the shape of *role*."""
        return cls(role=role, permissions=sorted(ROLE_PERMISSIONS[role]))


class BackendOut(Shape):
    """A model server as the process that answers sees it. *healthy* is null before a check.

    No *models* means that it serves every model.
    """

    name: str
    models: list[str]
    drained: bool
    healthy: bool | None
    ejected: bool
    outstanding: int

    @classmethod
    def of(cls, status: BackendStatus) -> Self:
        """Return the shape of *status*."""
        load = status.load
        return cls(
            name=load.name,
            models=sorted(load.models),
            drained=status.drained,
            healthy=load.healthy,
            ejected=load.ejected,
            outstanding=load.outstanding,
        )


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
    backends: list[BackendOut]

    @classmethod
    def of(cls, report: StatusReport) -> Self:
        """Return the shape of *report*."""
        return cls(
            revision=report.revision,
            clients=report.clients,
            clients_disabled=report.clients_disabled,
            keys=[KeyOut.of(key) for key in report.keys],
            revocations=report.revocations,
            backends=[BackendOut.of(status) for status in report.backends],
        )
