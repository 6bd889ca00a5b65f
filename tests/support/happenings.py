"""What happens in a network of communes, made up from numbers alone, so that hypothesis can shrink it.

A step never fails: its numbers choose among what is there, mostly the newest.
Most of what happens makes sense (exchanges go from proposal to receipt), and
some of it does not: answers to the wrong entries, copied successions, heads
that were never signed, junk. Logs fork, are sealed too low, and are opened by
two charters; authorities are replaced twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from ledger import encoding
from ledger.errors import RecordError
from ledger.log import EntryId, Head
from ledger.records import (
    Accept,
    Cancel,
    Charter,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Need,
    Offer,
    Profile,
    Propose,
    Quantity,
    Receive,
    Recognise,
    Settle,
    Succession,
    Transfer,
    Unrecognise,
    Withdraw,
    parse,
    to_payload,
)
from tests.support.communes import (
    NETWORK,
    Writer,
    authority_of,
    found,
    key_of,
    kg,
    recovery_of,
    signed,
    succeed,
)
from tests.support.networks import MadeUp, Opened, pick

Step = tuple[int, int, int, int, int]
"""What is done, by whom, to which, how, and having seen what."""

NAMES: Final = ("Los Montes", "El Valle", "La Costa")
MAX_WRITERS: Final = 12
JUNK: Final = (b"\x00", b"minga", b"\x81\xa4kind\xc0", b"\x80", b"\xff" * 40, b"\xdc\x00\x00")


def _quantity(how: int) -> Quantity | None:
    odd = Quantity(15, 1, "kg"), Quantity(3, 0, "saco")
    return (None, kg(5), kg(10), kg(10), kg(20), *odd, kg(100))[how % 8]


def _offer(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    fields: dict[str, Any] = {"title": ("maíz", "maiz criollo", "yuca", "cine")[how % 4], "category": "food"}
    if how % 3 == 2 and network.listings:
        fields["replaces"] = pick(network.listings, which)
    network.listings.append(writer.say((Offer, Need)[which % 2], **fields))


def _propose(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    communes = {other.commune: other for other in network.writers if other.commune != writer.commune}
    others = list(communes.values())
    if not others:
        return
    partner = pick(others, which)
    legs = [(writer, partner, "maíz", _quantity(how))]
    if how % 3:
        legs.append((partner, writer, "clavos", _quantity(how // 3)))
    if how % 7 == 6 and len(others) > 1:
        third = next(other for other in others if other is not partner)
        legs = [legs[0], (partner, third, "clavos", None), (third, writer, "sal", kg(10))]
    fields: dict[str, Any] = {}
    if how % 5 == 4:
        fields["answer_by"] = 1_000 * (how % 64)
    if how % 4 == 3 and network.proposals:
        replaced = pick(network.proposals, how // 16)
        fields["replaces"] = replaced.id
    entry = writer.propose(*legs, seen=network.seen(seen, [partner], writer), **fields)
    record = parse(writer.payloads[-1])
    assert isinstance(record, Propose)
    network.proposals.append(Opened(entry, writer.commune, record))


def _draw_on(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A proposal that draws on a listing, or on something that is none."""
    partner = pick(network.writers, how)
    if partner.commune == writer.commune:
        return
    names = network.listings or network.ids()
    parties = tuple(sorted((writer.commune, partner.commune)))
    giver = parties.index(writer.commune)
    listing = pick(names if how % 4 else network.ids(), which)
    transfer = Transfer(giver=giver, receiver=1 - giver, title="maíz", listing=listing, quantity=kg(10))
    heads = network.seen(seen, [partner], writer)
    entry = writer.say(Propose, parties=parties, transfers=(transfer,), seen=heads)
    record = parse(writer.payloads[-1])
    assert isinstance(record, Propose)
    network.proposals.append(Opened(entry, writer.commune, record))


def _about(
    network: MadeUp, writer: Writer, which: int, how: int, side: Callable[[Opened], Sequence[bytes]]
) -> tuple[Opened, Writer] | None:
    """An exchange, and somebody who has a say in it; now and then anybody."""
    if not network.proposals:
        return None
    opened: Opened = pick(network.proposals, which)
    entitled = network.of(*side(opened))
    if how % 11 == 10 or not entitled:
        return opened, writer
    return opened, pick(entitled, network.place_of(writer))


