"""At which addresses phones find the pages."""

from __future__ import annotations

import io
import re
from ipaddress import ip_interface
from pathlib import Path

import pytest

from node import reach
from node.cli.desk import Desk
from node.cli.running import _tell_started
from node.interfaces import Interface
from node.reach import likely, way_out
from node.running import Running
from node.web.nearby import code_of
from node.whence import local_name

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0102A8C0	0003	0	0	100	00000000	0	0	0
eth0	0002A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
"""


def interface(index: int, name: str, *addresses: str) -> Interface:
    return Interface(index, name, tuple(map(ip_interface, addresses)))


DOCKER = interface(1, "docker0", "172.17.0.1/16")
ETHERNET = interface(2, "eth0", "192.168.2.5/24", "fe80::1/64", "fd00::5/64")
RADIO = interface(3, "wlan0", "192.168.1.5/24")


def test_the_way_out_of_the_house_comes_first_and_containers_last() -> None:
    found = likely((DOCKER, ETHERNET, RADIO), "wlan0")
    assert found == ("192.168.1.5", local_name(), "192.168.2.5", "172.17.0.1", "[fd00::5]")
    assert likely((DOCKER, ETHERNET, RADIO), None)[0] == "192.168.2.5"


def test_without_a_network_there_is_no_address() -> None:
    assert likely((), None) == ()
    assert likely((interface(2, "eth0", "fe80::1/64"),), "eth0") == ()


def test_the_default_route_of_the_smallest_metric_is_the_way_out() -> None:
    assert way_out(ROUTES) == "eth0"
    assert way_out(ROUTES.replace("100", "700", 1)) == "wlan0"


@pytest.mark.parametrize("junk", ["", "\n", "x\ny z", "a\nb 00000000 c d e f x 00000000", ROUTES[:90]])
def test_a_table_that_says_nothing_has_no_way_out(junk: str) -> None:
    assert way_out(junk) is None


def test_a_system_that_does_not_answer_has_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(loopback: bool = False) -> None:
        raise OSError

    monkeypatch.setattr("node.adapters.read", failing)
    assert reach.addresses(8783) == ()


class Terminal(io.StringIO):
    """Standard output that somebody looks at."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("lan", [True, False])
def test_the_console_shows_the_address_and_at_a_terminal_its_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lan: bool
) -> None:
    monkeypatch.setattr("node.reach.addresses", lambda port: (f"http://192.168.1.5:{port}/",))
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    desk = Desk.of(tmp_path, as_json=False, yes=False)
    _tell_started(desk, Running(1, 8783, 8784, "0" * 64, 0, lan=lan))
    text = shown.getvalue()
    assert "http://127.0.0.1:8783/" in text
    assert ("http://192.168.1.5:8783/" in text) is lan
    assert ("\N{FULL BLOCK}" in text) is lan


def test_the_code_is_read_as_the_address() -> None:
    """Drawn as on the page, black on white."""
    import zxingcpp
    from PIL import Image

    drawn = code_of("http://192.168.1.5:8783/")
    assert "style" not in drawn
    assert "<script" not in drawn
    side = int(re.search(r'viewBox="0 0 (\d+)', drawn)[1])  # type: ignore[index]
    picture = Image.new("L", (side, side), 255)
    x, y = 0.0, 0.0
    for step in re.findall(r"[Mmh][^Mmh]*", re.search(r' d="([^"]*)"', drawn)[1]):  # type: ignore[index]
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", step)]
        if step[0] == "h":
            for dot in range(int(numbers[0])):
                picture.putpixel((int(x) + dot, int(y)), 0)
            x += numbers[0]
        else:
            x, y = (numbers[0], numbers[1]) if step[0] == "M" else (x + numbers[0], y + numbers[1])
    (read,) = zxingcpp.read_barcodes(picture.resize((side * 6, side * 6)))
    assert read.text == "http://192.168.1.5:8783/"
