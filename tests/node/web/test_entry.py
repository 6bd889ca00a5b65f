"""What the local network gets to see: nothing before the password, and not everything after it.

127.0.0.2 is this computer too, and not the address of the listener that is for this computer alone: whoever
connects there has come in by the other one, like a phone.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ...support.browser import Browser, path_of
from ...support.nodes import NodeProcess
from ..conftest import Secretary

PASSWORD = "agua de panela con limón"
NEARBY = "127.0.0.2"
SECRETS = ("Los Montes", "montes", "Yellow maize")


def secured(montes: Secretary, password: str = PASSWORD) -> None:
    file = montes.home.with_name("password.txt")
    file.write_text(password + "\n", encoding="utf-8")
    montes.run("password", "--password-file", str(file))


@pytest.fixture
def node(montes: Secretary) -> Iterator[NodeProcess]:
    secured(montes)
    montes.run("offer", "Yellow maize")
    with NodeProcess(montes.home, "--lan", "--log-json") as running:
        assert running.started
        yield running


@pytest.fixture(scope="module")
def open_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """One for all tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("open")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
            patched.setenv(name, str(folder / name.lower()))
        montes = Secretary("Los Montes", folder / "los-montes")
        words = ("--yes", "--recovery-out", str(folder / "words"))
        montes.run("init", "--name", montes.name, "--network", "ensayo", *words)
        secured(montes)
        montes.run("offer", "Yellow maize")
        with NodeProcess(montes.home, "--lan", "--log-json") as running:
            assert running.started
            yield running


def phone(node: NodeProcess, host: str = NEARBY) -> Browser:
    return Browser(node.told["people_port"], host=host)


def inside(node: NodeProcess, password: str = PASSWORD) -> Browser:
    browser = phone(node)
    browser.open("/")
    browser.send("Log in", password=password)
    return browser


def asked(
    node: NodeProcess,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    host: str = NEARBY,
    **headers: Any,
) -> http.client.HTTPResponse:
    """One request from nearby, with nothing that is not said here."""
    connection = http.client.HTTPConnection(host, node.told["people_port"], timeout=30)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, given)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


# Before the password ----------------------------------------------------------------------------


def test_without_the_password_there_is_the_login_page_and_nothing_of_the_commune(
    open_node: NodeProcess,
) -> None:
    browser = phone(open_node)
    for path in ("/", "/exchanges", "/accounts", "/neighbours", "/status", "/settings", "/reach", "/welcome"):
        page = browser.open(path)
        assert path_of(page) == "/login"
        assert [label for form in page.forms for label, _given in form.buttons] == ["Español", "Log in"]
        assert not any(secret in page.html for secret in SECRETS)
    assert [given["href"] for given in browser.page.attributes("a")] == ["#content", "/"]


@pytest.mark.parametrize(
    "path", ["/live", "/nothing", "/../", "/%2e%2e/", "//", "/static", "/static/../reach"]
)
def test_no_other_address_gives_anything_away(open_node: NodeProcess, path: str) -> None:
    answer = asked(open_node, path)
    assert answer.status in (303, 401, 404)
    assert not any(secret.encode() in answer.body for secret in SECRETS)  # type: ignore[attr-defined]


def test_what_is_for_this_computer_alone_is_not_there(open_node: NodeProcess) -> None:
    assert [asked(open_node, path).status for path in ("/healthz", "/metrics")] == [404, 404]
    assert [open_node.ask(path).status for path in ("/healthz", "/metrics")] == [200, 200]
    browser = inside(open_node)
    assert [browser.open(path).status for path in ("/healthz", "/metrics")] == [404, 404]


def test_nothing_is_done_for_whoever_has_not_logged_in(node: NodeProcess, montes: Secretary) -> None:
    before = len(montes.json("log"))
    form = {"title": "Something", "kind": "offer"}
    for path in ("/sign", "/listings/new", "/settings/password", "/settings/lan", "/welcome/new", "/logout"):
        assert asked(node, path, "POST", urlencode(form).encode()).status == 401
    assert len(montes.json("log")) == before
    assert "access" not in montes.home.name


