"""Answers under way end when what allowed them is withdrawn."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from gateway.core.errors import (
    AddressNotAllowed,
    EncryptionRequired,
    InvalidToken,
    PermissionDenied,
    UnknownKey,
)
from gateway.core.grants import DataClass, Grant, Operation, Parameter, Quota
from gateway.core.identity import Principal, Role
from gateway.core.policy import ModelPolicy, Permission, Revocations
from gateway.core.upstream_port import UpstreamRequest
from gateway.pipeline.cut import Grounds, RunningAnswers
from gateway.pipeline.exchange import Authorized, ModelCall
from tests.fakes.waiting import until
from tests.fakes.world import (
    APPLICATION,
    NOW,
    FixedSnapshots,
    decapsulated,
    snapshot,
    with_client,
)

PRINCIPAL = Principal(APPLICATION, "token-1", "sig-1", NOW, NOW + timedelta(minutes=5))

GRANT = Grant("tiny", Operation.CHAT_COMPLETIONS)

AUTHORIZED = Authorized(
    PRINCIPAL,
    Permission.CALL_MODEL,
    ModelCall(GRANT, DataClass.INTERNAL),
    UpstreamRequest("POST", "/v1/chat/completions"),
    new_scrubber=object,
    streamed=True,
)

WITHDRAWALS = {
    "token": (snapshot(revocations=Revocations(jtis=frozenset({"token-1"}))), InvalidToken),
    "client": (snapshot(revocations=Revocations(clients={"c-app": NOW})), InvalidToken),
    "disabled": (snapshot(with_client(disabled=True)), InvalidToken),
    "gone": (snapshot(with_client(client_id="c-other")), InvalidToken),
    "signing key": (replace(snapshot(), cut_key_ids=frozenset({"sig-1"})), InvalidToken),
    "grant": (snapshot(with_client(grants=frozenset())), PermissionDenied),
    "role": (snapshot(with_client(role=Role.AUDITOR)), PermissionDenied),
    "recipient key": (replace(snapshot(), cut_key_ids=frozenset({"enc-7"})), UnknownKey),
    "operation": (
        snapshot(with_client(grants=frozenset({Grant("tiny", Operation.COMPLETIONS)}))),
        PermissionDenied,
    ),
    "reclaimed grant": (
        snapshot(with_client(withheld=frozenset({GRANT.permission}))),
        PermissionDenied,
    ),
    "clearance": (
        replace(snapshot(), models={"tiny": ModelPolicy(clearance=DataClass.PUBLIC)}),
        PermissionDenied,
    ),
    "model moved": (
        replace(snapshot(), models={"tiny": ModelPolicy(location="eu-1")}),
        PermissionDenied,
    ),
    "location": (
        replace(snapshot(), locations={DataClass.INTERNAL: frozenset({"eu-1"})}),
        PermissionDenied,
    ),
    "address": (
        snapshot(with_client(networks=(ip_network("192.0.2.0/24"),))),
        AddressNotAllowed,
    ),
}


async def start(feed, work):
    """Run *work* under a guard, with the watch beside it."""
    running = RunningAnswers(feed)

    async def watch():
        while True:
            await running.cut_at_next_change()

    async def guarded():
        async with running.guard(Grounds.of(AUTHORIZED, decapsulated())):
            await work()

    watching, task = asyncio.create_task(watch()), asyncio.create_task(guarded())
    await until(lambda: running._guards)
    return watching, task, running


@pytest.mark.parametrize("name", WITHDRAWALS)
async def test_withdrawal_cuts_with_its_refusal(name):
    """Each kind of withdrawal ends the work at once, with the error a new call would get."""
    value, error = WITHDRAWALS[name]
    feed = FixedSnapshots()
    watching, task, running = await start(feed, asyncio.Event().wait)
    feed.replace(value)
    with pytest.raises(error):
        await asyncio.wait_for(task, 30)
    assert running._guards == set()
    watching.cancel()


async def test_other_changes_cut_nothing():
    """A change that concerns others leaves the work alone."""
    feed, done = FixedSnapshots(), asyncio.Event()
    watching, task, _ = await start(feed, done.wait)
    feed.replace(snapshot(revocations=Revocations(jtis=frozenset({"somebody else's"}))))
    await asyncio.sleep(0.02)
    assert not task.done()
    done.set()
    await task
    watching.cancel()


async def test_change_before_the_guard_is_seen():
    """What was withdrawn between the check of the token and the guard does not slip through."""
    running = RunningAnswers(FixedSnapshots(WITHDRAWALS["token"][0]))
    with pytest.raises(InvalidToken):
        async with running.guard(Grounds.of(AUTHORIZED, decapsulated())):
            raise AssertionError("must not be reached")


async def test_cancellation_from_outside_stays_one():
    """A client that leaves cancels the work; that is not taken for a withdrawal."""
    watching, task, _ = await start(FixedSnapshots(), asyncio.Event().wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    watching.cancel()


async def test_two_withdrawals_cut_once():
    """A second change while the work is ending changes nothing."""
    feed = FixedSnapshots()

    async def slow_to_end():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)

    watching, task, _ = await start(feed, slow_to_end)
    feed.replace(WITHDRAWALS["token"][0])
    await asyncio.sleep(0.02)
    feed.replace(WITHDRAWALS["gone"][0])
    with pytest.raises(InvalidToken):
        await asyncio.wait_for(task, 30)
    watching.cancel()


async def test_work_that_ended_by_itself_keeps_its_result():
    """A withdrawal that comes as the work fails does not hide the failure."""
    feed = FixedSnapshots()

    async def fails():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("own failure") from None

    watching, task, _ = await start(feed, fails)
    feed.replace(WITHDRAWALS["token"][0])
    with pytest.raises(ValueError, match="own failure"):
        await asyncio.wait_for(task, 30)
    watching.cancel()


def test_clear_request_rests_on_no_recipient_key():
    """A request in the clear is not cut when a recipient key is withdrawn."""
    grounds = Grounds.of(AUTHORIZED, decapsulated(seal=None))
    marked = snapshot(with_client(plaintext_allowed=True))
    grounds.verify(replace(marked, cut_key_ids=frozenset({"enc-7"})))
    with pytest.raises(EncryptionRequired):
        grounds.verify(snapshot())


def test_rotated_signing_key_cuts_nothing():
    """A token outlives the rotation of its key; only a withdrawn key ends what runs."""
    Grounds.of(AUTHORIZED, decapsulated()).verify(replace(snapshot(), verification_keys={}))


def test_list_of_models_rests_on_no_grant():
    """A list is cut when the client may list no more, not when one of its models is withdrawn."""
    listing = replace(AUTHORIZED, permission=Permission.LIST_MODELS, call=None)
    Grounds.of(listing, decapsulated()).verify(snapshot(with_client(grants=frozenset())))


def test_data_class_of_the_request_decides():
    """A call that named a lower class goes on when the model loses its clearance above that."""
    public = replace(AUTHORIZED, call=ModelCall(GRANT, DataClass.PUBLIC))
    lowered = replace(snapshot(), models={"tiny": ModelPolicy(clearance=DataClass.PUBLIC)})
    Grounds.of(public, decapsulated()).verify(lowered)
    with pytest.raises(PermissionDenied):
        Grounds.of(AUTHORIZED, decapsulated()).verify(lowered)


def test_smaller_quota_cuts_nothing():
    """A quota is asked before an answer begins; what runs is given in full."""
    nothing = snapshot(with_client(quota=Quota(requests_per_day=0, concurrent_streams=0)))
    Grounds.of(AUTHORIZED, decapsulated()).verify(nothing)


def test_an_answer_needs_the_parameters_that_it_was_asked_with():
    """Who may no longer have an echo gets no more of one."""
    echoing = frozenset({Parameter.ECHO})
    asked = replace(AUTHORIZED, call=ModelCall(GRANT, DataClass.INTERNAL, echoing))
    grounds = Grounds.of(asked, decapsulated())
    grounds.verify(snapshot(with_client(parameters=echoing)))
    with pytest.raises(PermissionDenied):
        grounds.verify(snapshot())
