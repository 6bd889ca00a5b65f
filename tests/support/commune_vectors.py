"""Vectors for communes, from fixed keys: `python -m tests.support.commune_vectors` writes them anew.

A second implementation can be checked against tests/vectors/commune.json: each
case gives branches of logs, whole and under one head, and what they amount to.
It writes the example of docs/spec/commune.md as well. Binary is hex digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger import encoding, standing
from ledger.commune import Commune
from ledger.history import History
from ledger.log import EntryId
from ledger.records import Accept, Charter, Correct, Decline, Deliver, Offer, Profile, signed_body, to_payload

from .communes import (
    Writer,
    authority_of,
    found,
    history_of,
    key_of,
    kg,
    places_in,
    recovery_of,
    signatures_of,
    stated_in,
    succeed,
    succession_of,
)
from .shared import CHECKOUT

VECTORS: Final = CHECKOUT / "tests" / "vectors" / "commune.json"
PAGE: Final = CHECKOUT / "docs" / "spec" / "commune.md"
NETWORK: Final = "comunas"

WATER, FOOD, RADIO = (key_of(f"council of {name}") for name in ("water", "food", "the radio"))

Case = tuple[str, list[Writer]]
"""What happens, in a sentence, and everybody who wrote."""


def founded(name: str, *councils: Any, threshold: int = 1) -> Writer:
    """A commune on the network of the vectors."""
    return found(name, *councils, threshold=threshold, network=NETWORK)


def offers(writer: Writer, *titles: str) -> None:
    """One offer a title."""
    for title in titles:
        writer.say(Offer, title=title, category="food-grain")


# Cases ------------------------------------------------------------------------------------------


def new_laptop() -> Case:
    """The page's example."""
    montes, valle = founded("Los Montes"), founded("El Valle")
    offers(montes, "Maíz", "Yuca")
    laptop = succeed(montes, "Los Montes: log 2", montes.seal(2))
    offers(laptop, "Café")
    valle.say(Correct, target=montes.id_of(2), note="Nos la ofrecieron.")
    return "A new laptop continues a log up to a seal; of what lies past it, a neighbour names one.", [
        montes,
        laptop,
        valle,
    ]


def two_of_three() -> Case:
    montes = founded("Los Montes", WATER, FOOD, RADIO, threshold=2)
    one = succeed(montes, "one", signers=[WATER])
    two = succeed(montes, "two", signers=[WATER, RADIO])
    return "Two of three councils open a log; one alone does not.", [montes, one, two]


def handed_over() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    montes.replace_authority(WATER, FOOD, threshold=2)
    replaced = montes.payloads[-1]
    valle.quote(replaced)
    montes.replace_authority(WATER, FOOD, RADIO, threshold=2)
    montes.quote(replaced)
    return "The authority is replaced twice; a copy elsewhere and a replay say nothing.", [montes, valle]


def frozen() -> Case:
    montes = founded("Los Montes")
    copy = montes.twin()
    montes.replace_authority(WATER)
    copy.replace_authority(FOOD)
    return "Two replacements of one authority freeze it.", [montes, copy]


def merged() -> Case:
    what, (montes, copy) = frozen()
    previous = [montes.authority, copy.authority]
    montes.replace_authority(RADIO, previous=previous, signers=[WATER])
    montes.replace_authority(WATER, FOOD, threshold=2, previous=previous, signers=[WATER, FOOD])
    return f"{what[:-1]}, until a third names both and is signed for each.", [montes, copy]


def copied_succession() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    laptop = succeed(montes, "laptop")
    valle.quote(laptop.payloads[0])
    return "A succession copied into another log says nothing.", [montes, laptop, valle]


def raised_seal() -> Case:
    montes = founded("Los Montes")
    offers(montes, "Maíz", "Yuca", "Café")
    restored = succeed(montes, "restored", montes.seal(1))
    complete = succeed(restored, "complete", restored, montes.seal(3))
    careless = succeed(complete, "careless", complete, montes.seal(2))
    return "A later succession raises a seal; a still later one cannot lower it.", [
        montes,
        restored,
        complete,
        careless,
    ]


def contested() -> Case:
    montes = founded("Los Montes")
    house, school = succeed(montes, "house"), succeed(montes, "school")
    offers(house, "Maíz")
    return "Two successions of one log are contested; both count.", [montes, house, school]