def test_style_and_language_are_there_for_everybody(open_node: NodeProcess) -> None:
    browser = phone(open_node)
    browser.open("/exchanges")
    for given in browser.page.attributes("link"):
        assert asked(open_node, given["href"]).status == 200
    browser.send("Español")
    assert path_of(browser.page) == "/login"
    assert browser.page.attributes("html") == [{"lang": "es"}]


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=" + "a" * 300,
        "application/x-www-form-urlencoded; charset=nonsense",
        "application/x-www-form-urlencoded; charset=idna",
    ],
)
@pytest.mark.parametrize("path", ["/language", "/login"])
def test_whoever_comes_with_what_is_no_form_is_told_so_and_fills_no_journal(
    open_node: NodeProcess, path: str, kind: str
) -> None:
    answer = asked(open_node, path, "POST", b"--x\r\n\xff", Content_Type=kind, Accept_Language="en")
    assert answer.status == 400
    assert "The form cannot be read" in answer.body.decode()  # type: ignore[attr-defined]
    assert "fault" not in open_node.journal.read_text()


def test_the_api_goes_by_its_token_there_as_here(open_node: NodeProcess) -> None:
    assert asked(open_node, "/api/1/status").status == 401
    assert asked(open_node, "/api/1/status", Authorization=f"Bearer {open_node.token}").status == 200
    browser = inside(open_node)
    assert browser.open("/api/1/status").status == 401


@pytest.mark.parametrize(
    "header",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Real_IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1;host=127.0.0.1"},
        {"X_Forwarded_Host": "127.0.0.1", "X_Forwarded_Proto": "https"},
        {"Via": "1.1 localhost", "X_Original_URL": "/healthz", "X_Rewrite_URL": "/healthz"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1"},
    ],
)
def test_no_header_makes_somebody_be_at_this_computer(open_node: NodeProcess, header: dict[str, Any]) -> None:
    assert asked(open_node, "/healthz", **header).status == 404
    answer = asked(open_node, "/", **header)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?to=/")


def test_this_computer_under_another_of_its_addresses_is_as_anybody(open_node: NodeProcess) -> None:
    """The listener decides as well as the other end: ::1 is this computer, by the network's listener."""
    try:
        assert asked(open_node, "/", host="::1").status == 303
    except OSError:
        pytest.skip("this computer has no IPv6")


def test_a_name_that_is_bent_to_this_computer_is_refused(open_node: NodeProcess) -> None:
    """Else a page elsewhere could have the browser of somebody who is logged in do what it likes."""
    port = open_node.told["people_port"]
    for host in (
        "evil.example",
        "localhost",
        "127.0.0.1",
        "127.0.0.3",
        "[::1]",
        "",
        f"{NEARBY}.evil.example",
    ):
        for name in (host, f"{host}:{port}"):
            assert asked(open_node, "/login", Host=name).status == 421, name
    assert asked(open_node, "/login", Host=f"{NEARBY}:{port}").status == 200


def test_a_name_that_the_settings_allow_and_the_local_one_are_taken(montes: Secretary) -> None:
    import socket

    secured(montes)
    (montes.home / "config.toml").write_text('lan = true\nhosts = ["trueque.example"]\n')
    with NodeProcess(montes.home) as node:
        local = f"{socket.gethostname().partition('.')[0]}.local"
        for name in ("Trueque.Example", local, local.upper()):
            assert asked(node, "/login", Host=name).status == 200


# The password -----------------------------------------------------------------------------------


def test_with_the_password_one_is_where_one_wanted_to_go(open_node: NodeProcess) -> None:
    browser = phone(open_node)
    browser.open("/accounts?x=1&y=2")
    browser.send("Log in", password=PASSWORD)
    assert browser.page.address == "/accounts?x=1&y=2"
    assert "Los Montes" in browser.page.text
    assert "Yellow maize" in browser.open("/").text
    assert path_of(browser.open("/login")) == "/"


def test_what_is_signed_from_nearby_is_signed(node: NodeProcess, montes: Secretary) -> None:
    browser = inside(node)
    browser.open("/listings/new")
    browser.send("Look at it once more", title="Nails", category="food-grain")
    browser.send("Sign it")
    assert [row["title"] for row in montes.json("listings")] != []
    assert "Nails" in browser.open("/").text


