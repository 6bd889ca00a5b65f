"""Status: a home that cannot be opened says why on every page, and is not taken for a new one."""

from __future__ import annotations

import pytest

from ...support.browser import Browser, path_of
from ...support.nodes import NodeProcess
from ..conftest import Secretary


@pytest.mark.parametrize(("lost", "said"), [("log.key", "The key"), ("ledger.sqlite", "The ledger")])
def test_a_home_of_which_something_is_gone_is_not_welcomed_as_new(
    montes: Secretary, lost: str, said: str
) -> None:
    for path in montes.home.glob(f"{lost}*"):
        path.unlink()
    with NodeProcess(montes.home, "--log-json") as node:
        browser = Browser(node.told["people_port"])
        for address in ("/", "/exchanges", "/listings/new"):
            page = browser.open(address)
            assert path_of(page) == address
            assert page.status == 409
            assert f"{said} {montes.home / lost} is missing" in page.text
        assert "is missing" in browser.open("/status").text
        assert node.api("/api/1/listings").status == 409
        assert [each["event"] for each in node.happenings()].count("trouble") == 1
