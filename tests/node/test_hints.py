"""What is announced on the local network, and what can be made of what others announce."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import AnnouncementRefused
from node.hints import SERVICE, Announcement, Hint, Seen, instance_label, judge, read_text, write_text
from node.interfaces import Interface, Interfaces
from node.limits import MAX_ANNOUNCED_NAME_BYTES, MAX_ANNOUNCEMENT_BYTES, MAX_HINT_ADDRESSES

LOG = bytes.fromhex("8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394")
MAIZAL = Announcement("comunas", LOG[:8], (1,), "Comuna El Maizal")
TEXT = b"\x03v=1\x0bnet=comunas\x14log=8139770ea87d175f\x15name=Comuna El Maizal"

WIFI = Interface(3, "wlan0", (ip_interface("192.168.7.20/24"), ip_interface("fe80::20/64")))
CABLE = Interface(2, "eth0", (ip_interface("203.0.113.9/28"), ip_interface("2001:db8:7::9/64")))
OWN_6 = Interface(5, "usb0", (ip_interface("fe80::21/64"),))
LOOPBACK = Interface(1, "lo", (ip_interface("127.0.0.1/8"),))


def seen(text: bytes = TEXT, addresses: tuple[str, ...] = ("192.168.7.31",), port: int | None = 7471) -> Seen:
    return Seen("trueque-8139770ea87d175f", "trueque-00ff00ff00ff00ff", port, text, addresses)


def places(*addresses: str, interfaces: Interfaces = (WIFI,)) -> tuple[str, ...]:
    try:
        return judge(seen(addresses=addresses), "comunas", interfaces).addresses
    except AnnouncementRefused:
        return ()


def test_the_text_is_what_the_specification_shows() -> None:
    assert write_text(MAIZAL) == TEXT
    assert read_text(TEXT) == MAIZAL
    assert f"{instance_label(LOG)}.{SERVICE}" == "trueque-8139770ea87d175f._trueque._tcp.local."


def test_a_commune_without_a_name_announces_none() -> None:
    nameless = Announcement("comunas", LOG[:8], (1, 2), "")
    assert b"name" not in write_text(nameless)
    assert read_text(write_text(nameless)) == nameless


@given(st.text(max_size=200))
def test_every_name_fits_and_comes_back_as_its_beginning(name: str) -> None:
    """A charter's name may be longer than a string of a text record."""
    text = write_text(Announcement("a" * 32, LOG[:8], tuple(range(1, 17)), name))
    assert len(text) <= MAX_ANNOUNCEMENT_BYTES
    read = read_text(text).name
    assert name.strip().startswith(read)


def test_a_long_name_is_cut_between_characters() -> None:
    name = "ñ" * 70
    assert read_text(write_text(Announcement("comunas", LOG[:8], (1,), name))).name == "ñ" * 60
    assert len(("ñ" * 60).encode()) == MAX_ANNOUNCED_NAME_BYTES


@pytest.mark.parametrize(
    "name", ["one\nline more", "\u202ereversed", "bell\a", "e\u0301 not composed", "\u2028", "x" * 121]
)
def test_a_name_that_is_not_one_line_of_canonical_text_is_left_out(name: str) -> None:
    """It would be shown in lists."""
    value = b"name=" + name.encode()
    text = write_text(Announcement("comunas", LOG[:8], (1,), "")) + bytes([len(value)]) + value
    assert read_text(text).name == ""


def strings(*parts: bytes) -> bytes:
    return b"".join(bytes([len(part)]) + part for part in parts)


def test_of_keys_that_stand_twice_the_first_counts_and_unknown_ones_are_ignored() -> None:
    text = strings(b"x", b"V=1", b"net=comunas", b"net=ensayo", b"future=yes", b"log=8139770ea87d175f", b"")
    assert read_text(text) == Announcement("comunas", LOG[:8], (1,), "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00",
        TEXT[:-1],
        TEXT + b"\x05",
        strings(b"net=comunas", b"log=8139770ea87d175f"),
        strings(b"v=0", b"net=comunas", b"log=8139770ea87d175f"),
        strings(b"v=65536", b"net=comunas", b"log=8139770ea87d175f"),
        strings(b"v=1,", b"net=comunas", b"log=8139770ea87d175f"),
        strings(b"v=" + b"1," * 16 + b"1", b"net=comunas", b"log=8139770ea87d175f"),
        strings(b"v=1", b"log=8139770ea87d175f"),
        strings(b"v=1", b"net=Comunas", b"log=8139770ea87d175f"),
        strings(b"v=1", b"net=" + b"a" * 33, b"log=8139770ea87d175f"),
        strings(b"v=1", b"net=comunas"),
        strings(b"v=1", b"net=comunas", b"log=8139770EA87D175F"),
        strings(b"v=1", b"net=comunas", b"log=8139770ea87d175f00"),
        strings(b"v=1", b"net=comunas", b"log=8139770ea87d175f\n"),
        TEXT + strings(*[b"filler=" + b"x" * 200] * 3),
    ],
)
def test_text_that_does_not_say_what_it_must_is_refused(text: bytes) -> None:
    with pytest.raises(AnnouncementRefused):
        read_text(text)


