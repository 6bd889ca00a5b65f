"""The people's listener: who may ask it, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import api, language, web

from ..support.nodes import NodeProcess
from ..support.shared import CHECKOUT
from .conftest import Secretary

REFERENCE = CHECKOUT / "docs" / "reference"


@pytest.fixture
def node(montes: Secretary) -> Iterator[NodeProcess]:
    with NodeProcess(montes.home) as running:
        assert running.started
        yield running


def port(node: NodeProcess) -> int:
    found: int = node.told["people_port"]
    return found


def test_it_answers_under_this_computers_names_alone(node: NodeProcess) -> None:
    """Else a page elsewhere, whose name was bent to point here, could read everything."""
    for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
        for host in (name, f"{name}:{port(node)}"):
            assert node.ask("/healthz", headers={"Host": host}).status == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1:x", "", "10.0.0.1", "localhost:1:2"):
        for path in ("/", "/healthz", "/metrics", "/api/1/status", "/nothing"):
            assert node.ask(path, headers={"Host": host}).status == 421


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_a_proxy_here_lets_nobody_in_unless_the_settings_name_it(montes: Secretary, header: str) -> None:
    """It connects from this computer, and whoever reaches it would be asked for no password."""
    (montes.home / "config.toml").write_text('hosts = ["trueque.example"]\n')
    with NodeProcess(montes.home) as node:
        passed_on = {header: "for=192.0.2.60"}
        for path in ("/", "/status", "/healthz"):
            assert node.ask(path, headers=passed_on).status == 403
        assert node.ask("/status", headers={**passed_on, "Host": "trueque.example"}).status == 200
        assert node.ask("/status", headers={**passed_on, "Host": "evil.example"}).status == 421


def test_a_name_that_the_settings_allow_is_one_of_them(montes: Secretary) -> None:
    (montes.home / "config.toml").write_text('hosts = ["trueque.example"]\n')
    with NodeProcess(montes.home) as node:
        assert node.ask("/healthz", headers={"Host": "Trueque.Example:80"}).status == 200
        assert node.ask("/healthz", headers={"Host": "evil.example"}).status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "odd"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://["},
        {"Origin": "file://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
    ],
)
def test_another_page_may_not_write_even_with_the_token(node: NodeProcess, headers: dict[str, str]) -> None:
    allowed = {"Authorization": f"Bearer {node.token}"}
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert node.ask("/api/1/rebuild", method, b"", {**allowed, **headers}).status == 403


def test_its_own_pages_and_programs_may(node: NodeProcess) -> None:
    allowed = {"Authorization": f"Bearer {node.token}"}
    own = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{port(node)}"}
    for headers in ({}, own, {"Sec-Fetch-Site": "none"}):
        assert node.ask("/api/1/rebuild", "POST", b"", {**allowed, **headers}).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_leads_here_and_has_nothing_loaded(node: NodeProcess, site: str) -> None:
    """Else its pictures would have pages made and photos fetched, and its lines take the places of all."""
    fetched: list[dict[str, str]] = [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {},
    ]
    for headers in fetched:
        for path in ("/", "/live", "/accounts/statement", "/api/1/status"):
            assert node.ask(path, headers={"Sec-Fetch-Site": site, **headers}).status == 403
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert node.ask("/status", headers=followed).status == 200


def test_no_other_origin_is_ever_answered(node: NodeProcess) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = node.ask("/api/1/status", method, headers=asked)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_api_asks_for_the_token(node: NodeProcess) -> None:
    given: list[dict[str, str]] = [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer " + "0" * 64}]
    given += [{"Authorization": f"bearer {node.token}"}, {"Authorization": f"Basic {node.token}"}]
    for headers in given:
        for path in ("/api/1/status", "/api/1/nothing", "/api/1/../1/status", "/api/"):
            answer = node.ask(path, headers=headers)
            assert (answer.status, answer.json["error"]) == (401, "InputError")
        assert node.ask("/api/1/records", "POST", b"{}", headers).status == 401
    assert node.api("/api/1/status").status == 200


def test_every_answer_forbids_scripts_frames_and_storing(node: NodeProcess) -> None:
    for path in ("/", "/status", "/healthz", "/metrics", "/api/1/status", "/nothing"):
        answer = node.ask(path)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        is_page = answer.headers["Content-Type"].startswith("text/html")
        assert answer.headers["Cache-Control"] == ("private, no-cache" if is_page else "no-store")
        assert "aiohttp" not in str(answer.headers)


def test_what_cannot_be_asked_is_refused_in_the_language_of_who_asks(node: NodeProcess) -> None:
    allowed = {"Authorization": f"Bearer {node.token}", "Accept-Language": "es-VE,es;q=0.9,en;q=0.1"}
    answers = {
        404: node.ask("/nothing", headers=allowed),
        405: node.ask("/healthz", "POST", b"", allowed),
        413: node.ask("/api/1/records", "POST", b" " * 1_100_000, allowed),
        400: node.ask("/api/1/records", "POST", b"{", allowed),
    }
    for status, answer in answers.items():
        assert answer.status == status
        assert set(answer.json) == {"error", "template", "fields", "sentence"}
        assert answer.json["sentence"] != answer.json["template"]
    assert "POST" not in answers[405].headers["Allow"]


def test_a_page_is_in_the_language_that_is_asked_for_and_else_in_spanish(node: NodeProcess) -> None:
    spanish = node.ask("/status", headers={"Accept-Language": "fr, es;q=0.8, en;q=0.7"})
    assert spanish.headers["Content-Language"] == "es"
    text = spanish.body.decode()
    assert '<html lang="es">' in text
    assert "Los Montes" in text
    assert "Este equipo puede firmar." in text
    assert "This computer may sign." in node.ask("/status", headers={"Accept-Language": "en"}).body.decode()
    assert node.ask("/status").headers["Content-Language"] == "es"


def test_a_page_holds_no_script_or_style_of_its_own_and_nothing_from_elsewhere(node: NodeProcess) -> None:
    for path in ("/", "/listings/new", "/exchanges", "/exchanges/new", "/accounts", "/neighbours", "/status"):
        text = node.ask(path).body.decode()
        for forbidden in ("<style", " style=", "http-equiv", '="http', '="//', " onclick", "javascript:"):
            assert forbidden not in text
        assert set(re.findall(r"<script([^>]*)>", text)) == set(re.findall(r"<script([^>]*)></script>", text))


def test_names_from_elsewhere_are_not_html(places: Path) -> None:
    evil = Secretary("evil", places / "evil")
    evil.run(
        "init", "--name", "<b>x</b>&amp;", "--network", "ensayo", "--yes", "--recovery-out", str(places / "w")
    )
    with NodeProcess(evil.home) as node:
        text = node.ask("/").body.decode()
    assert "<b>" not in text
    assert "&lt;b&gt;x&lt;/b&gt;&amp;amp;" in text


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("", "en"),
        ("es", "es"),
        ("ES-ve", "es"),
        ("fr", "en"),
        ("en;q=0.5, es;q=0.9", "es"),
        ("es;q=0.5, en", "en"),
        ("es;q=0", "en"),
        ("es;q=x", "es"),
        ("*;q=0.1,,;;", "en"),
    ],
)
def test_the_language_is_the_one_liked_best(accepted: str, spoken: str) -> None:
    assert language.preferred(accepted) == spoken


def test_every_address_is_documented(node: NodeProcess) -> None:
    page = (REFERENCE / "api.md").read_text()
    documented = set(re.findall(r"^### ([A-Z]+ /\S*)$", page, re.MULTILINE))
    assert documented == {f"{row.method} {row.path}" for row in api.TABLE}


def test_every_page_is_documented() -> None:
    page = (REFERENCE / "pages.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z]+ /\S*)` \|", page, re.MULTILINE))
    routes = {f"{route.method} {route.path}" for module in web.TABLES for route in module.ROUTES}
    assert documented == {re.sub(r":(\[[^]]*\]\{64\}|[a-z|]+)\}", "}", route) for route in routes}


def test_every_figure_is_documented_and_given(node: NodeProcess) -> None:
    node.api("/api/1/records", {"payload": ""})
    page = (REFERENCE / "metrics.md").read_text()
    documented = set(re.findall(r"^\| `(trueque_\w+)` \|", page, re.MULTILINE))
    answer = node.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    given = set(re.findall(r"^# TYPE (trueque_\w+)", answer.body.decode(), re.MULTILINE))
    given = {name for name in given if not name.endswith("_created")}
    assert given <= documented
    assert documented <= given | {"trueque_build_info"}
    samples = dict(re.findall(r"^(trueque_\w+(?:\{[^}]*\})?) (\S+)$", answer.body.decode(), re.MULTILINE))
    assert samples["trueque_entries"] == samples["trueque_logs"] == samples["trueque_communes"] == "1.0"
    assert samples['trueque_signing{trueque_signing="ready"}'] == "1.0"
    assert float(samples["trueque_disk_free_bytes"]) > 0
    assert samples["trueque_link_sent_bytes_total"] == samples["trueque_link_received_bytes_total"] == "0.0"


def test_health_is_documented_and_good(node: NodeProcess) -> None:
    answer = node.ask("/healthz")
    assert answer.status == 200
    assert answer.json == {"status": "ok", "home": "open", "situation": "ready"}
    assert answer.body.decode() in (REFERENCE / "api.md").read_text()
    assert node.ask("/healthz", "HEAD").status == 200
