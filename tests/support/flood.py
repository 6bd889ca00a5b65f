"""A program that announces nodes that are none, for a host of a test.

    python -m tests.support.flood COUNT PER_SECOND

Every announcement is a well-formed packet with a name, a host and an address of
its own, each fourth of them has text that is junk.
"""

from __future__ import annotations

import socket
import sys
import time

import ifaddr
from zeroconf import ServiceInfo
from zeroconf._protocol.outgoing import DNSOutgoing

from node.hints import SERVICE, Announcement, write_text

_RESPONSE = 0x8400  # flags of an authoritative answer (RFC 6762, section 18)


def packet(number: int) -> bytes:
    """The announcement of a node that does not exist."""
    log = number.to_bytes(8, "big")
    text = write_text(Announcement("comunas", log, (1,), f"Comuna {number}"))
    info = ServiceInfo(
        SERVICE,
        f"trueque-{log.hex()}.{SERVICE}",
        port=1 + number % 65_535,
        properties=b"\xffjunk" if number % 4 == 0 else text,
        server=f"flood-{number}.local.",
        parsed_addresses=[f"10.77.{number >> 8 & 255}.{number & 255}"],
    )
    out = DNSOutgoing(_RESPONSE)
    for record in (info.dns_pointer(), info.dns_service(), info.dns_text(), *info.dns_addresses()):
        out.add_answer_at_time(record, 0)
    return out.packets()[0]


def main(count: int, rate: int) -> None:
    own = next(str(ip.ip) for it in ifaddr.get_adapters() if it.name == "eth0" for ip in it.ips if ip.is_IPv4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        sending.bind((own, 5353))
        for number in range(count):
            sending.sendto(packet(number + 1_000), ("224.0.0.251", 5353))
            time.sleep(1 / rate)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
