"""Meeting: members of a net that hear of each other, in one process over loopback; time runs fast."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web
from aiohttp.test_utils import make_mocked_request

from ledger.log import LogKey
from node.choice import chosen, position_of
from node.ends import Parting
from node.home import Home
from node.limits import MAX_HALF_OPEN
from node.links import PATH, Links
from node.settings import Settings
from protocol.frames import Kind

from ..support.members import Member, all_running, tell, until
from .conftest import Found

Make = Callable[..., list[Member]]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes hundredths."""
    monkeypatch.setattr("node.tending.TEND_SECONDS", 0.05)
    monkeypatch.setattr("node.links.REST_SECONDS", 0.05)
    monkeypatch.setattr("node.choice.TURN_SECONDS", 0.5)
    monkeypatch.setattr("node.choice.TURN_GAP_SECONDS", 0.01)
    for module in ("meeting", "company", "around"):
        monkeypatch.setattr(f"node.{module}.MEETING_SECONDS", 0.1)


@pytest.fixture
def make(found: Found) -> Make:
    """Found communes that do not know each other."""

    def made(count: int, **settings: object) -> list[Member]:
        return [Member(Home(found(f"Comuna {number}").home), **settings) for number in range(count)]

    return made


def journal_of(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, object]]:
    """The particulars of what happened, by its word."""
    return [record.__dict__["particulars"] for record in caplog.records if record.msg == event]


def test_a_node_that_is_starting_tells_of_nobody(make: Make) -> None:
    """Whoever asks at that moment finds the same facts as later."""
    (member,) = make(1)
    before = member.facts

    async def story() -> None:
        async with member.running():
            assert before.keys() <= member.facts.keys()
            assert {name: member.facts[name] for name in before} == before
            assert {"peers", "known", "announced"} <= before.keys()

    tell(story)


# Who is linked ----------------------------------------------------------------------------------


def test_few_nodes_are_all_linked(make: Make) -> None:
    members = make(4)

    async def story() -> None:
        async with all_running(members):
            for member in members:
                member.hears_of(*members)
            everybody = {member.log for member in members}
            await until(lambda: all(member.linked == everybody - {member.log} for member in members))
            assert all(peer["kept"] for peer in members[0].facts["peers"])
            assert members[0].facts["known"] == []

    tell(story)


def test_of_more_nodes_than_there_are_places_those_next_on_the_ring_stay_linked(make: Make) -> None:
    """Ten with four places each: two before, two after; the others are visited, and left when all is said."""
    members = make(10, live_links=4)
    positions = [position_of(member.log) for member in members]
    wanted = {
        member.log: {
            other.log
            for other in members
            if position_of(other.log) in chosen(position_of(member.log), positions, places=4)
        }
        for member in members
    }
    assert all(len(each) == 4 for each in wanted.values())

    def has_met_all(member: Member) -> bool:
        met = {LogKey(bytes.fromhex(name)) for name in _met(member)}
        return met >= {position_of(other.log) for other in members if other is not member}

    def is_settled(member: Member) -> bool:
        return member.linked == wanted[member.log]

    async def story() -> None:
        async with all_running(members):
            for member in members:
                member.hears_of(*members)
            await until(lambda: all(has_met_all(member) for member in members))
            # Visits come and go; between them there are the links that were chosen, and no others.
            settled: set[LogKey] = set()
            while len(settled) < len(members):
                settled |= {member.log for member in members if is_settled(member)}
                assert all(len(member.linked) <= 4 + 5 for member in members)
                await asyncio.sleep(0.01)
            first = members[0]
            resting = [other for other in members[1:] if other.log not in wanted[first.log]]
            await until(
                lambda: any((first.state_of(each) or {}).get("state") == "resting" for each in resting)
            )

    tell(story)


def _met(member: Member) -> set[str]:
    """The positions, in hex, of those that a member has met."""
    book = member.company._tries._book
    return {name for name, standing in book.items() if standing.met is not None and ":" not in name}


