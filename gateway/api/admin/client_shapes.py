"""The JSON shapes of clients and what they are given.

A part that is there is never null by accident.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    StrictBool,
    StrictInt,
    StringConstraints,
    field_validator,
)
from pydantic_core import PydanticCustomError

from gateway.api.admin.credential_shapes import CredentialIn, IssuedOut, SecretIn
from gateway.api.admin.shapes import Shape, checked
from gateway.control.clients import MAX_GRANTS, ClientGrants, RoleChange
from gateway.core.grants import DataClass, Grant, Operation, Parameter, Quota, TokenBinding
from gateway.core.identity import Client, Role
from gateway.core.registry import CredentialKind, StoredClient
from gateway.core.request_limits import NAMES, parse_limits
from gateway.core.requests.extra_members import MAX_MEMBERS, parse_extra_members
from gateway.core.scrub_rules import Treatment
from gateway.core.shaping import parse_shaping
from gateway.core.written_rules import parse_scrub_rules

MAX_QUOTA = 10**12
"""Above this a quota limits nothing that a machine can do."""

MAX_RULES = 100
"""Rules for scrubbing of one client: more than there are types."""


def _from_name(value: object) -> object:
    """Read a bare name as every operation of the model."""
    return {"model": value, "operations": list(Operation)} if isinstance(value, str) else value


ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
ShapingText = Annotated[str, AfterValidator(lambda text: str(parse_shaping(text)))]
Limit = Annotated[StrictInt, Field(ge=1, le=MAX_QUOTA)] | None


ScrubText = Annotated[
    dict[str, Treatment],
    Field(max_length=MAX_RULES, examples=[{"default": "pseudonym", "PHONE": "mask"}]),
    checked(parse_scrub_rules),
]


ExtraMembers = Annotated[list[str], Field(max_length=MAX_MEMBERS), checked(parse_extra_members)]


RequestLimitsText = Annotated[
    dict[str, StrictInt],
    Field(max_length=len(NAMES), examples=[{"choices": 1, "output_tokens": 2000}]),
    checked(parse_limits),
]


class GrantShape(Shape):
    """The calls to one model or LoRA adapter."""

    model: ModelName
    operations: Annotated[list[Operation], Field(min_length=1, max_length=len(Operation))]


GrantIn = Annotated[
    GrantShape, BeforeValidator(_from_name, json_schema_input_type=ModelName | GrantShape)
]


class QuotaIn(Shape):
    """Limits to set. A member that is left out stays; null lifts it."""

    requests_per_minute: Limit = None
    requests_per_day: Limit = None
    tokens_per_minute: Limit = None
    tokens_per_day: Limit = None
    concurrent_streams: Limit = None


class GrantsIn(Shape):
    """What a client is given. A part that is left out stays as it is, and denies when new."""

    models: Annotated[list[GrantIn], Field(max_length=MAX_GRANTS)] | None = None
    networks: Annotated[list[IPvAnyNetwork], Field(max_length=MAX_GRANTS)] | None = None
    plaintext_allowed: StrictBool | None = None
    shaping: ShapingText | None = None
    data_class: DataClass | None = None
    token_binding: TokenBinding | None = None
    quota: QuotaIn | None = None
    scrub: ScrubText | None = None
    masks_requests: StrictBool | None = None
    parameters: Annotated[list[Parameter], Field(max_length=len(Parameter))] | None = None
    limits: RequestLimitsText | None = None
    extra_members: ExtraMembers | None = None

    @field_validator(
        "models", "networks", "plaintext_allowed", "shaping", "data_class", "token_binding",
        "quota", "scrub", "masks_requests", "parameters", "limits", "extra_members",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _verify_given(cls, value: object) -> object:
        if value is None:  # left out, or emptied? nobody should have to guess
            raise PydanticCustomError("sealgate", "must not be null")
        return value

    def grants(self) -> ClientGrants:
        """Return the value that the use cases take."""
        quota = None
        if self.quota is not None:
            quota = {name: getattr(self.quota, name) for name in self.quota.model_fields_set}
        return ClientGrants(
            grants=None if self.models is None else _grants(self.models),
            networks=None if self.networks is None else tuple(self.networks),
            plaintext_allowed=self.plaintext_allowed,
            shaping=None if self.shaping is None else parse_shaping(self.shaping),
            data_class=self.data_class,
            token_binding=self.token_binding,
            quota=quota,
            scrubbing=None if self.scrub is None else parse_scrub_rules(self.scrub),
            masks_requests=self.masks_requests,
            parameters=None if self.parameters is None else frozenset(self.parameters),
            limits=self.limits,
            extra_members=None if self.extra_members is None else frozenset(self.extra_members),
        )


def _grants(models: Iterable[GrantShape]) -> frozenset[Grant]:
    return frozenset(Grant(entry.model, name) for entry in models for name in entry.operations)


class ClientIn(GrantsIn):
    """A client to register. Its credential is a secret unless it says otherwise; null is none."""

    credential: CredentialIn | None = SecretIn(kind=CredentialKind.SECRET)


class RoleIn(Shape):
    """The role to assign."""

    role: Role


class QuotaOut(Shape):
    """Limits; null does not limit."""

    requests_per_minute: int | None
    requests_per_day: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    concurrent_streams: int | None

    @classmethod
    def of(cls, quota: Quota) -> Self:
        """Return the shape of *quota*."""
        return cls(**{name: getattr(quota, name) for name in cls.model_fields})


class ClientOut(Shape):
    """A registered client. *withheld* names permissions that were reclaimed and do not count."""

    client_id: str
    role: Role
    models: list[GrantShape]
    networks: list[str]
    plaintext_allowed: bool
    disabled: bool
    shaping: str
    data_class: DataClass
    token_binding: TokenBinding
    quota: QuotaOut
    withheld: list[str]
    scrub: dict[str, str]
    masks_requests: bool
    parameters: list[Parameter]
    limits: dict[str, int]
    extra_members: list[str]
    version: int
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, stored: StoredClient) -> Self:
        """Return the shape of *stored*."""
        client = stored.client
        return cls(
            client_id=client.client_id,
            role=client.role,
            models=_models(client),
            networks=[str(network) for network in client.networks],
            plaintext_allowed=client.plaintext_allowed,
            disabled=client.disabled,
            shaping=str(client.shaping),
            data_class=client.data_class,
            token_binding=client.token_binding,
            quota=QuotaOut.of(client.quota),
            withheld=sorted(client.withheld),
            scrub=client.scrubbing.as_written(),
            masks_requests=client.masks_requests,
            parameters=sorted(client.parameters),
            limits=dict(client.limits),
            extra_members=sorted(client.extra_members),
            version=stored.version,
            created_at=stored.created_at,
            changed_at=stored.changed_at,
        )


def _models(client: Client) -> list[GrantShape]:
    counting = [grant for grant in client.grants if grant.permission not in client.withheld]
    return [
        GrantShape(model=name, operations=sorted(g.operation for g in counting if g.model == name))
        for name in sorted({grant.model for grant in counting})
    ]


class RoleOut(ClientOut):
    """A client with its new role, and its fresh credential if that is a staff role."""

    credential: IssuedOut | None = None

    @classmethod
    def of_change(cls, change: RoleChange) -> Self:
        """Return the shape of *change*."""
        issued = change.issued
        credential = None if issued is None else IssuedOut.of(issued)
        return cls.of(change.stored).model_copy(update={"credential": credential})