def test_the_same_letters_are_the_same_password_on_every_keyboard(open_node: NodeProcess) -> None:
    assert "Los Montes" in inside(open_node, PASSWORD.replace("ó", "o\N{COMBINING ACUTE ACCENT}")).page.text


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example", "/\\evil.example", "javascript:x"])
def test_after_the_password_nobody_is_led_elsewhere(open_node: NodeProcess, to: str) -> None:
    browser = phone(open_node)
    browser.open(f"/login?{urlencode({'to': to})}")
    form = browser.page.form("Log in")
    answer = browser.post("/login", {**form.fields, "password": PASSWORD, "to": to})
    assert path_of(answer) == "/"
    assert "Los Montes" in answer.text


def test_a_wrong_password_opens_nothing_and_is_not_shown_again(open_node: NodeProcess) -> None:
    browser = phone(open_node)
    browser.open("/")
    page = browser.send("Log in", password="something else")
    assert page.status == 403
    assert "That is not the password" in page.text
    assert "something else" not in page.html
    assert path_of(browser.open("/")) == "/login"
    assert browser.send("Log in", password="").status == 422
    assert "password_wrong" in open_node.journal.read_text()
    assert "something else" not in open_node.journal.read_text()


def test_who_guesses_waits_and_even_the_right_one_is_not_looked_at_meanwhile(node: NodeProcess) -> None:
    browser = phone(node)
    browser.open("/")
    statuses = [browser.send("Log in", password=f"guess {number}").status for number in range(7)]
    assert statuses[:5] == [403] * 5
    assert 429 in statuses
    while statuses[-1] != 429:
        statuses.append(browser.send("Log in", password="one more guess").status)
    page = browser.send("Log in", password=PASSWORD)
    assert page.status == 429
    assert re.search(r"wrong too often: wait \d+ seconds, then try again", page.text)
    assert int(page.headers["retry-after"]) >= 1
    assert path_of(browser.open("/")) == "/login"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
def test_no_other_page_logs_somebody_in(open_node: NodeProcess, headers: dict[str, str]) -> None:
    """Else what they do then, they would do in the name of whoever made that page."""
    body = urlencode({"password": PASSWORD, "token": "x", "to": "/"}).encode()
    given = {name.replace("-", "_"): value for name, value in headers.items()}
    answer = asked(
        open_node, "/login", "POST", body, Content_Type="application/x-www-form-urlencoded", **given
    )
    assert (answer.status, answer.headers["Set-Cookie"]) == (403, None)


def test_a_login_needs_the_form_that_was_shown_to_this_browser(open_node: NodeProcess) -> None:
    one, other = phone(open_node), phone(open_node)
    one.open("/")
    other.open("/")
    token = one.page.form("Log in").fields["token"]
    page = other.post("/login", {"password": PASSWORD, "token": token, "to": "/"})
    assert page.status == 422
    assert f"trueque-{open_node.told['people_port']}-session" not in other.cookies