def _answer(kind: type[Any]) -> Callable[[MadeUp, Writer, int, int, int], None]:
    def step(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
        def asked(opened: Opened) -> list[bytes]:
            return [party for party in opened.record.parties if party != opened.proposer or how % 9 == 8]

        found = _about(network, writer, which, how, asked)
        if found is not None:
            opened, author = found
            heads = network.seen(seen, network.of(*opened.record.parties), author)
            author.say(kind, exchange=opened.id, seen=heads)

    return step


def _hand_over(kind: type[Any]) -> Callable[[MadeUp, Writer, int, int, int], None]:
    def step(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
        if not network.proposals:
            return
        opened: Opened = pick(network.proposals, which)
        transfer = how // 11 % len(opened.record.transfers)
        leg = opened.record.transfers[transfer]
        party = opened.record.parties[leg.giver if kind is Deliver else leg.receiver]
        found = _about(network, writer, which, how, lambda _: [party])
        assert found is not None
        author = found[1]
        fields: dict[str, Any] = {"quantity": leg.quantity if how % 3 else _quantity(how)}
        if kind is Receive:
            fields["condition"] = ("good", "short", "damaged")[how % 5 if how % 5 < 3 else 0]
        near = network.of(*opened.record.parties)
        author.say(
            kind, exchange=opened.id, transfer=transfer + (how % 17 == 16),
            seen=network.seen(seen, near, author), **fields,
        )  # fmt: skip

    return step


def _dispute(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    found = _about(network, writer, which, how, lambda opened: opened.record.parties)
    if found is not None:
        opened, author = found
        heads = network.seen(seen, network.of(*opened.record.parties), author)
        transfer = None if how % 2 else 0
        network.disputes.append(author.say(Dispute, exchange=opened.id, transfer=transfer, seen=heads))


def _cancel(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    found = _about(network, writer, which, how, lambda opened: opened.record.parties)
    if found is not None:
        opened, author = found
        heads = network.seen(seen, network.of(*opened.record.parties), author)
        network.cancels.append(author.say(Cancel, exchange=opened.id, seen=heads))


def _settle(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    target = pick(network.disputes if network.disputes and how % 8 else network.ids(), which)
    heads = network.seen(seen, network.writers, writer)
    writer.say(Settle, dispute=target, outcome=("due", "closed")[how % 2], seen=heads)


def _trade(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """An exchange from proposal to receipt, or as far as it gets: steps may be left out."""
    before = len(network.proposals)
    _propose(network, writer, which, how % 21, 0)
    if len(network.proposals) == before:
        return
    opened = network.proposals[-1]
    for party in opened.record.parties:
        if party != opened.proposer and which % 16 != 15:
            _by(network, party, seen).say(Accept, exchange=opened.id, seen=_heads(network, opened))
    if how % 8 == 7:
        return
    for place, leg in enumerate(opened.record.transfers):
        for kind, side in ((Deliver, leg.giver), (Receive, leg.receiver)):
            if (seen + place) % 7 != 6:
                _by(network, opened.record.parties[side], seen).say(
                    kind,
                    exchange=opened.id,
                    transfer=place,
                    quantity=leg.quantity,
                    seen=_heads(network, opened),
                )


def _quarrel(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A dispute that all parties settle, or nearly; the same for a cancel."""
    if not network.proposals:
        return
    opened: Opened = pick(network.proposals, which)
    parties = opened.record.parties
    dispute = _by(network, parties[how % len(parties)], seen).say(
        Dispute, exchange=opened.id, transfer=(None, None, 0)[how % 3], seen=_heads(network, opened)
    )
    network.disputes.append(dispute)
    for number, party in enumerate(parties):
        if (how + number) % 9 != 8:
            outcome = "due" if how % 4 == 3 or (how % 16 == 5 and number) else "closed"
            heads = _heads(network, opened)
            _by(network, party, seen).say(Settle, dispute=dispute, outcome=outcome, seen=heads)


def _call_off(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """Every party cancels, or nearly; somebody may take that back."""
    if not network.proposals:
        return
    opened: Opened = pick(network.proposals, which)
    for number, party in enumerate(opened.record.parties):
        if (how + number) % 9 != 8:
            author = _by(network, party, seen)
            network.cancels.append(author.say(Cancel, exchange=opened.id, seen=_heads(network, opened)))
            if (how + number) % 6 == 5:
                author.say(Withdraw, target=network.cancels[-1])


def _by(network: MadeUp, commune: bytes, choice: int) -> Writer:
    """Somebody who writes for a commune, mostly in its newest log."""
    writers = network.of(commune)
    return writers[-1] if choice % 3 else writers[choice // 3 % len(writers)]


def _heads(network: MadeUp, opened: Opened) -> list[Head]:
    return [writer.head for writer in network.of(*opened.record.parties)][:16]


def _withdraw(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    groups: tuple[Sequence[EntryId], ...] = (
        network.listings, [opened.id for opened in network.proposals], network.cancels, network.ids(),
        network.listings, [opened.id for opened in network.proposals], network.cancels, network.disputes,
    )  # fmt: skip
    targets = groups[how % 8] or network.ids()
    target = pick(targets, which)
    authors = [other for other in network.writers if target in other.leaves]
    author = writer if how % 5 == 4 or not authors else pick(authors, which)
    author.say(Withdraw, target=target, seen=network.seen(seen, network.writers, author))


def _profile(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    writer.say(Profile, name=f"{writer.name} {how % 4}", contact=("radio", None)[which % 2])


def _recognise(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    kind = (Recognise, Recognise, Unrecognise)[how % 3]
    writer.say(kind, commune=pick(network.writers, which).commune, seen=network.seen(seen, [], writer))


def _correct(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    target = pick(network.ids(), which)
    writer.say(Correct, target=target, note="so it was", seen=network.seen(seen, network.writers, writer))


def _fork(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A second holder of a key, with the log as it was some entries ago; then both write."""
    if len(network.writers) + len(network.unseen) >= MAX_WRITERS:
        return
    twin = writer.twin(max(1, writer.size - which % 5))
    if how % 8 == 7:
        twin.clock += 500
        twin.say(Profile, name="nobody was given this")
        network.unseen.append(twin)
    else:
        network.writers.append(twin)
        if how % 2:
            twin.clock += 500
            twin.say(Profile, name=f"{twin.name} II")


def _echo(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """One branch of a log repeats what another holds at the same index, word for word."""
    pairs = [
        (behind, ahead)
        for behind in network.writers
        for ahead in network.writers
        if behind.log == ahead.log and behind.size < ahead.size
    ]
    if pairs:
        behind, source = pick(pairs, which)
        for index in range(behind.size, min(source.size, behind.size + 1 + how % 4)):
            behind.quote(source.payloads[index])


def _copy(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A log repeats a record of another log."""
    source = pick(network.writers, which)
    writer.quote(pick(source.payloads, how))


def _found_again(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """Another beginning of the same log: a second charter under the same key, or something else."""
    if len(network.writers) >= MAX_WRITERS:
        return
    twin = writer.twin(0)
    twin.name = f"{writer.name} bis"
    match how % 4:
        case 0 | 1:
            twin.signers = (recovery_of(twin.name),)
            authority = authority_of(*twin.signers)
            twin.authority = twin.say(Charter, name=twin.name, network=NETWORK, authority=authority)
            twin.commune = CommuneId(twin.authority)
        case 2:
            others = [other for other in network.writers if other.log != writer.log]
            if not others:
                return
            former = pick(others, which)
            opened = succeed(former, twin.name)
            record = parse(opened.payloads[0])
            assert isinstance(record, Succession)
            record = msgspec.structs.replace(record, log=twin.log)
            twin.quote(to_payload(signed(record, *former.signers)))
            twin.commune, twin.authority, twin.signers = former.commune, former.authority, former.signers
        case _:
            twin.replace_authority(key_of(network.fresh_key()))
    network.writers.append(twin)


def _succeed(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A new log for a commune: sealed where it stands, too low, or beside another one."""
    if len(network.writers) >= MAX_WRITERS:
        return
    same = network.of(writer.commune)
    previous: list[Any] = [writer]
    match how % 6:
        case 0:
            previous = [writer.seal(1 + which % writer.size)]
        case 1:
            previous = same[:4]
        case 2:
            previous = [pick(same, which), writer]
        case 3:
            previous = [writer.seal(max(0, writer.size - 1))]
    options: dict[str, Any] = {}
    if how // 6 % 4 == 3:
        other = pick(same, which)
        options = {"under": other.authority, "signers": other.signers}
    previous = [item for item in previous if not isinstance(item, Writer) or item.size]
    try:
        opened = succeed(writer, network.fresh_key(), *previous, **options)
    except RecordError:
        return
    network.writers.append(opened)


def _replace_authority(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """New keys for a commune: in turn, against another replacement, or to end such a contest."""
    keys = [key_of(network.fresh_key()) for _ in range(1 + how % 2)]
    same = network.of(writer.commune)
    match how // 2 % 4:
        case 0 | 1:
            writer.replace_authority(*keys)
        case 2:
            other = pick(same, which)
            ids = {bytes(one.authority): one.signers for one in (writer, other)}
            signers = {key.public_key: key for group in ids.values() for key in group}
            writer.replace_authority(*keys, previous=list(ids), signers=list(signers.values()))
        case _:
            other = pick(same, which)
            writer.replace_authority(*keys, previous=[other.authority], signers=other.signers)
    if how // 8 % 2:
        for other in same:
            other.authority, other.signers = writer.authority, writer.signers


def _newer(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A record of a later version: another kind, or a field that is not known, or one to be ignored."""
    targets = [opened.id for opened in network.proposals] or network.ids()
    target = pick(targets if how % 8 < 5 else network.ids(), which)
    heads = msgspec.to_builtins(network.seen(seen, network.writers, writer), builtin_types=(bytes,))
    value: dict[str, Any] = {"at": writer.clock, "kind": "minga", "about": target}
    if how % 4 == 1:
        value = {"at": writer.clock, "kind": "accept", "exchange": target, "weight": 3}
    elif how % 4 == 2:
        value = {"at": writer.clock, "kind": "accept", "exchange": target, "x_mood": "good"}
    elif how % 4 == 3:
        value = {"at": writer.clock, "kind": "recognise", "commune": writer.commune, "note": ""}
    if heads:
        value["seen"] = [list(head) for head in heads]
    writer.quote(encoding.encode(value))


def _junk(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    writer.quote(JUNK[how % len(JUNK)])


def _erase(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A payload that nobody has any more."""
    network.erased.add(pick(writer.leaves, which))


def _stray(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """A step of an exchange that names something else."""
    target = pick(network.ids(), which)
    heads = network.seen(seen, network.writers, writer)
    match how % 5:
        case 0:
            writer.say(Accept, exchange=target, seen=heads)
        case 1:
            writer.say(Deliver, exchange=target, transfer=0, quantity=kg(10), seen=heads)
        case 2:
            network.disputes.append(writer.say(Dispute, exchange=target, seen=heads))
        case 3:
            network.cancels.append(writer.say(Cancel, exchange=target, seen=heads))
        case _:
            writer.say(Settle, dispute=target, outcome="closed", seen=heads)


def _rest(network: MadeUp, writer: Writer, which: int, how: int, seen: int) -> None:
    """Nothing happens: what hypothesis puts in place of a step that does not matter."""


_STEPS: Final[Sequence[Callable[[MadeUp, Writer, int, int, int], None]]] = (
    _rest, _trade, _propose, _answer(Accept), _hand_over(Deliver), _hand_over(Receive), _offer, _recognise,
    _profile, _withdraw, _quarrel, _call_off, _dispute, _settle, _cancel, _answer(Decline), _fork, _succeed,
    _replace_authority, _echo, _newer, _junk, _stray, _draw_on, _copy, _found_again, _erase, _correct,
    _trade, _trade, _trade, _hand_over(Receive), _quarrel, _offer, _withdraw, _fork, _succeed, _echo, _echo,
)  # fmt: skip
"""What a step can do; what matters most stands in it more than once."""


def made_up(steps: Sequence[Step], communes: int = 3) -> MadeUp:
    """The network that these steps make, from communes that have just been founded."""
    network = MadeUp()
    for name in NAMES[:communes]:
        network.writers.append(found(name))
    for step in steps:
        what, who, which, how, seen = step
        writer = network.writers[who % len(network.writers)]
        _STEPS[what % len(_STEPS)](network, writer, which, how, seen)
    return network


def networks(min_steps: int = 12, max_steps: int = 48) -> st.SearchStrategy[MadeUp]:
    """Networks for hypothesis."""
    number = st.integers(0, 255)
    step = st.tuples(st.integers(0, len(_STEPS) - 1), number, number, number, number)
    return st.lists(step, min_size=min_steps, max_size=max_steps).map(made_up)
