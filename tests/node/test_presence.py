"""The records that a node is announced with: those that the specification shows."""

from __future__ import annotations

import re
from ipaddress import ip_interface

from zeroconf._protocol.incoming import DNSIncoming
from zeroconf._protocol.outgoing import DNSOutgoing

from node.hints import Announcement, Hint, Seen, instance_label, judge
from node.interfaces import Interface
from node.presence import particulars

from ..support.shared import CHECKOUT

LOG = bytes.fromhex("8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394")
HOST = "trueque-5e1f0c2a9b7d4836"
WIFI = Interface(3, "wlan0", (ip_interface("192.168.7.31/24"), ip_interface("fe80::5054:ff:fe12:3456/64")))
RESPONSE = 0x8400  # flags of an authoritative answer (RFC 6762, section 18)


def example() -> str:
    return (CHECKOUT / "docs" / "spec" / "discovery.md").read_text().partition("## What is announced")[0]


def packet() -> bytes:
    info = particulars(
        Announcement("comunas", LOG[:8], (1,), "Comuna El Maizal"), instance_label(LOG), HOST, 7431, (WIFI,)
    )
    out = DNSOutgoing(RESPONSE)
    for record in (info.dns_pointer(), info.dns_service(), info.dns_text(), *info.dns_addresses()):
        out.add_answer_at_time(record, 0)
    return out.packets()[0]


def test_the_announcement_is_that_of_the_specification() -> None:
    lines = re.findall(r"^    ([0-9a-f]+)$", example(), re.MULTILINE)
    assert bytes.fromhex("".join(lines)) == packet()
    assert f"{len(packet())} bytes" in example()


def test_the_records_are_those_that_the_specification_lists() -> None:
    shown = re.findall(r"^    (\S+)\s+(\d+)  IN  (PTR|SRV|TXT|A|AAAA)\s+(.*)$", example(), re.MULTILINE)
    kinds = {12: "PTR", 33: "SRV", 16: "TXT", 1: "A", 28: "AAAA"}
    answers = DNSIncoming(packet()).answers()
    assert [(name, int(ttl), kind) for name, ttl, kind, _ in shown] == [
        (answer.name, answer.ttl, kinds[answer.type]) for answer in answers
    ]


def test_what_is_announced_is_read_as_a_hint() -> None:
    info = particulars(
        Announcement("comunas", LOG[:8], (1,), "Comuna El Maizal"), instance_label(LOG), HOST, 7431, (WIFI,)
    )
    heard = Seen(info.get_name(), HOST, info.port, info.text, tuple(info.parsed_scoped_addresses()))
    assert judge(heard, "comunas", (WIFI,)) == Hint(
        "trueque-8139770ea87d175f",
        LOG[:8],
        "comunas",
        (1,),
        "Comuna El Maizal",
        7431,
        ("192.168.7.31", "fe80::5054:ff:fe12:3456%3"),
    )