def test_much_is_not_read_of_somebody_who_may_be_anybody(open_node: NodeProcess) -> None:
    for body in (b"password=" + b"x" * 9_000, b"password=" + b"x" * 900_000):
        answer = asked(open_node, "/login", "POST", body, Content_Type="application/x-www-form-urlencoded")
        assert answer.status == 413
    connection = http.client.HTTPConnection(NEARBY, open_node.told["people_port"], timeout=30)
    connection.request("POST", "/language", iter([b"language=es"] * 3), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


# Sessions ---------------------------------------------------------------------------------------


def session_of(browser: Browser) -> str:
    return browser.cookies[f"trueque-{browser.port}-session"]


def test_a_session_is_begun_by_the_node_alone(open_node: NodeProcess) -> None:
    """Whoever plants a cookie in another's browser does not know it after that one has logged in."""
    browser = phone(open_node)
    planted = {f"trueque-{browser.port}-session": "A" * 43, f"trueque-{browser.port}": "b" * 32}
    browser.cookies.update(planted)
    browser.open("/")
    assert path_of(browser.page) == "/login"
    browser.send("Log in", password=PASSWORD)
    assert "Los Montes" in browser.page.text
    assert not set(planted.values()) & set(browser.cookies.values())
    attacker = phone(open_node)
    attacker.cookies.update(planted)
    assert path_of(attacker.open("/")) == "/login"


def test_its_cookie_is_for_this_node_and_out_of_scripts_reach(open_node: NodeProcess) -> None:
    browser = phone(open_node)
    browser.open("/")
    form = browser.page.form("Log in")
    body = urlencode({**form.fields, "password": PASSWORD}).encode()
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    answer = asked(
        open_node, "/login", "POST", body, Cookie=cookies, Content_Type="application/x-www-form-urlencoded"
    )
    (given,) = [each for each in answer.headers.get_all("Set-Cookie") or () if "-session=" in each]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"} <= set(given.split("; "))


def test_a_restart_logs_nobody_out_and_nothing_on_disk_opens_the_door(
    node: NodeProcess, montes: Secretary
) -> None:
    browser = inside(node)
    node.stop()
    kept = (montes.home / "access.json").read_text()
    assert (montes.home / "access.json").stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in kept
    assert session_of(browser) not in kept
    (secret,) = json.loads(kept)["sessions"]
    with NodeProcess(montes.home, "--lan", "--people-port", str(browser.port)) as again:
        assert again.started
        assert "Yellow maize" in browser.open("/").text
        browser.cookies[f"trueque-{browser.port}-session"] = secret
        assert path_of(browser.open("/")) == "/login"


def test_who_logs_out_is_out_also_with_a_copy_of_the_cookie(open_node: NodeProcess) -> None:
    browser, other = inside(open_node), inside(open_node)
    copied = dict(browser.cookies)
    browser.send("Log out")
    assert path_of(browser.page) == "/login"
    browser.cookies = copied
    assert path_of(browser.open("/")) == "/login"
    assert "Los Montes" in other.open("/").text


def test_with_a_new_password_everybody_has_to_log_in_again(node: NodeProcess, montes: Secretary) -> None:
    browser = inside(node)
    at_home = Browser(node.told["people_port"])
    at_home.open("/settings/lan")
    assert "1 browser is logged in." in at_home.page.text
    at_home.send("Change the password", password="otra palabra larga", again="otra palabra larga")
    assert path_of(browser.open("/")) == "/login"
    assert browser.send("Log in", password=PASSWORD).status == 403
    assert "Los Montes" in browser.send("Log in", password="otra palabra larga").text
    secured(montes, "la tercera palabra")  # by the command, while the node runs
    assert path_of(browser.open("/")) == "/login"
    browser.send("Log in", password="la tercera palabra")
    at_home.open("/settings/lan")
    at_home.send("Log all of them out")
    assert "logged in" not in at_home.page.text.replace("Whoever is logged in", "")
    assert path_of(browser.open("/")) == "/login"


def test_secrets_are_not_dealt_with_over_the_network(open_node: NodeProcess) -> None:
    browser = inside(open_node)
    for path in ("/welcome", "/welcome/new", "/welcome/words", "/welcome/lan", "/settings/lan"):
        assert browser.open(path).status == 403
        assert "only at the computer on which the node runs" in browser.page.text
    page = browser.post("/settings/password", {"password": "x" * 12, "again": "x" * 12})
    assert page.status == 403
    assert "Los Montes" in inside(open_node).page.text


# The switch -------------------------------------------------------------------------------------


def reaches(port: int) -> bool:
    connection = http.client.HTTPConnection(NEARBY, port, timeout=10)
    try:
        connection.request("GET", "/login")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def test_nobody_is_let_in_before_it_was_asked_for_and_a_restart_keeps_it(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        port = node.told["people_port"]
        assert not reaches(port)
        at_home = Browser(port)
        assert "Only this computer can open these pages now." in at_home.open("/reach").text
        at_home.follow("Let phones in")
        page = at_home.send("Set it and let phones in", password="short", again="short")
        assert "at least 10 characters are needed, and it has 5" in page.text
        page = at_home.send("Set it and let phones in", password=PASSWORD, again="another one then")
        assert (page.status, "The two are not the same" in page.text) == (422, True)
        assert PASSWORD not in page.html
        assert not reaches(port)
        page = at_home.send("Set it and let phones in", password=PASSWORD, again=PASSWORD)
        assert path_of(page) == "/reach"
        assert reaches(port)
        assert "<svg" in page.html or "no network" in page.text
    with NodeProcess(montes.home) as node:
        port = node.told["people_port"]
        assert reaches(port)
        browser = inside(node)
        at_home = Browser(port)
        at_home.open("/settings/lan")
        at_home.send("Let nobody in any more")
        assert not reaches(port)
        with pytest.raises(ConnectionRefusedError):
            browser.open("/")
        assert "Yellow" not in at_home.open("/").text
        at_home.open("/settings/lan")
        at_home.send("Let phones in")
        assert "Los Montes" in browser.open("/").text


def test_status_tells_whether_phones_are_let_in(montes: Secretary, node: NodeProcess) -> None:
    lan = montes.json("status")["lan"]
    assert lan == node.api("/api/1/status").json["lan"]
    assert (lan["wanted"], lan["open"], lan["password"], lan["ruled"]) == (True, True, True, True)
    told = montes.run("status").stdout
    assert "let in, with the password" in told
    assert all(f"http://{host}" in " ".join(told.split()) for host in map(_host_of, lan["addresses"]))
    node.api("/api/1/password", {"password": None})
    lan = montes.json("status")["lan"]
    assert (lan["wanted"], lan["open"], lan["password"], lan["addresses"]) == (True, False, False, [])
    assert "only with a password" in lan["trouble"]["template"]


def test_a_program_lets_phones_in_or_no_longer(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        assert node.api("/api/1/lan", {"lan": True}).status == 400  # without a password
        secured(montes)
        assert node.api("/api/1/lan", {"lan": True}).json == {"password": True, "lan": True}
        assert reaches(node.told["people_port"])
        assert node.api("/api/1/lan", {"lan": False}).json == {"password": True, "lan": False}
        assert not reaches(node.told["people_port"])


def _host_of(address: str) -> str:
    return address.removeprefix("http://").rstrip("/")


def test_an_open_connection_ends_when_nobody_is_let_in_any_more(node: NodeProcess) -> None:
    connection = http.client.HTTPConnection(NEARBY, node.told["people_port"], timeout=30)
    connection.request("GET", "/login")
    connection.getresponse().read()
    assert node.api("/api/1/password", {"password": None}).json == {"password": False, "lan": False}
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        asked(node, "/login")


def test_without_a_password_the_setting_alone_opens_nothing(montes: Secretary) -> None:
    (montes.home / "config.toml").write_text("lan = true\n")
    with NodeProcess(montes.home) as node:
        port = node.told["people_port"]
        assert not reaches(port)
        assert "only with a password" in node.journal.read_text()
        at_home = Browser(port)
        assert "only with a password" in at_home.open("/reach").text
        at_home.open("/settings/lan")
        assert "it is changed there" in at_home.page.text
        fields = {**at_home.page.form("Set it and let phones in").fields, "lan": "on"}
        assert at_home.post("/settings/lan", fields).status == 422
        secured(montes)
        assert reaches(port)
        montes.run("password", "--remove")
        assert not reaches(port)


def test_the_setting_rules_over_the_page(montes: Secretary) -> None:
    secured(montes)
    access = montes.home / "access.json"
    access.write_text(json.dumps({**json.loads(access.read_text()), "lan": True}))
    (montes.home / "config.toml").write_text("lan = false\n")
    with NodeProcess(montes.home) as node:
        assert not reaches(node.told["people_port"])


def test_a_second_node_does_not_get_the_port(open_node: NodeProcess, places: Path) -> None:
    """Both listeners share a port for the moment in which the second one begins, and with nobody else."""
    with NodeProcess(places / "other", "--people-port", str(open_node.told["people_port"])) as other:
        assert not other.started
        assert "cannot be listened at" in other.journal.read_text()
