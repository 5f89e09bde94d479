"""Composition: which listener answers what, and a gateway that does not start unchecked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.app import Applications, build_applications, running_gateway
from gateway.backends.key_wrap import FileKeyWrap, create_key_file
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.configured_room import open_control
from gateway.configured_stages import Outside
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord, SegmentState
from gateway.core.errors import StoreUnavailable
from gateway.core.grants import DataClass
from gateway.core.keyring import KeyUse
from gateway.core.policy import HERE_ONLY, ModelPolicy
from gateway.settings import Configuration, SettingsError, load_configuration
from tests.fakes.asgi import Answer, call, scope
from tests.fakes.control import LOCAL, FakeClock, make_room, open_log
from tests.fakes.database import make_database
from tests.fakes.world import FakeAnswer, FakeUpstream

MODELS = "[models.tiny]\n[models.draft]\nproduction = false\n"
OAUTH = [
    ("POST", "/oauth2/token"),
    ("POST", "/oauth2/revoke"),
    ("GET", "/oauth2/jwks"),
    ("GET", "/.well-known/oauth-authorization-server"),
]
SEALED = "/.well-known/ohttp-gateway"
INFERENCE = [("POST", SEALED), ("POST", "/v1/chat/completions"), ("GET", "/v1/models")]
HEALTH = [("GET", "/livez"), ("GET", "/readyz")]
ADMIN = [("GET", "/admin/v1/clients"), ("GET", "/admin/v1/openapi.json"), ("GET", "/metrics")]


class Records:
    """An access log that keeps its records."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def write(self, record: AccessRecord) -> None:
        """Keep the status of *record*."""
        self.statuses.append(record.status)


def outside(records: Records) -> Outside:
    """Return a healthy model server, *records* and a memory of recent requests."""
    return Outside(
        upstream=FakeUpstream(FakeAnswer([b"{}"])),
        access_log=records,
        replay_store=MemoryReplayStore(FakeClock()),
        memory=SharedMemory(LimitsQuotaStore.in_memory(FakeClock())),
    )


class Built(NamedTuple):
    """Both applications and what they were built over."""

    apps: Applications
    room: ControlRoom
    records: Records


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration file whose state lies beside it."""
    path = tmp_path / "sealgate.toml"
    path.write_text(MODELS, "utf-8")
    return path


@pytest.fixture
async def built(tmp_path: Path, config: Path) -> AsyncIterator[Built]:
    """Give the applications over a store in memory and a model server that is healthy."""
    room, records = make_room(tmp_path, FakeClock()), Records()
    await room.keys.ensure_first()
    apps = build_applications(load_configuration(config), room, outside(records))
    yield Built(apps, room, records)
    await room.close()


@pytest.fixture
def prepared(config: Path) -> Configuration:
    """Return the configuration of a gateway that has its key file and an empty store."""
    configuration = load_configuration(config)
    configuration.at.directory.mkdir(mode=0o700)
    create_key_file(configuration.at.storage_key_file)
    make_database(configuration.at.database_url)
    return configuration


def configured(config: Path, text: str) -> Configuration:
    """Return the configuration after *text* was put into its file."""
    config.write_text(text, "utf-8")
    return load_configuration(config)


def lose(*files: Path) -> None:
    """Delete files of the state."""
    for file in files:
        file.unlink()


async def ask(app: object, method: str, target: str) -> Answer:
    """Return the answer to a call without a token."""
    return await call(app, scope(method, target, [(b"host", b"127.0.0.1:8443")]))


@pytest.mark.parametrize(
    ("method", "target"), [*OAUTH, *INFERENCE, *HEALTH, ("GET", "/.well-known/ohttp-gateway")]
)
async def test_public_listener_serves_its_routes(built: Built, method: str, target: str) -> None:
    """Tokens, keys, inference and health are there, and each call is recorded once."""
    answer = await ask(built.apps.public, method, target)
    assert answer.status not in {0, 404, 405, 500}
    assert built.records.statuses == [answer.status]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        *ADMIN,
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/health"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/messages/count_tokens"),
        ("GET", "/v1/models/nowhere"),
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/v1//chat/completions"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "/v1/chat/completions?x=1"),
        ("GET", "/oauth2/token"),
    ],
)
async def test_public_listener_has_nothing_else(built: Built, method: str, target: str) -> None:
    """Administration, metrics and the model server's other paths do not exist there."""
    assert (await ask(built.apps.public, method, target)).status == 404
    assert built.records.statuses == [404]