def test_one_that_is_visited_is_visited_again(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    members = make(4, live_links=2)
    ring = sorted(members, key=lambda member: member.log)

    async def story() -> None:
        async with all_running(members):
            for member in members:
                member.hears_of(*members)
            one, across = ring[0], ring[2]
            for _visit in range(3):
                await until(lambda: across.log in one.linked)
                await until(lambda: across.log not in one.linked)

    tell(story)


def test_when_a_chosen_node_goes_away_the_next_one_takes_its_place(make: Make) -> None:
    members = make(5, live_links=2)
    ring = sorted(members, key=lambda member: member.log)

    async def story() -> None:
        first, gone, heir = ring[0], ring[1], ring[2]
        async with all_running([member for member in ring if member is not gone]):
            async with gone.running():
                for member in ring:
                    member.hears_of(*ring)
                await until(lambda: {gone.log, ring[4].log} <= first.linked)
            await until(
                lambda: any(peer["kept"] and peer["log"] == heir.log.hex() for peer in first.facts["peers"])
            )
            await until(lambda: (first.state_of(gone) or {}).get("state") == "waiting")
            told = first.state_of(gone)
            assert told is not None
            assert (told["why"], told["failures"] > 0, told["met"] is not None) == ("unreachable", True, True)

    tell(story)


# Back-off ---------------------------------------------------------------------------------------


def test_who_could_not_be_met_is_left_alone_after_a_restart_too(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (member,) = make(1, peers=("127.0.0.1:9",))
    monkeypatch.setattr("node.company.MEETING_SECONDS", 60.0)
    tried: list[str] = []

    def told() -> dict[str, object]:
        (row,) = member.facts["known"]
        found: dict[str, object] = row
        return found

    async def never(*_: object) -> None:
        tried.append("once more")

    async def story() -> None:
        async with member.running():
            assert told()["state"] == "new"
            await until(lambda: told()["failures"] == 1)
            monkeypatch.setattr(Links, "meet", never)
        async with member.running():
            row = told()
            assert (row["state"], row["why"], row["address"]) == ("waiting", "closed", "127.0.0.1:9")
            assert (row["failures"], row["met"]) == (1, None)
            await asyncio.sleep(0.5)  # long enough for one that is tried at once
        assert not tried

    tell(story)


def test_a_node_whose_memory_is_damaged_starts_and_meets_others(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make(2)

    async def story() -> None:
        async with one.running(), other.running():
            one.hears_of(other)
            await until(lambda: other.log in one.linked)
        one.home.storage.write_bytes(b"no database" * 1_000)
        async with one.running(), other.running():
            one.hears_of(other)
            await until(lambda: other.log in one.linked)

    tell(story)
    assert journal_of(caplog, "put_aside")


def test_one_that_is_back_at_its_address_is_linked_again(make: Make) -> None:
    one, other = make(2)

    async def story() -> None:
        async with one.running():
            async with other.running():
                port = other.port
                one.hears_of(other)
                await until(lambda: other.log in one.linked)
            await until(lambda: (one.state_of(other) or {}).get("failures", 0) >= 2)
            async with other.running(port):
                await until(lambda: other.log in one.linked)
                await until(lambda: not one.company._tries.of(other.log[:8].hex()).failures)

    tell(story)


def test_pauses_stay_short_for_one_that_was_met_on_the_local_network(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be back any time, and whoever was never met may never have been there."""
    monkeypatch.setattr("node.meeting.MAX_AROUND_SECONDS", 0.02)
    one, other, never_met = make(3)

    async def story() -> None:
        async with one.running():
            async with other.running(), never_met.running():
                one.hears_of(other)
                await until(lambda: other.log in one.linked)
            one.hears_of(never_met)
            await until(lambda: (one.state_of(other) or {}).get("failures", 0) >= 9)
            row = one.state_of(never_met)
            assert row is not None
            assert row["met"] is None
            assert 0 < row["failures"] < 9

    tell(story)


# Whoever does not keep to it --------------------------------------------------------------------


def misbehave(liar: Member) -> None:
    """Say what may not be said, over all links."""
    assert liar.company._links is not None
    for end in liar.company._links._ends.values():
        if end.session._channel is not None:
            end.session._channel.put(Kind.STATE, bytes(15))
            end.look()


def test_who_breaks_the_protocol_is_sent_away_for_a_while_and_then_forgiven(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "trueque")
    monkeypatch.setattr("node.company.FAULT_SECONDS", 1.0)
    monkeypatch.setattr("node.tending.STEADY_SECONDS", 0.3)
    victim, liar = make(2)

    async def story() -> None:
        async with victim.running(), liar.running():
            liar.hears_of(victim)
            await until(lambda: liar.log in victim.linked)
            misbehave(liar)
            await until(lambda: victim.company.is_kept_out(liar.log))
            book = victim.company._faults
            assert book.of(liar.log.hex()).failures == 1
            # It comes again, proves who it is, and is told to come later.
            await until(lambda: any(said["code"] == "later" for said in journal_of(caplog, "farewell")))
            await until(lambda: (liar.state_of(victim) or {}).get("why") == "later")
            # After the pause it is let in, behaves, and nothing is left of it.
            await until(lambda: liar.log in victim.linked and not book.of(liar.log.hex()).failures)

    tell(story)


def test_each_fault_keeps_a_log_away_for_longer(make: Make) -> None:
    (victim,) = make(1)

    async def story() -> None:
        from protocol.errors import LeftOff, Misbehaved

        async with victim.running():
            peer, company = LogKey(b"\x07" * 32), victim.company
            company.faulted(peer, "10.0.0.7", LeftOff("It was slow."))
            assert not company.is_kept_out(peer), "being slow is no fault"
            waits = []
            for _time in range(4):
                company.faulted(peer, "10.0.0.7", Misbehaved("It said what it may not."))
                waits.append(company._faults.wait(peer.hex()))
            assert waits[0] < waits[2] < waits[3]
            assert waits[3] > 40
        async with victim.running():
            assert victim.company.is_kept_out(peer), "also after a restart"

    tell(story)


def test_a_host_from_which_faults_come_again_and_again_is_refused_at_the_door(make: Make) -> None:
    """Whatever key is used: keys cost nothing. The first two cost nothing either, others may be there too."""
    (victim,) = make(1)

    async def answer(host: str) -> int:
        request = make_mocked_request("GET", PATH)
        return (await victim.company._accept(request.clone(remote=host))).status

    async def story() -> None:
        from protocol.errors import Misbehaved

        fault = Misbehaved("It said what it may not.")
        async with victim.running():
            for number in range(3):
                with pytest.raises(web.HTTPBadRequest):  # let in, and no WebSocket
                    await answer("10.0.0.7")
                victim.company.faulted(LogKey(bytes([number]) * 32), "10.0.0.7", fault)
                victim.company.faulted(LogKey(bytes([number]) * 32), "127.0.0.1", fault)
            assert await answer("10.0.0.7") == 503
            assert await answer("::ffff:10.0.0.7") == 503
            for other in ("10.0.0.8", "127.0.0.1"):
                with pytest.raises(web.HTTPBadRequest):
                    await answer(other)

    tell(story)


def test_connections_that_say_nothing_take_some_places_and_no_more(make: Make) -> None:
    (victim,) = make(1)

    async def story() -> None:
        async with victim.running(), ClientSession() as client:
            url = f"ws://127.0.0.1:{victim.port}{PATH}"
            silent = [await client.ws_connect(url) for _ in range(MAX_HALF_OPEN)]
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect(url)
            assert refused.value.status == 503
            await silent[0].close()
            await until(lambda: len(victim.company._links.guests) < MAX_HALF_OPEN)  # type: ignore[union-attr]
            silent.append(await client.ws_connect(url))
            for socket in silent:
                await socket.close()

    tell(story)


def test_a_neighbour_that_stops_says_so_and_the_journal_shows_it(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trueque")
    one, other = make(2)

    async def story() -> None:
        async with one.running():
            async with other.running():
                one.hears_of(other)
                await until(lambda: other.log in one.linked)
            await until(lambda: other.log not in one.linked)

    tell(story)
    assert ("stopping", other.log.hex()[:16]) in [
        (said["code"], said["peer"]) for said in journal_of(caplog, "farewell")
    ]


def test_a_node_stops_although_a_link_that_ends_takes_no_notice(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (member,) = make(1, peers=("127.0.0.1:9",))
    tried: list[str] = []

    async def stubborn(*_: object) -> Parting:
        tried.append("once more")
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Parting(None)

    async def story() -> None:
        async with member.running():
            await until(lambda: tried)
            assert member.company._meetings is not None
            closing = asyncio.create_task(member.company._meetings.close())
            await asyncio.wait({closing}, timeout=5)
            assert closing.done()

    monkeypatch.setattr(Links, "meet", stubborn)
    tell(story)


def test_who_is_announced_no_more_is_forgotten(make: Make) -> None:
    one, other = make(2)

    async def story() -> None:
        async with one.running():
            async with other.running():
                one.hears_of(other)
                await until(lambda: other.log in one.linked)
            await until(lambda: one.state_of(other) is not None)
            one.loses(other)
            await until(lambda: not one.company._meetings.all)  # type: ignore[union-attr]
            assert one.facts["known"] == []

    tell(story)


def test_a_fault_of_the_program_while_links_are_opened_or_tended_is_not_the_end_of_meeting(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make(2)
    left = {"meet": 2, "rests": 2}

    def failing(name: str) -> None:
        usual = getattr(Links, name)

        def perhaps(links: Links, *given: Any) -> Any:
            if left[name]:
                left[name] -= 1
                raise RuntimeError("a fault")
            return usual(links, *given)

        monkeypatch.setattr(Links, name, perhaps)

    failing("meet")
    failing("rests")

    async def story() -> None:
        async with all_running([one, other]):
            one.hears_of(other)
            await until(lambda: one.linked == {other.log})
            await until(lambda: not left["rests"])
            await until(lambda: bool(one.company._tending and one.company._tending._resting))
        assert {fault["part"] for fault in journal_of(caplog, "fault")} == {"meeting", "tending"}

    tell(story)


def test_those_for_whom_one_node_has_no_place_visit_it_often_as_long_as_there_is_news(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A star: all know one address, where links with two are kept. An hour between turns is too long."""
    monkeypatch.setattr("node.choice.TURN_SECONDS", 3_600.0)
    monkeypatch.setattr("node.meeting.LONE_TURN_SECONDS", 0.2)
    hub, *others = make(5, live_links=2)

    async def story() -> None:
        async with hub.running(), AsyncExitStack() as stack:
            for member in others:
                member.settings = Settings(discovery=False, peers=(f"127.0.0.1:{hub.port}",))
                await stack.enter_async_context(member.running())
            met: dict[LogKey, set[int]] = {member.log: set() for member in others}

            def look() -> bool:
                for link in hub.company._links.linked if hub.company._links else ():
                    met[link.peer].add(link.number)
                return sum(len(numbers) >= 3 for numbers in met.values()) >= 2

            await until(look)
            alone = next(member for member in others if len(met[member.log]) >= 3)
            meetings = alone.company._meetings
            assert meetings is not None
            (meeting,) = meetings.all.values()
            assert meeting.pause > 0.2  # nothing new came of it
            await until(lambda: not alone.linked and not meeting.visits)
            meeting.turn = time.monotonic() + 3_600
            meetings.hurry()
            await until(lambda: hub.log in alone.linked)

    tell(story)
