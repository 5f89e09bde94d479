"""The JSON shapes of the admin API. Unknown members are refused; hashes and keys have no shape."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, StringConstraints

from gateway.control.clients import MAX_GRANTS, ClientGrants, IssuedCredential, RoleChange
from gateway.control.status import StatusReport
from gateway.core.access_log import AccessRecord
from gateway.core.grants import every_operation
from gateway.core.identity import Role
from gateway.core.keyring import KeyAlgorithm, KeyState, KeyUse, StoredKey
from gateway.core.registry import Credential, Revocation, RevocationKind, StoredClient
from gateway.core.shaping import parse_shaping

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
ShapingText = Annotated[str, AfterValidator(lambda text: str(parse_shaping(text)))]
Item = TypeVar("Item")


class Shape(BaseModel):
    """What all shapes share: no unknown member, no change after parsing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Shape, Generic[Item]):
    """One page of a list. *next* goes into the next call's query; null on the last page."""

    items: list[Item]
    next: str | None


class GrantsIn(Shape):
    """What a client is given. A part that is left out stays as it is, and denies when new."""

    models: Annotated[list[ModelName], Field(max_length=MAX_GRANTS)] | None = None
    networks: Annotated[list[IPvAnyNetwork], Field(max_length=MAX_GRANTS)] | None = None
    plaintext_allowed: bool | None = None
    shaping: ShapingText | None = None

    def grants(self) -> ClientGrants:
        """Return the value that the use cases take."""
        return ClientGrants(
            grants=None if self.models is None else every_operation(self.models),
            networks=None if self.networks is None else tuple(self.networks),
            plaintext_allowed=self.plaintext_allowed,
            shaping=None if self.shaping is None else parse_shaping(self.shaping),
        )


class RoleIn(Shape):
    """The role to assign."""

    role: Role


class RevocationIn(Shape):
    """What to withdraw."""

    kind: RevocationKind
    subject: Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ClientOut(Shape):
    """A registered client."""

    client_id: str
    role: Role
    models: list[str]
    networks: list[str]
    plaintext_allowed: bool
    disabled: bool
    shaping: str
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, stored: StoredClient) -> Self:
        """Return the shape of *stored*."""
        client = stored.client
        return cls(
            client_id=client.client_id,
            role=client.role,
            models=sorted(client.models),
            networks=[str(network) for network in client.networks],
            plaintext_allowed=client.plaintext_allowed,
            disabled=client.disabled,
            shaping=str(client.shaping),
            created_at=stored.created_at,
            changed_at=stored.changed_at,
        )


class CredentialOut(Shape):
    """A credential without its secret."""

    credential_id: str
    client_id: str
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, credential: Credential) -> Self:
        """Return the shape of *credential*."""
        return cls(
            credential_id=credential.credential_id,
            client_id=credential.client_id,
            created_at=credential.created_at,
            revoked_at=credential.revoked_at,
        )


class IssuedOut(Shape):
    """A fresh credential. Its secret is shown here and never again."""

    client_id: str
    credential_id: str
    client_secret: str

    @classmethod
    def of(cls, issued: IssuedCredential) -> Self:
        """Return the shape of *issued*."""
        return cls(
            client_id=issued.client_id,
            credential_id=issued.credential_id,
            client_secret=issued.secret.reveal(),
        )


class RoleOut(ClientOut):
    """A client with its new role, and its fresh credential if that is a staff role."""

    credential: IssuedOut | None = None

    @classmethod
    def of_change(cls, change: RoleChange) -> Self:
        """Return the shape of *change*."""
        issued = change.issued
        credential = None if issued is None else IssuedOut.of(issued)
        return cls.of(change.stored).model_copy(update={"credential": credential})


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