@pytest.mark.parametrize(("method", "target"), [*ADMIN, *HEALTH])
async def test_admin_listener_serves_its_routes(built: Built, method: str, target: str) -> None:
    """Administration, metrics and health are there; administration asks for a token."""
    answer = await ask(built.apps.admin, method, target)
    assert answer.status == (401 if target.endswith("/clients") else 200)
    assert built.records.statuses == [answer.status]


@pytest.mark.parametrize(("method", "target"), [*OAUTH, *INFERENCE])
async def test_admin_listener_serves_no_application(built: Built, method: str, target: str) -> None:
    """Neither tokens nor models are reached through the admin listener; strangers learn nothing."""
    assert (await ask(built.apps.admin, method, target)).status == 401


async def test_both_listeners_count_together(built: Built) -> None:
    """The metrics of the admin listener count what the public one answered."""
    await ask(built.apps.public, "GET", "/nothing")
    metrics = (await ask(built.apps.admin, "GET", "/metrics")).body
    assert b'sealgate_requests_total{status="404"} 1.0' in metrics


async def test_key_configurations_are_those_of_the_room(built: Built) -> None:
    """What clients seal to is what the snapshot in use opens."""
    answer = await ask(built.apps.public, "GET", SEALED)
    assert answer.body == built.room.snapshots.current().key_configurations


async def test_listeners_have_networks_of_their_own(
    tmp_path: Path, config: Path, built: Built
) -> None:
    """An address outside a listener's networks gets 403 there, and is let in at the other."""
    configuration = configured(config, '[listen]\nnetworks = ["192.0.2.0/24"]\n')
    apps = build_applications(configuration, built.room, outside(built.records))
    assert (await ask(apps.public, "GET", "/livez")).status == 403
    assert (await ask(apps.admin, "GET", "/livez")).status == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
async def test_listeners_have_proxies_of_their_own(config: Path, built: Built, header: str) -> None:
    """A listener's trusted proxies say who calls, in the header they write; health needs none."""
    section = (
        'networks = ["192.0.2.0/24", "127.0.0.1"]\ntrusted_proxies = ["127.0.0.1"]\n'
        f'forwarded_header = "{header}"\n'
    )
    name = "for=" if header == "forwarded" else ""
    for one, other in (("listen", "admin"), ("admin", "listen")):
        configuration = configured(config, f"[{one}]\n{section}[{other}]\n")
        apps = build_applications(configuration, built.room, outside(built.records))
        behind, plain = (apps.public, apps.admin)[:: 1 if one == "listen" else -1]
        for client, status in (("192.0.2.1", 404), ("203.0.113.7", 403)):
            headers = [(header.encode(), f"{name}{client}".encode())]
            answer = await call(behind, scope("GET", "/admin/v1/none", headers))
            expected = 401 if (one, status) == ("admin", 404) else status
            assert answer.status == expected
        assert (await ask(behind, "GET", "/nothing")).status == 403
        assert (await ask(behind, "GET", "/readyz")).status == 200
        assert (await ask(plain, "GET", "/nothing")).status in {401, 404}


async def test_issuer_is_the_configured_one(built: Built, config: Path) -> None:
    """The metadata name the issuer that the settings name."""
    configuration = configured(config, '[tokens]\nissuer = "https://id.example"\n')
    apps = build_applications(configuration, built.room, outside(built.records))
    answer = await ask(apps.public, "GET", "/.well-known/oauth-authorization-server")
    assert json.loads(answer.body)["issuer"] == "https://id.example"


async def test_running_gateway_makes_its_first_keys(prepared: Configuration) -> None:
    """A started gateway has keys to seal to, lives, and is not ready without a model server."""
    async with running_gateway(prepared) as apps:
        assert (await ask(apps.public, "GET", "/livez")).status == 200
        assert (await ask(apps.public, "GET", "/readyz")).status == 503
        assert (await ask(apps.public, "GET", SEALED)).body != b""
    wrap = FileKeyWrap.open(prepared.at.storage_key_file)
    reports = await open_log(prepared.at.access_log.records, wrap).verify()
    assert sum(report.records for report in reports) == 3
    assert {report.state for report in reports} == {SegmentState.WHOLE}


