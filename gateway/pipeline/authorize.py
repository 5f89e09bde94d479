"""Stage 4: decide whether this principal may make this call, and what exactly the call is.

An exact table of (method, path); whatever is not in it does not exist. The body is parsed here and
rebuilt from what was checked, so that vLLM never parses bytes that the gateway has not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote

from gateway.core.answer_actions import choose_actions
from gateway.core.answers.asked import Asked
from gateway.core.answers.models import ModelFilter, ModelListFilter
from gateway.core.apis import APIS, Api
from gateway.core.conversation import ConversationKeys, find_conversation, random_key
from gateway.core.errors import (
    MalformedRequest,
    NotFound,
    PermissionDenied,
    StoreUnavailable,
    UnsupportedParameter,
)
from gateway.core.grants import DataClass, Grant
from gateway.core.identity import Principal
from gateway.core.pii.actions import Actions
from gateway.core.policy import (
    ModelPolicy,
    Permission,
    Snapshot,
    verify_data_class,
    verify_grant,
    verify_permission,
)
from gateway.core.ports import SnapshotSource, UseLog
from gateway.core.request_limits import limits_for
from gateway.core.requests.limits import limited
from gateway.core.secret import Secret
from gateway.core.tally import Tally
from gateway.core.text_scrubbers import TextScrubbers
from gateway.core.upstream_port import UpstreamRequest
from gateway.pipeline.exchange import Authorized, Decapsulated, Fresh, ModelCall, Scrubber

DATA_CLASS_HEADER = b"sealgate-data-class"
_MODELS = "/v1/models"


class Authorize:
    """Decides by role, grant, path and class of the data.

    A request is of its client's data class; a header ``Sealgate-Data-Class`` may name a lower one.
    """

    def __init__(self, snapshots: SnapshotSource, uses: UseLog) -> None:
        self._snapshots = snapshots
        self._uses = uses

    def __call__(self, fresh: Fresh) -> Authorized:
        """Return the call to make.

        Raises ``NotFound``, ``PermissionDenied``, ``MalformedRequest`` or
        ``UnsupportedParameter``.
        """
        authenticated = fresh.authenticated
        decapsulated = authenticated.decapsulated
        request = decapsulated.request
        decide = self._find(request.method.decode(), request.path.decode())
        if decide is None:
            raise NotFound
        authorized = decide(authenticated.principal, decapsulated, self._snapshots.current())
        self._note(authorized)
        return authorized

    def _find(self, method: str, path: str) -> _Decide | None:
        if method == "GET" and path.startswith(f"{_MODELS}/"):
            for name in self._snapshots.current().models:
                if path in paths_of_model(name):
                    return partial(_show_model, name=name)
        return _ROUTES.get((method, path))

    def _note(self, authorized: Authorized) -> None:
        """Remember the day on which the permission was used, and nothing else of the call."""
        client_id = authorized.principal.client.client_id
        self._uses.note(client_id, authorized.permission)
        if authorized.call is not None:
            self._uses.note(client_id, authorized.call.grant.permission)


def _call_model(
    principal: Principal, decapsulated: Decapsulated, snapshot: Snapshot, *, api: Api
) -> Authorized:
    verify_permission(principal, Permission.CALL_MODEL)
    _verify_json(decapsulated)
    client = principal.client
    limits = limits_for(client.limits, snapshot.request_limits)
    parsed = api.parse(
        decapsulated.request.body, client.usable_parameters, client.usable_extra_members
    )
    request = limited(parsed, limits)
    _verify_can_stream(decapsulated, streamed=request.stream)
    grant = Grant(request.model, api.operation)
    policy = verify_grant(principal, grant, snapshot.models)
    data_class = _data_class(principal, decapsulated)
    verify_data_class(data_class, policy, snapshot)
    actions = _actions(principal, decapsulated, policy, snapshot=snapshot)
    salted = request.salted(_keys(snapshot).cache_salt(client.client_id))
    tally = Tally(is_shown=request.usage_shown)

    def new_scrubber(scrubbers: TextScrubbers) -> Scrubber:
        asked = Asked(scrubbers, tally, request.stops, request.parameters)
        return api.new_scrubber(asked, streamed=request.stream)

    return Authorized(
        principal=principal,
        permission=Permission.CALL_MODEL,
        call=ModelCall(grant, data_class, request.parameters),
        upstream_request=UpstreamRequest(
            "POST",
            api.path,
            salted.upstream_body,
            model=request.model,
            client_id=client.client_id,
        ),
        new_scrubber=new_scrubber,
        streamed=request.stream,
        tally=tally,
        prompts=request.prompts,
        n=request.n,
        actions=actions,
        unmasked=salted.upstream if client.masks_requests else None,
    )


def _list_models(
    principal: Principal, decapsulated: Decapsulated, snapshot: Snapshot
) -> Authorized:
    visible = _visible_models(principal, decapsulated, snapshot)
    request = UpstreamRequest("GET", _MODELS, client_id=principal.client.client_id)
    return _ask_for_models(principal, request, partial(ModelListFilter, visible=visible))


def _show_model(
    principal: Principal, decapsulated: Decapsulated, snapshot: Snapshot, *, name: str
) -> Authorized:
    if name not in _visible_models(principal, decapsulated, snapshot):
        raise NotFound
    request = UpstreamRequest("GET", _MODELS, model=name, client_id=principal.client.client_id)
    return _ask_for_models(principal, request, partial(ModelFilter, name))


def _visible_models(
    principal: Principal, decapsulated: Decapsulated, snapshot: Snapshot
) -> frozenset[str]:
    verify_permission(principal, Permission.LIST_MODELS)
    if decapsulated.request.body:
        raise MalformedRequest("This request takes no body.")
    return principal.client.models & snapshot.models.keys()


def _ask_for_models(
    principal: Principal, request: UpstreamRequest, new_scrubber: Callable[[], Scrubber]
) -> Authorized:
    return Authorized(
        principal=principal,
        permission=Permission.LIST_MODELS,
        call=None,
        upstream_request=request,
        new_scrubber=lambda _: new_scrubber(),
        streamed=False,
    )


def _actions(
    principal: Principal, decapsulated: Decapsulated, policy: ModelPolicy, *, snapshot: Snapshot
) -> Actions:
    """Return what replaces values in the answer. Raises ``StoreUnavailable`` without a key."""
    client = principal.client
    conversation = find_conversation(decapsulated.request.headers)

    def key() -> Secret[bytes]:
        if conversation is None:
            return random_key()
        return _keys(snapshot).key(client.client_id, conversation)

    return choose_actions([client.scrubbing, policy.scrubbing, snapshot.scrubbing], key)


def _keys(snapshot: Snapshot) -> ConversationKeys:
    if snapshot.conversation_keys is None:
        raise StoreUnavailable("The gateway has no pseudonym key yet.")
    return snapshot.conversation_keys


def _data_class(principal: Principal, decapsulated: Decapsulated) -> DataClass:
    highest = principal.client.data_class
    headers = decapsulated.request.headers
    named = [value for name, value in headers if name.lower() == DATA_CLASS_HEADER]
    if not named:
        return highest
    try:
        (value,) = named
        data_class = DataClass(value.decode("ascii"))
    except ValueError:
        raise MalformedRequest(
            "Sealgate-Data-Class is one of public, internal, sensitive and core."
        ) from None
    if data_class.rank > highest.rank:
        raise PermissionDenied("The class of the data is above that of the client.")
    return data_class


def _verify_can_stream(decapsulated: Decapsulated, *, streamed: bool) -> None:
    seal = decapsulated.seal
    if streamed and seal is not None and not seal.profile.is_chunked:
        # It would be collected whole in memory, and the client would see nothing until the end.
        raise UnsupportedParameter("A stream needs a request of the chunked media type.")


def _verify_json(decapsulated: Decapsulated) -> None:
    headers = decapsulated.request.headers
    values = [value for name, value in headers if name.lower() == b"content-type"]
    if len(values) != 1 or values[0].split(b";")[0].strip().lower() != b"application/json":
        raise MalformedRequest("The content type must be application/json.")


_Decide = Callable[[Principal, Decapsulated, Snapshot], Authorized]

_ROUTES: dict[tuple[str, str], _Decide] = {
    **{("POST", api.path): partial(_call_model, api=api) for api in APIS.values()},
    ("GET", _MODELS): _list_models,
}


def paths_of_model(name: str) -> frozenset[str]:
    """Return the paths at which the model *name* is shown.

    As it is, and as the official SDKs write a name that holds a slash: percent-encoded in the one
    canonical way. No other spelling of it exists.
    """
    return frozenset({f"{_MODELS}/{name}", f"{_MODELS}/{quote(name, safe='')}"})


def inference_routes(models: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return every (method, path) of the model API; the public listener lets no other through."""
    shown = {("GET", path) for name in models for path in paths_of_model(name)}
    return frozenset(_ROUTES) | shown
