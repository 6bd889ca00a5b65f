"""A browser without script: it follows links, fills forms and sends them, as the oldest telephone does.

It keeps cookies, sends the headers that tell a browser from a program, and
refuses what a browser would: a form that is not on the page, a field that is
not in the form.
"""

from __future__ import annotations

import gzip
import http.client
import http.cookies
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

VOID = frozenset({"input", "img", "link", "meta", "br", "hr"})


@dataclass
class Form:
    """A form on a page: where it goes, its fields with what stands in them, and its buttons."""

    action: str
    method: str
    encoding: str = "application/x-www-form-urlencoded"
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """of a select or radio buttons, what may be chosen"""
    files: list[str] = field(default_factory=list)
    buttons: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@dataclass
class Page(HTMLParser):
    """What a page holds, as far as a person can use it."""

    address: str
    status: int
    headers: dict[str, str]
    html: str

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)
        self.texts: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._area: str | None = None
        self._button: dict[str, str] | None = None
        self._inside: list[str] = []
        self._link: tuple[str, list[str]] | None = None
        self._label: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag not in VOID:
            self._inside.append(tag)
        form = self._form
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self._form.encoding = given.get("enctype", self._form.encoding)
            self.forms.append(self._form)
        elif tag == "a" and "href" in given:
            self._link = (given["href"], [])
        elif form is not None and tag == "input" and "name" in given:
            self._input(form, given)
        elif form is not None and tag == "select":
            self._select = given["name"]
            form.fields[self._select] = ""
            form.choices[self._select] = []
        elif form is not None and tag == "option" and self._select:
            chosen = given.get("value", "")
            if not form.choices[self._select] or "selected" in given:
                form.fields[self._select] = chosen
            form.choices[self._select].append(chosen)
        elif form is not None and tag == "textarea":
            self._area = given["name"]
            form.fields[self._area] = ""
        elif form is not None and tag == "button" and given.get("type", "submit") == "submit":
            self._button = given
            self._label = []

    @staticmethod
    def _input(form: Form, given: dict[str, str]) -> None:
        name = given["name"]
        if given.get("type") == "file":
            form.files.append(name)
            return
        if given.get("type") in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
            return
        form.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        assert self._inside, f"</{tag}> closes nothing on {self.address}"
        opened = self._inside.pop()
        assert opened == tag, f"</{tag}> closes <{opened}> on {self.address}"
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None
        elif tag == "a" and self._link is not None:
            self.links.append((" ".join("".join(self._link[1]).split()), self._link[0]))
            self._link = None
        elif tag == "button" and self._button is not None and self._form is not None:
            self._form.buttons.append((" ".join("".join(self._label).split()), self._button))
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._form is not None:
            held = self._form.fields[self._area]
            # A browser leaves out the first line break of an area.
            self._form.fields[self._area] = held + data if held else data.removeprefix("\n")
        if self._link is not None:
            self._link[1].append(data)
        if self._button is not None:
            self._label.append(data)
        if "script" not in self._inside and "style" not in self._inside:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, blanks as one."""
        return " ".join("".join(self.texts).split())

    def form(self, button: str) -> Form:
        """The first form that has a button with this label."""
        for form in self.forms:
            if any(label == button for label, _given in form.buttons):
                return form
        raise AssertionError(f"no button '{button}' on {self.address}: {self.text}")

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every tag of a kind."""
        return [given for name, given in self.tags if name == tag]


class Browser:
    """Somebody's browser at a node's pages; `page` is what it shows."""

    def __init__(self, port: int, language: str = "en", host: str = "127.0.0.1") -> None:
        """`host` is where the node is reached; with 127.0.0.2 it is as from the local network."""
        self.origin = f"http://{host}:{port}"
        self.host = host
        self.port = port
        self.language = language
        self.cookies: dict[str, str] = {}
        self.page = Page("about:blank", 200, {}, "")
        self.content, self.headers = b"", dict[str, str]()
        """the body and the headers of what came last"""
        self.bytes = 0
        """bytes of all answers' bodies, as they came"""

    def open(self, address: str) -> Page:
        """Go to an address."""
        return self._go("GET", urljoin(self.page.address if ":" not in self.page.address else "/", address))

    def follow(self, label: str) -> Page:
        """Follow the first link with this text."""
        for text, address in self.page.links:
            if text == label:
                return self.open(address)
        raise AssertionError(f"no link '{label}' on {self.page.address}: {self.page.text}")

    def send(self, button: str, files: Mapping[str, bytes] | None = None, /, **values: str) -> Page:
        """Fill the form of a button, choose files in it, and press it."""
        form = self.page.form(button)
        given = next(given for label, given in form.buttons if label == button)
        fields = dict(form.fields)
        for name, value in values.items():
            assert name in fields or name in form.choices, f"no field '{name}' beside '{button}'"
            assert value in form.choices.get(name, [value]), f"'{value}' is no choice of {name}"
            fields[name] = value
        if "name" in given:
            fields[given["name"]] = given.get("value", "")
        address = urljoin(self.page.address, given.get("formaction") or form.action or self.page.address)
        if form.method == "get":
            return self._go("GET", f"{address.partition('?')[0]}?{urlencode(fields)}")
        if form.encoding == "multipart/form-data":
            assert set(files or {}) <= set(form.files)
            body, kind = _multipart(fields, files or {})
            return self._go("POST", address, body, kind)
        assert not files, f"the form of '{button}' takes no files"
        return self.post(address, fields)

    def post(self, address: str, fields: dict[str, str]) -> Page:
        """Send fields as a form of the page that is shown would."""
        return self._go("POST", address, urlencode(fields).encode())

    def _go(
        self,
        method: str,
        address: str,
        body: bytes | None = None,
        kind: str = "application/x-www-form-urlencoded",
    ) -> Page:
        for _turn in range(5):
            connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
            try:
                connection.request(method, address, body, self._headers(method, kind))
                response = connection.getresponse()
                headers = {name.lower(): value for name, value in response.getheaders()}
                data = response.read()
            finally:
                connection.close()
            self.bytes += len(data)
            for each in response.msg.get_all("Set-Cookie") or ():
                for name, morsel in http.cookies.SimpleCookie(each).items():
                    self.cookies[name] = morsel.value
                    if morsel["max-age"] == "0":
                        del self.cookies[name]
            if response.status != 303:
                break
            method, address, body = "GET", urljoin(address, headers["location"]), None
        self.content, self.headers = _unpacked(data, headers), headers
        is_page = headers.get("content-type", "").startswith("text/html")
        self.page = Page(address, response.status, headers, self.content.decode() if is_page else "")
        return self.page

    def _headers(self, method: str, kind: str) -> dict[str, str]:
        headers = {
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            "Accept-Encoding": "gzip, deflate",
            "Accept-Language": self.language,
            "Sec-Fetch-Site": "same-origin",
        }
        if method == "POST":
            headers |= {"Origin": self.origin, "Content-Type": kind}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers


def _multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """A form with files in it (RFC 7578), and its media type."""
    parts = []
    for name, text in fields.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
    for name, data in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="file"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
    edge = b"--------edge-of-the-form"
    body = b"".join(b"--" + edge + b"\r\n" + part for part in parts) + b"--" + edge + b"--\r\n"
    return body, f"multipart/form-data; boundary={edge.decode()}"


def _unpacked(data: bytes, headers: dict[str, str]) -> bytes:
    match headers.get("content-encoding", ""):
        case "gzip":
            return gzip.decompress(data)
        case "deflate":
            return zlib.decompress(data)
    return data


def path_of(page: Page) -> str:
    """The address of a page without what chooses within it."""
    return urlsplit(page.address).path