def joined() -> Case:
    _, (montes, house, school) = contested()
    offers(school, "Yuca")
    return "A succession that continues both ends the contest.", [
        montes,
        house,
        school,
        succeed(house, "joined", house, school),
    ]


def lost_authority() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    laptop = succeed(montes, "laptop")
    finder = succeed(montes, "the paper's finder")
    offers(finder, "Maíz", "Yuca")
    laptop.replace_authority(WATER)
    valle.say(Correct, target=finder.id_of(1), note="Nos lo ofrecieron.")
    return "A succession under a replaced authority opens a log that counts by witnesses alone.", [
        montes,
        laptop,
        finder,
        valle,
    ]


def taken_over() -> Case:
    _, (montes, laptop, finder, valle) = lost_authority()
    return "The later authority takes over what the replaced one had opened.", [
        montes,
        laptop,
        finder,
        valle,
        succeed(laptop, "joined", laptop, finder.seal(2)),
    ]


def forked() -> Case:
    montes, valle, costa = founded("Los Montes"), founded("El Valle"), founded("La Costa")
    offers(montes, "Maíz")
    copy = montes.twin()
    offers(montes, "Yuca", "Café", "Cacao")
    offers(copy, "Ron", "Melaza")
    valle.say(Profile, name="El Valle", seen=[montes.head_at(4)])
    costa.say(Correct, target=copy.id_of(3), note="Nos la ofrecieron.")
    return "Past the cut count what a neighbour has seen a head over, and what one names.", [
        montes,
        copy,
        valle,
        costa,
    ]


def sealed_above_the_cut() -> Case:
    _, (montes, copy, valle, costa) = forked()
    laptop = succeed(montes, "laptop", montes.seal(3))
    return "A seal above the cut is firm on the branch whose root it names.", [
        montes,
        copy,
        laptop,
        valle,
        costa,
    ]


def sealed_below_the_cut() -> Case:
    _, (montes, copy, _, _) = forked()
    return "A seal below the cut ends both branches.", [
        montes,
        copy,
        succeed(montes, "laptop", montes.seal(1)),
    ]


def three_branches() -> Case:
    montes = founded("Los Montes")
    early = montes.twin()
    offers(early, "Ron", "Melaza", "Panela")
    offers(montes, "Maíz", "Yuca")
    late = montes.twin()
    offers(montes, "Café", "Cacao")
    offers(late, "Ñame", "Ocumo")
    return "What a branch shares with the sealed one is sealed on it too.", [
        early,
        late,
        montes,
        succeed(montes, "laptop", montes.seal(5)),
    ]


def vouching_pair() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    copies = [montes.twin(), valle.twin()]
    offers(montes, "Maíz")
    offers(valle, "Clavos")
    montes.say(Correct, target=valle.id_of(1), note="Damos fe.")
    valle.say(Correct, target=montes.id_of(2), note="Damos fe.")
    for copy in copies:
        offers(copy, "Nada")
    return "Two forked logs that vouch for each other do not count.", [montes, valle, *copies]


def broken_circle() -> Case:
    _, writers = vouching_pair()
    costa = founded("La Costa")
    costa.say(Correct, target=writers[0].id_of(2), note="Damos fe.")
    return "One word from outside is enough for what follows from it.", [*writers, costa]


def forked_at_entry_0() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    offers(montes, "Maíz")
    other = montes.twin(0)
    other.say(Charter, name="Otra", network=NETWORK, authority=authority_of(recovery_of("Otra")))
    offers(other, "Ron")
    valle.say(Correct, target=montes.id_of(1), note="Nos lo ofrecieron.")
    return "A log forked at entry 0 is another commune's on each branch.", [montes, other, valle]


def opened_twice() -> Case:
    montes = founded("Los Montes")
    offers(montes, "Maíz", "Yuca")
    laptop = succeed(montes, "laptop", montes.seal(1))
    again = laptop.twin(0)
    again.quote(to_payload(succession_of(montes, laptop.log, [montes.seal(3)])))
    return "Of two successions that open one log the one with the lower id speaks.", [montes, laptop, again]


def forking_debtor() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    trade = valle.propose((montes, valle, "Maíz", kg(100)), (valle, montes, "Clavos", kg(20)))
    copy = montes.twin()
    montes.say(Accept, exchange=trade, seen=[valle])
    valle.say(Deliver, exchange=trade, transfer=1, quantity=kg(20), seen=[montes])
    copy.say(Decline, exchange=trade)
    return "A debtor forks its log to say no: the exchange is agreed, and contested.", [montes, copy, valle]


