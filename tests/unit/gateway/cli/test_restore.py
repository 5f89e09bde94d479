"""``sealgate restore``: nothing that was withdrawn after a backup comes back with it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from gateway.configured_room import open_control, utc_now
from gateway.control.client_authentication import ClientProof, SecretProof
from gateway.control.room import ControlRoom
from gateway.core.errors import InvalidClient, InvalidToken, StoreUnavailable
from gateway.core.policy import Snapshot
from gateway.core.secret import Secret
from gateway.core.token_verifier import TokenVerifier


class Site:
    """A gateway's folder with one client, its token, and a backup of them."""

    def __init__(self, sealgate: Callable[..., Any], config: Path) -> None:
        self.sealgate, self.config = sealgate, config
        self.state, self.file = config.parent / "var", config.parent / "store.backup"
        self.client: dict[str, str] = {}
        self.token = ""

    def prepare(self) -> None:
        """Make all of it."""
        self.ok("init")
        self.client = self.json("clients", "create", "--model", "tiny", "--network", "127.0.0.0/8")
        self.token = self.within(self.issue)
        self.ok("backup", str(self.file))

    def ok(self, *words: str) -> str:
        """Run a command that is to succeed; return what it printed."""
        done = self.sealgate(*words)
        assert done.code == 0, done.err
        return str(done.out)

    def json(self, *words: str) -> Any:
        """Run a command and return its JSON."""
        return json.loads(self.ok(*words, "--json"))

    def within(self, work: Callable[[ControlRoom], Any]) -> Any:
        """Return what *work* does in the control room as a gateway has it."""

        async def run() -> Any:
            room = await open_control(self.config)
            try:
                await room.keys.ensure_first()
                return await work(room)
            finally:
                await room.close()

        return asyncio.run(run())

    async def issue(self, room: ControlRoom) -> str:
        """Return a token for the client's first secret."""
        secret = SecretProof(self.client["client_id"], Secret(self.client["client_secret"]))
        proof = ClientProof(secret, ip_address("127.0.0.1"))
        return (await room.tokens.issue(proof)).token.reveal()

    async def use(self, room: ControlRoom) -> None:
        """Raise ``InvalidToken`` unless the token of before the backup is good."""
        snapshot: Snapshot = room.snapshots.current()
        verifier = TokenVerifier(room.tokens.rules.expectations)
        verifier.verify(self.token, snapshot=snapshot, now=utc_now())

    def keys(self) -> dict[str, str]:
        """Return the state of each key."""
        return {row["kid"]: row["state"] for row in self.json("keys", "list")}

    def seq(self) -> int:
        """Return the number of the key document."""

        async def read(room: ControlRoom) -> int:
            return room.snapshots.document_state().seq

        return int(self.within(read))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return where the first site of this module is copied to, and what is known of it."""
    return tmp_path_factory.mktemp("prepared") / "site", {}


@pytest.fixture
def site(sealgate: Callable[..., Any], config: Path, prepared: tuple[Path, dict[str, Any]]) -> Site:
    """Return a site that has just been backed up."""
    made, (copy, known) = Site(sealgate, config), prepared
    if not known:
        made.prepare()
        shutil.copytree(config.parent, copy)
        known |= {"client": made.client, "token": made.token}
    else:
        shutil.copytree(copy, config.parent, dirs_exist_ok=True)
        made.client, made.token = known["client"], known["token"]
    return made


def lose(site: Site, way: str) -> None:
    """Let the present store go on, be gone with its mark, or be an old copy of itself."""
    if way == "gone":
        (site.state / "sealgate.db").unlink()
        (site.state / "high-water").unlink()
        site.ok("migrate")
    elif way == "old copy":
        shutil.copy(site.config.parent / "old.db", site.state / "sealgate.db")


WAYS = ["goes on", "gone", "old copy"]


@pytest.mark.parametrize("way", WAYS)
def test_everything_withdrawn_after_the_backup_stays_withdrawn(site: Site, way: str) -> None:
    """A token, a credential, a client and keys; the number of the key document does not fall."""
    site.within(site.use)
    client_id = site.client["client_id"]
    document, encryption = (
        next(row["kid"] for row in site.json("keys", "list") if row["use"] == use)
        for use in ("document", "encryption")
    )
    disabled = site.json("clients", "create", "--model", "tiny", "--network", "127.0.0.0/8")
    site.ok("backup", str(site.file), "--force")
    shutil.copy(site.state / "sealgate.db", site.config.parent / "old.db")
    site.ok("revoke", "client", client_id)
    site.ok("credentials", "revoke", client_id, site.client["credential_id"])
    site.ok("clients", "disable", disabled["client_id"])
    site.ok("revoke", "key", document)
    site.ok("revoke", "key", encryption)
    seq = site.seq()
    lose(site, way)
    site.ok("restore", str(site.file), "--force")
    for refused, error in ((site.use, InvalidToken), (site.issue, InvalidClient)):
        with pytest.raises(error):
            site.within(refused)
    assert site.json("clients", "read", disabled["client_id"])["disabled"]
    states = site.keys()
    assert (states[document], states[encryption]) == ("revoked", "revoked")
    assert "active" in states.values()
    assert site.seq() >= seq
    site.ok("audit", "verify")
    assert "store.restore" in site.ok("audit", "list", "--limit", "1000", "--json")


def test_old_file_behind_the_gateways_back(site: Site) -> None:
    """Neither a gateway nor a command takes it; each says what to do, and doing so is enough."""
    shutil.copy(site.state / "sealgate.db", site.config.parent / "old.db")
    site.ok("revoke", "token", "j-1")
    lose(site, "old copy")
    for words in (("serve",), ("status",), ("revoke", "token", "j-2")):
        refused = site.sealgate(*words)
        assert refused.code == 1
        assert "An old copy of the store was put back" in refused.err
    with pytest.raises(StoreUnavailable, match="old copy"):
        site.within(site.use)
    site.ok("backup", str(site.file), "--force")
    site.ok("restore", str(site.file), "--force")
    assert site.json("clients", "read", site.client["client_id"])["disabled"]


def test_store_with_clients_needs_leave(site: Site) -> None:
    """Without --force nothing is done."""
    before = site.json("status")
    refused = site.sealgate("restore", str(site.file))
    assert refused.code == 1
    assert "--force" in refused.err
    assert site.json("status") == before


def test_operator_who_vouches(site: Site) -> None:
    """Clients, credentials and pins go on at once; old tokens and sealed messages do not."""
    pin = site.ok("keys", "pin")
    before = {row["kid"] for row in site.json("keys", "list") if row["use"] == "encryption"}
    lose(site, "gone")
    site.ok("restore", str(site.file), "--nothing-withdrawn-since")
    assert site.ok("keys", "pin") == pin
    with pytest.raises(InvalidToken):
        site.within(site.use)
    site.token = site.within(site.issue)
    states = site.keys()
    assert {states[kid] for kid in before} == {"revoked"}


def test_damaged_file(site: Site) -> None:
    """It is refused in one line, and the store is as it was."""
    before = site.json("status")
    site.file.write_bytes(site.file.read_bytes()[:-1])
    refused = site.sealgate("restore", str(site.file), "--force")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "not a whole backup" in refused.err
    assert site.json("status") == before


def test_restore_without_the_wrapping_key(site: Site) -> None:
    """What cannot be known is withdrawn all the same; that there are no keys yet is said."""
    lose(site, "gone")
    (site.state / "storage.key").unlink()
    restored = site.sealgate("restore", str(site.file))
    assert restored.code == 0
    assert "not its keys" in restored.err