@given(st.binary(max_size=600) | st.lists(st.binary(max_size=60)).map(lambda parts: strings(*parts)))
def test_junk_is_read_or_refused(text: bytes) -> None:
    try:
        read_text(text)
    except AnnouncementRefused:
        pass


def test_a_hint_says_where_and_who() -> None:
    assert judge(seen(), "comunas", (WIFI,)) == Hint(
        "trueque-8139770ea87d175f", LOG[:8], "comunas", (1,), "Comuna El Maizal", 7471, ("192.168.7.31",)
    )


def test_a_node_of_another_network_is_refused() -> None:
    with pytest.raises(AnnouncementRefused, match="another network"):
        judge(seen(), "ensayo", (WIFI,))


@pytest.mark.parametrize("port", [None, 0, -1, 65_536])
def test_a_port_that_is_none_is_refused(port: int | None) -> None:
    with pytest.raises(AnnouncementRefused, match="port"):
        judge(seen(port=port), "comunas", (WIFI,))


@pytest.mark.parametrize("instance", ["", "x" * 64, "ñ" * 32])
def test_an_instance_that_is_no_label_is_refused(instance: str) -> None:
    with pytest.raises(AnnouncementRefused):
        judge(Seen(instance, "h", 7471, TEXT, ("192.168.7.31",)), "comunas", (WIFI,))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "224.0.0.251",
        "ff02::fb",
        "255.255.255.255",
        "240.0.0.1",
        "::ffff:192.168.7.31",
        "2002:c0a8:0101::1",
        "8.8.8.8",
        "2001:4860:4860::8888",
        "no address",
        "",
        "192.168.7.31/24",
        "fe80::31%nothing",
        "fe80::31%77",
    ],
)
def test_an_address_that_no_neighbour_can_have_is_not_tried(address: str) -> None:
    """A public one above all: one packet would send every node of a room to a stranger's computer."""
    assert places(address) == ()
    assert places("192.168.7.31", address) == ("192.168.7.31",)


@pytest.mark.parametrize("address", ["10.1.2.3", "172.16.9.9", "192.168.99.1", "169.254.3.4", "fd00::5"])
def test_private_addresses_are_tried_though_a_router_lies_between(address: str) -> None:
    assert places(address) == (address,)


def test_public_addresses_are_tried_if_they_are_in_a_network_of_our_own() -> None:
    assert places(
        "203.0.113.10", "203.0.113.99", "2001:db8:7::10", "2001:db8:8::10", interfaces=(CABLE,)
    ) == (
        "203.0.113.10",
        "2001:db8:7::10",
    )


def test_the_loopback_is_tried_only_if_it_is_in_use() -> None:
    assert places("127.0.0.1", interfaces=(WIFI, LOOPBACK)) == ("127.0.0.1",)


def test_a_link_local_address_is_tried_on_the_interface_where_it_was_heard() -> None:
    assert places("fe80::31%3", interfaces=(WIFI, OWN_6)) == ("fe80::31%3",)


def test_a_link_local_address_without_an_interface_is_tried_on_each_that_has_such_addresses() -> None:
    """It came in a packet of IPv4, which does not tell where."""
    assert places("fe80::31", interfaces=(LOOPBACK, WIFI, OWN_6)) == ("fe80::31%3", "fe80::31%5")
    assert places("fe80::31", interfaces=(LOOPBACK,)) == ()


def test_of_many_addresses_the_first_are_kept() -> None:
    many = tuple(f"192.168.7.{n}" for n in range(1, 60))
    assert places(*many) == many[:MAX_HINT_ADDRESSES]


@given(st.lists(st.ip_addresses().map(str) | st.text(max_size=30), max_size=20))
def test_whatever_is_announced_only_addresses_come_out(addresses: list[str]) -> None:
    for place in places(*addresses, interfaces=(WIFI, CABLE)):
        assert str(ip_address(place.partition("%")[0])) == place.partition("%")[0]