async def test_without_key_file_it_does_not_start(prepared: Configuration) -> None:
    """A gateway that cannot open its keys refuses to start."""
    lose(prepared.at.storage_key_file)
    with pytest.raises(StoreUnavailable, match="key file"):
        async with running_gateway(prepared):
            pass


async def test_with_another_key_file_it_does_not_start(prepared: Configuration) -> None:
    """A key file that does not open the stored keys is refused, not replaced."""
    async with running_gateway(prepared):
        pass
    lose(prepared.at.storage_key_file)
    create_key_file(prepared.at.storage_key_file)
    with pytest.raises(StoreUnavailable, match="does not open"):
        async with running_gateway(prepared):
            pass


async def test_without_tables_it_does_not_start(prepared: Configuration) -> None:
    """A store that was never prepared is refused."""
    lose(*prepared.at.directory.glob("sealgate.db*"))
    with pytest.raises(StoreUnavailable):
        async with running_gateway(prepared):
            pass


async def test_without_its_model_for_names_it_does_not_start(
    prepared: Configuration, config: Path
) -> None:
    """A gateway that was told to ask a model does not do without."""
    assert prepared.settings.scrub.ner is None
    told = configured(config, '[scrub]\nner = "gone.module:make"\n')
    with pytest.raises(SettingsError, match=r"scrub\.ner"):
        async with running_gateway(told):
            pass


async def test_fault_inside_still_closes_everything(prepared: Configuration) -> None:
    """An error of the server is passed on after the gateway was stopped, and it starts again."""
    with pytest.raises(RuntimeError):
        async with running_gateway(prepared):
            raise RuntimeError
    async with running_gateway(prepared) as apps:
        assert (await ask(apps.admin, "GET", "/livez")).status == 200


async def test_open_control_sees_what_the_gateway_sees(
    prepared: Configuration, config: Path
) -> None:
    """A command works on the same store, and its keys and models are those of the gateway."""
    async with running_gateway(prepared) as apps:
        answer = await ask(apps.public, "GET", "/oauth2/jwks")
        room = await open_control(config)
        kids = {key.kid for key in await room.keys.list_all(LOCAL) if key.use is KeyUse.SIGNING}
        await room.keys.rotate(LOCAL, KeyUse.SIGNING)
        policies = room.snapshots.current().models
        await room.close()
    assert {key["kid"] for key in json.loads(answer.body)["keys"]} == kids
    assert {name: policy.production for name, policy in policies.items()} == {
        "tiny": True,
        "draft": False,
    }


async def test_data_classes_reach_the_snapshot(prepared: Configuration, config: Path) -> None:
    """Clearance, location and the places of each class are what the file says, else here only."""
    async with running_gateway(prepared):
        pass
    configured(
        config,
        '[models.far]\nclearance = "core"\nlocation = "eu-1"\n'
        '[data_classes.public]\nlocations = ["eu-1"]\n',
    )
    room = await open_control(config)
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    current = room.snapshots.current()
    await room.close()
    assert current.models["far"] == ModelPolicy(clearance=DataClass.CORE, location="eu-1")
    assert current.locations == {**HERE_ONLY, DataClass.PUBLIC: frozenset({"eu-1"})}


async def test_adopted_models_are_served(built: Built, config: Path) -> None:
    """A model that was configured since is there, and one that is configured no more is not."""
    await built.apps.adopt(configured(config, "[models.new]\n"))
    statuses = [
        (await ask(built.apps.public, "GET", f"/v1/models/{name}")).status
        for name in ("new", "tiny")
    ]
    assert statuses == [401, 404]
    assert built.room.snapshots.current().models.keys() == {"new"}


async def test_quota_refusals_are_in_the_metrics(built: Built) -> None:
    """The admin listener tells how many calls were refused for a quota, and not whose."""
    metrics = (await ask(built.apps.admin, "GET", "/metrics")).body
    assert b"sealgate_quota_refusals_total 0.0" in metrics