def restored_debtor() -> Case:
    _, (montes, copy, valle) = forking_debtor()
    trade = valle.id_of(1)
    restored = succeed(montes, "restored", copy.seal(1))
    restored.say(Decline, exchange=trade)
    return "A debtor restores an old backup to say no: the same.", [montes, restored, valle]


def seen_before() -> Case:
    montes, valle = founded("Los Montes"), founded("El Valle")
    trade = valle.propose((montes, valle, "Maíz", kg(100)))
    montes.say(Profile, name="Los Montes", seen=[valle])
    laptop = succeed(montes, "laptop")
    laptop.say(Accept, exchange=trade)
    return "What a log has seen, the log that continues it has seen up to the seal.", [montes, laptop, valle]


CASES: Final = (
    new_laptop, two_of_three, handed_over, frozen, merged, copied_succession, raised_seal, contested, joined,
    lost_authority, taken_over, forked, sealed_above_the_cut, sealed_below_the_cut, three_branches,
    vouching_pair, broken_circle, forked_at_entry_0, opened_twice, forking_debtor, restored_debtor,
    seen_before,
)  # fmt: skip


# What they amount to ----------------------------------------------------------------------------


def amounts_to(history: History, writers: Sequence[Writer]) -> dict[str, Any]:
    """The communes, the standing of every entry and the exchanges, as the vectors have them."""
    return {
        "communes": [_commune(history.communes[identity]) for identity in sorted(history.communes)],
        "entries": [
            [_standing(history, writer, index) for index in range(writer.size)] for writer in writers
        ],
        "exchanges": [
            {"id": folded.id.hex(), "state": str(folded.state), "contested": folded.contested}
            for folded in sorted(history.exchanges(), key=lambda folded: folded.id)
        ],
    }


def _commune(commune: Commune) -> dict[str, Any]:
    in_force = commune.chain.in_force
    return {
        "id": commune.id.hex(),
        "authority": None
        if in_force is None
        else {
            "keys": [key.hex() for key in in_force.authority.keys],
            "threshold": in_force.authority.threshold,
        },
        "logs": [
            {
                "log": log.hex(),
                "seal": None
                if log not in commune.seals
                else {"size": commune.seals[log].size, "root": commune.seals[log].root.hex()},
                "contested": log in commune.contested,
            }
            for log in commune.logs
        ],
        "refused": [{"entry": item.id.hex(), "code": item.code} for item in commune.refused],
    }


def _standing(history: History, writer: Writer, index: int) -> str:
    """What an entry is on a writer's branch: firm, contested, or not counting."""
    entry = writer.id_of(index)
    places = [
        place
        for place in places_in(history, entry)
        if any(
            history.root_at(held.number, writer.size) == writer.root_at(writer.size)
            and any(
                part.branch == place >> standing.PLACE_BITS and index < part.end
                for part in history.lineage(held.number, writer.size)
            )
            for held in history.branches_of(writer.log)
        )
    ]
    (place,) = places
    if not standing.counts(history, place):
        return "does not count"
    return "contested" if standing.is_contested(history, place) else "counts"


def vectors() -> dict[str, Any]:
    """All cases, and what the signatures of the first one cover."""
    _, (montes, laptop, _) = new_laptop()
    recovery = recovery_of("Los Montes")
    return {
        "network": NETWORK,
        "recovery": {"seed": recovery.seed.hex(), "key": recovery.public_key.hex()},
        "signed": {
            "payload": laptop.payloads[0].hex(),
            "covers": signed_body(laptop.payloads[0], NETWORK).hex(),
        },
        "cases": [_case(case.__name__, *case()) for case in CASES],
        "seal_of_nothing": montes.root_at(0).hex(),
    }


def _case(name: str, what: str, writers: list[Writer]) -> dict[str, Any]:
    history = history_of(*writers)
    cuts = {writer.log.hex(): history.cut(writer.log) for writer in writers}
    return {
        "name": name.replace("_", " "),
        "what": what,
        "branches": [
            {
                "log": writer.log.hex(),
                "head": {
                    "size": writer.size,
                    "root": writer.head.root.hex(),
                    "signature": writer.head.signature.hex(),
                },
                "payloads": [payload.hex() for payload in writer.payloads],
                "ids": [leaf.hex() for leaf in writer.leaves],
            }
            for writer in writers
        ],
        "cuts": {log: cut for log, cut in sorted(cuts.items()) if cut is not None},
        **amounts_to(history, writers),
    }


