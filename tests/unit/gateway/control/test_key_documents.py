"""The key document as it is served: what it holds in each state of the keys, how fresh it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.control.key_documents import SIGN_AGAIN_AFTER
from gateway.control.room import ControlRoom
from gateway.core import hpke
from gateway.core.errors import StoreUnavailable
from gateway.core.key_document import (
    DocumentForged,
    DocumentKeyStatus,
    DocumentRolledBack,
    KeyDocument,
    verify_key_document,
)
from gateway.core.keyring import KEY_ID_REST, KeyUse
from tests.fakes.control import ISSUER, LOCAL, FakeClock, LosableStore, make_room

KEMS = (hpke.KEM_X25519, hpke.KEM_XWING)


async def verified(room: ControlRoom, *, last_seq: int = 0) -> KeyDocument:
    """Return the document as a client that pins the present key reads it."""
    pin = await room.keys.document_pin(LOCAL)
    return verify_key_document(
        room.key_documents.current(), pin=pin, now=room.clock(), last_seq=last_seq
    )


def statuses(document: KeyDocument) -> dict[int, DocumentKeyStatus]:
    """Return the status of each key."""
    return {key.key_id: key.status for key in document.keys}


async def test_document_offers_the_active_keys(room: ControlRoom) -> None:
    """Both active keys are there, X-Wing preferred, each as the key list has it."""
    document = await verified(room)
    assert document.issuer == ISSUER
    assert document.expires_at - document.issued_at == timedelta(hours=1)
    assert [key.kem_id for key in document.keys] == [hpke.KEM_XWING, hpke.KEM_X25519]
    config = document.find_config(now=room.clock(), kem_ids=KEMS)
    assert config == room.snapshots.current().recipient_keys[1].config
    kids = {key.key_id: key.kid for key in document.keys}
    assert kids == room.snapshots.current().recipient_kids


async def test_document_follows_the_life_of_a_key(room: ControlRoom, clock: FakeClock) -> None:
    """Pending keys are not named, rotated ones retire, destroyed ones vanish; the number grows."""
    seqs = [(await verified(room)).seq]
    await room.keys.rotate(LOCAL, KeyUse.ENCRYPTION)
    document = await verified(room)
    assert set(statuses(document)) == {0, 1}
    seqs.append(document.seq)
    clock.advance(seconds=2)
    await room.snapshots.check()
    await room.keys.activate_due()
    document = await verified(room)
    assert statuses(document) == {
        0: DocumentKeyStatus.RETIRING,
        1: DocumentKeyStatus.RETIRING,
        2: DocumentKeyStatus.ACTIVE,
        3: DocumentKeyStatus.ACTIVE,
    }
    retiring = next(key for key in document.keys if key.key_id == 0)
    assert retiring.config is None
    assert retiring.expires_at is not None
    assert retiring.expires_at > clock.now
    seqs.append(document.seq)
    clock.advance(hours=1)
    await room.keys.maintain()
    document = await verified(room)
    assert set(statuses(document)) == {2, 3}
    seqs.append(document.seq)
    assert seqs == sorted(set(seqs))


async def test_revocation_is_in_the_next_document(room: ControlRoom, clock: FakeClock) -> None:
    """A revoked key is named as such at once, for as long as its identifier rests."""
    old = room.key_documents.current()
    seq = (await verified(room)).seq
    await room.keys.revoke(LOCAL, room.snapshots.current().recipient_kids[1])
    document = await verified(room, last_seq=seq + 1)
    assert statuses(document)[1] is DocumentKeyStatus.REVOKED
    assert document.find_config(now=clock.now, kem_ids=(hpke.KEM_XWING,)) is not None
    pin = await room.keys.document_pin(LOCAL)
    with pytest.raises(DocumentRolledBack):
        verify_key_document(old, pin=pin, now=clock.now, last_seq=document.seq)
    clock.now += KEY_ID_REST
    await room.snapshots.check()
    assert 1 not in statuses(await verified(room))


async def test_bytes_are_kept_for_a_while(room: ControlRoom, clock: FakeClock) -> None:
    """The same bytes are served for minutes, then signed afresh with most of an hour ahead."""
    first = room.key_documents.current()
    clock.now += SIGN_AGAIN_AFTER - timedelta(seconds=1)
    await room.snapshots.check()
    assert room.key_documents.current() is first
    assert (await verified(room)).expires_at - clock.now >= timedelta(minutes=30)
    clock.advance(seconds=1)
    await room.snapshots.check()
    assert room.key_documents.current() != first
    clock.advance(hours=-1)
    await room.snapshots.refresh()
    assert (await verified(room)).issued_at <= clock.now


async def test_other_changes_do_not_sign_again(room: ControlRoom) -> None:
    """A change that touches no encryption key leaves the document as it is."""
    first = room.key_documents.current()
    await room.keys.rotate(LOCAL, KeyUse.SIGNING)
    assert room.key_documents.current() is first


async def test_rotated_document_key_signs_at_once(room: ControlRoom) -> None:
    """After rotating the document key an old pin accepts nothing any more."""
    pin = await room.keys.document_pin(LOCAL)
    await room.keys.rotate(LOCAL, KeyUse.DOCUMENT)
    with pytest.raises(DocumentForged):
        verify_key_document(room.key_documents.current(), pin=pin, now=room.clock())
    assert await verified(room)


async def test_late_rotation_does_not_expire_an_active_key(
    room: ControlRoom, clock: FakeClock
) -> None:
    """A key whose rotation is overdue is still offered for a whole overlap from now on."""
    clock.advance(days=3)
    await room.snapshots.check()
    document = await verified(room)
    later = clock.now + timedelta(minutes=13)
    assert document.find_config(now=later, kem_ids=KEMS) is not None


async def test_no_document_without_a_trusted_state(tmp_path: Path, clock: FakeClock) -> None:
    """Before the first keys, and when the store is lost, no document is given out."""
    store = LosableStore()
    room = make_room(tmp_path, clock, store=store)
    await room.snapshots.refresh()
    with pytest.raises(StoreUnavailable):
        room.key_documents.current()
    await room.keys.ensure_first()
    assert room.key_documents.current()
    store.lost = True
    clock.advance(seconds=6)
    with pytest.raises(StoreUnavailable):
        room.key_documents.current()
