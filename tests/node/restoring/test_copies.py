"""One disk in two computers: both run, both have the key, and neither knows of the other."""

from __future__ import annotations

import json

import pytest

from ledger.records import Offer, to_payload

from ...support.hosts import eventually
from .conftest import Net, copied, log_of, restored, signed, titles

SHARED = {
    "en": ("Others hold entries of this log that this computer did not sign", "use that one alone"),
    "es": ("Otras comunas tienen asientos de este registro que este equipo no firmó", "use solo ese"),
}
FORKED = {
    "en": ("Two different continuations of this log exist", "on one computer alone, make a backup"),
    "es": ("Existen dos continuaciones distintas de este registro", "en un solo equipo haga un respaldo"),
}
SEALED = {
    "en": ("This commune now writes with another log", "use that one"),
    "es": ("Esta comuna escribe ahora con otro registro", "use ese"),
}


@pytest.mark.parametrize("has_anchors", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_copied_disk_ends_as_evidence_and_one_surviving_log(net: Net, *, has_anchors: bool) -> None:
    """The copy signs where it reaches nobody, and then meets a neighbour; both run to the end."""
    montes, (valle, rio) = net["Los Montes"], net.honest
    copy = copied(montes, "copia", anchors=has_anchors)
    old = log_of(montes)
    net.start_neighbours()
    net.start(montes, valle)
    net.agree(montes, valle, rio)
    net.owe()
    copy.run("offer", "Ajo")
    net.start(copy, rio)

    everybody = (montes, copy, valle, rio)
    eventually(lambda: all(len(signed(who, old)) == 2 for who in everybody), "all hold both branches")
    for who in (montes, copy):
        eventually(lambda who=who: net.situation(who) == "forked", "the fork is told")  # type: ignore[misc]
        net.says(who, FORKED)
        assert "in two places" in who.refused("offer", "Sal")
    for who in (valle, rio):
        assert who.json("status")["held"]["forked"] == 1
        assert "forked at" in who.run("communes", "Los Montes").stdout
    assert all(net.owes_maize(who) for who in everybody), "a fork unsays nothing"

    net.node(montes).stop()
    new = restored(net, montes, "nueva")
    net.start(new, valle)
    eventually(lambda: len(signed(rio, log_of(new))) == 1, "the neighbours have the new log")
    new.run("offer", "Sal")
    net.agree(new, valle, rio)
    assert len(signed(rio, log_of(new))) == 1
    eventually(lambda: net.situation(copy) == "sealed", "the copy hears that the commune writes elsewhere")
    net.says(copy, SEALED)
    assert "another log" in copy.refused("offer", "Sal")
    for who in (new, valle, rio):
        assert net.owes_maize(who)
        assert "Sal" in titles(who)
        states = who.run("communes", "Los Montes").stdout
        assert "forked at" in states
        assert states.count("in use") == 1, "one log survives"


@pytest.mark.slow
def test_a_copied_folder_with_its_anchors_signs_nothing_once_a_neighbour_knows_more(net: Net) -> None:
    """The image was made before the original went on; the anchors in it know no more than its ledger does."""
    montes, (valle, rio) = net["Los Montes"], net.honest
    net.start_neighbours()
    net.start(montes, valle)
    net.agree(montes, valle, rio)
    net.node(montes).stop()
    copy = copied(montes, "copia")
    net.start(montes, valle)
    net.owe()
    net.start(copy, rio)
    eventually(lambda: net.situation(copy) == "shared", "the copy is told")
    net.says(copy, SHARED)
    assert "another copy of this home" in copy.refused("offer", "Sal")
    assert net.situation(montes) == "ready", "nothing was signed by anybody else"
    montes.run("offer", "Sal")
    net.agree(montes, valle, rio)
    assert all(signed(who, log_of(montes)) == signed(montes, log_of(montes)) for who in (valle, rio))
    assert all(net.owes_maize(who) for who in (montes, valle, rio))


@pytest.mark.slow
def test_two_processes_on_one_home_never_fork_its_log(net: Net) -> None:
    """The second is refused; where locks do not hold, as on some network disks, neither forks it."""
    montes, (valle, rio) = net["Los Montes"], net.honest
    net.start_neighbours()
    first = net.start(montes, valle, rio)
    net.owe()
    for speaks, told in (("en", "A node is running in"), ("es", "ya funciona un nodo")):
        assert told in montes.run("run", "--no-discovery", status=2, speaks=speaks).stderr

    tokens = [first.token]
    # Somebody tidies up: whoever opens the home now locks files of the same names.
    for name in ("lock", "node.lock", "node.json"):
        (montes.home / name).unlink()
    second = net.start(montes, rio)
    tokens.append(second.token)
    for number in range(6):
        offer = Offer(at=number, category="other", title=f"Sal {number}")
        body = json.dumps({"payload": to_payload(offer).hex(), "about": None}).encode()
        headers = {"Authorization": f"Bearer {tokens[number % 2]}"}
        answer = (first, second)[number % 2].ask("/api/1/records", "POST", body, headers)
        assert answer.status < 500, answer.body
    first.stop()
    second.stop()
    net.start(montes, valle, rio)
    montes.run("offer", "Pan")
    net.agree(montes, valle, rio)
    assert all(len(signed(who, log_of(montes))) == 1 for who in (montes, valle, rio)), "nothing forked"
    assert all(net.owes_maize(who) for who in (montes, valle, rio))
