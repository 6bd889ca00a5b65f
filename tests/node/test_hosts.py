"""The hosts that other tests are made with: apart, joined as they should be, and gone afterwards."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ..support.hosts import TRUEQUE, Host, Lan, eventually

SERVE = (
    "import socket; s = socket.create_server(('', 7000)); print('serving')\nwhile True: s.accept()[0].close()"
)
REACH = "import socket, sys; socket.create_connection((sys.argv[1], 7000), 1)"


def reaches(one: Host, other: Host) -> bool:
    assert other.address is not None
    return one.run([sys.executable, "-c", REACH, other.address]).returncode == 0


def test_a_host_is_cut_off_and_joined_again(tmp_path: Path) -> None:
    with Lan(tmp_path) as lan:
        maizal, palmar = lan.host("maizal"), lan.host("palmar")
        palmar.start([sys.executable, "-c", SERVE]).shows("serving")
        assert reaches(maizal, palmar)
        palmar.cut_off()
        assert not reaches(maizal, palmar)
        palmar.reconnect()
        eventually(lambda: reaches(maizal, palmar), "it is reached again")
        palmar.unplug()
        assert not reaches(maizal, palmar)
        palmar.plug_in()
        eventually(lambda: reaches(maizal, palmar), "it is reached again")
        palmar.move("10.77.0.99")
        eventually(lambda: reaches(maizal, palmar), "it is reached at its new address")


def test_hosts_have_homes_of_their_own_for_the_command(tmp_path: Path) -> None:
    with Lan(tmp_path) as lan:
        communes = []
        for host in (lan.host("maizal"), lan.host("palmar")):
            words = str(host.home / "words.txt")
            made = host.run([*TRUEQUE, "init", "--name", host.name, "--yes", "--recovery-out", words])
            assert made.returncode == 0, made.stderr
            shown = host.run([*TRUEQUE, "communes", "--json"])
            communes += [row["name"] for row in json.loads(shown.stdout)]
        assert communes == ["maizal", "palmar"]


def test_nothing_runs_on_when_the_lan_is_gone(tmp_path: Path) -> None:
    with Lan(tmp_path) as lan:
        pids = [lan.switch.pid]
        for name in ("maizal", "palmar"):
            host = lan.host(name)
            pids += [host.namespace.pid, host.start(["sleep", "3600"]).pid]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert (tmp_path / "maizal").is_dir(), "what the hosts wrote stays for the test to look at"
