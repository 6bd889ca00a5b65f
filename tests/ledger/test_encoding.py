"""Canonical MessagePack: one value, one encoding, and only EncodingError for anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger import encoding
from ledger.errors import EncodingError
from tests.support.shared import shared_path


def _suite() -> list[tuple[dict[str, Any], list[bytes]]]:
    files = json.loads(shared_path("vectors/msgpack/msgpack-test-suite.json").read_text())
    return [
        (case, [bytes.fromhex(text.replace("-", "")) for text in case["msgpack"]])
        for cases in files.values()
        for case in cases
    ]


def test_of_the_encodings_of_a_value_in_the_msgpack_test_suite_at_most_one_is_canonical() -> None:
    suite = _suite()
    assert (len(suite), sum(len(encodings) for _, encodings in suite)) == (85, 233)
    for case, encodings in suite:
        accepted = []
        for data in encodings:
            try:
                value = encoding.decode(data)
            except EncodingError:
                continue
            assert encoding.encode(value) == data
            accepted.append(data)
        assert len(accepted) <= 1, case
        whole = all(-(2**63) <= int(case[key]) < 2**63 for key in ("number", "bignum") if key in case)
        refused = "timestamp" in case or "ext" in case or not whole or case.get("number") in (0.5, -0.5)
        assert len(accepted) == (0 if refused else 1), case


def test_a_record_has_the_bytes_that_the_specification_shows() -> None:
    value = {"kind": "offer", "at": 1_767_225_600_000, "title": "Maíz blanco"}
    expected = "83a26174cf0000019b76daa800a46b696e64a56f66666572a57469746c65ac4d61c3ad7a20626c616e636f"
    assert encoding.encode(value).hex() == expected
    assert encoding.decode(bytes.fromhex(expected)) == value


@pytest.mark.parametrize("data", [b"\x91" * 8_000, b"\xa1\xff", b"\xdd\xff\xff\xff\xff", b"\xc1", b""])
def test_junk_ends_in_an_encoding_error(data: bytes) -> None:
    with pytest.raises(EncodingError):
        encoding.decode(data)