def text() -> str:
    """The file as it has to be."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


# The page's example -----------------------------------------------------------------------------


def _dump(
    value: Any, names: Mapping[bytes, str], depth: int = 0, label: str = "", head: str = ""
) -> Iterator[str]:
    """A value as lines of hex digits, each with what it says; `names` are those of binary values."""
    indent = "  " * depth
    if isinstance(value, dict):
        yield f"{indent}{head}{0x80 + len(value):02x}   {label}map of {len(value)}"
        for key, item in value.items():
            yield from _dump(item, names, depth + 1, f"{key}: ", f"{encoding.encode(key).hex()} ")
    elif isinstance(value, list):
        yield f"{indent}{head}{0x90 + len(value):02x}   {label}array of {len(value)}"
        for item in value:
            yield from _dump(item, names, depth + 1)
    elif isinstance(value, bytes):
        digits = encoding.encode(value).hex()
        yield f"{indent}{head}{digits[:4]} {digits[4:68]}   {label}{names[value]}"
        for at in range(68, len(digits), 64):
            yield f"{indent}{' ' * (len(head) + 5)}{digits[at : at + 64]}"
    else:
        shown = f'"{value}"' if isinstance(value, str) else str(value)
        yield f"{indent}{head}{encoding.encode(value).hex()}   {label}{shown}"


def _block(lines: Iterator[str]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines)


def example() -> str:
    """What stands between the marks of the page."""
    _, (montes, laptop, _valle) = new_laptop()
    recovery, seal = recovery_of("Los Montes"), montes.seal(2)
    (signature,) = signatures_of(stated_in(laptop)[0].record, [recovery], NETWORK)
    names = {
        montes.commune: "the commune id",
        montes.log: "the old log",
        laptop.log: "the new log",
        recovery.public_key: "the recovery key",
        seal.root: "its root at that size",
        signature.signature: "its signature",
    }
    opening = laptop.payloads[0]
    covered = signed_body(opening, NETWORK)
    context, body = covered.split(b"\n")[:2], covered.split(b"\n", 2)[2]
    assert b"\n".join([*context, body]) == covered
    return f"""Entry 0 of the log `{montes.log.hex()}` is the charter of Los Montes:

{_block(_dump(encoding.decode(montes.payloads[0]), names))}

Its entry id is the **commune id**:

    {montes.commune.hex()}

The one key of its authority is the recovery key, which is not the log's. Entries 1 and 2 are offers, of maize
and of cassava. Then the laptop breaks. The commune restores its backup, in which the cassava is missing, on a
new laptop. That has a key and a log of its own,
`{laptop.log.hex()}`, whose entry 0 is this
succession:

{_block(_dump(encoding.decode(opening), names))}

It continues the log of the old laptop up to size {seal.size}, which is its **seal**. The signature
is the recovery key's, over

    {context[0].decode()}
    {context[1].decode()}

(each line ended by 0A) and the record without the field `signatures`, {len(body)} bytes. From now on:

| entry | | |
|---|---|---|
| charter, maize | entries 0 and 1 of the old log | count |
| cassava | entry 2 of the old log, past the seal | does not count by itself |
| succession, and what follows it | the new log | counts |

Then El Valle, which had the cassava offered, writes a record that names entry 2,
`{montes.id_of(2).hex()}`. Another commune vouches for it now: it counts, as
contested."""


def page() -> str:
    """The page with its example written anew."""
    begin, end = "<!-- from the code: example -->", "<!-- to here -->"
    written = f"{begin}\n\n{example()}\n\n{end}"
    return re.sub(f"{begin}.*?{end}", lambda _: written, PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def read_case(case: dict[str, Any], network: str) -> list[Writer]:
    """The branches of a case as writers who can say nothing more."""
    writers = []
    for branch in case["branches"]:
        writer = Writer("", _Silent(bytes.fromhex(branch["log"])), *_NOBODY, network)  # type: ignore[arg-type]
        for payload in branch["payloads"]:
            writer.quote(bytes.fromhex(payload))
        writers.append(writer)
    return writers


class _Silent(msgspec.Struct, frozen=True):
    """A public key without the secret."""

    public_key: bytes


_NOBODY: Final = (EntryId(b""), EntryId(b""), ())


def main() -> None:
    """Write the vectors and the page's example."""
    Path(VECTORS).write_text(text(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
