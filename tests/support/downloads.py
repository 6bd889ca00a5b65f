"""Files that a browser is given to keep, and files that it sends several of."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .browser import Browser, Page


@dataclass
class Download:
    """What came at an address, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """What the file is to be called."""
        return self.headers["content-disposition"].partition('filename="')[2].rstrip('"')


def downloaded(browser: Browser, address: str) -> Download:
    """Follow an address that leads to a file."""
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
    try:
        connection.request("GET", address, headers={"Accept-Language": browser.language})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Download(response.status, headers, response.read())
    finally:
        connection.close()


def sent(browser: Browser, address: str, field: str, files: Sequence[tuple[str, bytes]]) -> Page:
    """Send several files in one field of a form (RFC 7578), as where a browser lets several be chosen."""
    kind = "Content-Type: application/octet-stream"
    pieces = [
        f'form-data; name="{field}"; filename="{name}"\r\n{kind}\r\n\r\n'.encode() + data
        for name, data in files
    ]
    parts = [b"--edge\r\nContent-Disposition: " + piece + b"\r\n" for piece in pieces]
    return browser._go(
        "POST", address, b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
    )
