"""Requests for signatures: several people sign one record, and nobody signs what they were not shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log import EntryId, LogKey, entry_id
from ledger.records import Authority, AuthorityChange, Charter, CommuneId, Seal, Succession, parse, to_payload
from ledger.signing import SigningKey
from node.errors import InputError
from node.requests import (
    MAX_REQUEST_BYTES,
    HexSigned,
    Request,
    decode_request,
    encode_request,
    merge_requests,
    read_request,
    request_for,
    sign_request,
)

NETWORK = "ensayo"
COUNCILS = [SigningKey(bytes([number]) * 32) for number in range(1, 4)]
LOG = SigningKey(bytes([9]) * 32)
NEW_LOG = SigningKey(bytes([10]) * 32)
TWO_OF_THREE = Authority(keys=tuple(sorted(key.public_key for key in COUNCILS)), threshold=2)
CHARTER = to_payload(Charter(at=1, authority=TWO_OF_THREE, name="Comuna Agua Viva", network=NETWORK))
COMMUNE = CommuneId(entry_id(LOG.public_key, 0, CHARTER))


def succession() -> Succession:
    return Succession(
        at=2,
        authority=EntryId(COMMUNE),
        commune=COMMUNE,
        log=NEW_LOG.public_key,
        previous=(Seal(LOG.public_key, 1, bytes(32)),),
    )


def request() -> Request:
    return request_for(succession(), NETWORK, CHARTER, LogKey(LOG.public_key), [TWO_OF_THREE])


def test_two_of_three_councils_sign_and_the_record_is_whole() -> None:
    asked = request()
    assert asked.missing == 2
    one = sign_request(asked, COUNCILS[0])
    other = sign_request(asked, COUNCILS[2])
    assert (one.missing, one.is_complete) == (1, False)
    merged = merge_requests([one, other])
    assert merged.is_complete
    record = parse(merged.signed_payload())
    assert isinstance(record, Succession)
    assert [signed.key for signed in record.signatures] == sorted(
        key.public_key for key in (COUNCILS[0], COUNCILS[2])
    )
    assert msgspec.structs.replace(record, signatures=()) == succession()


def test_who_signs_twice_counts_once() -> None:
    twice = sign_request(sign_request(request(), COUNCILS[0]), COUNCILS[0])
    assert twice.missing == 1
    with pytest.raises(InputError, match="still needed: 1"):
        twice.signed_payload()


def test_a_key_that_is_not_asked_for_is_told_so() -> None:
    with pytest.raises(InputError, match="of another key"):
        sign_request(request(), LOG)


def test_a_signature_for_something_else_does_not_count() -> None:
    forged = msgspec.structs.replace(
        request(),
        signatures=tuple(HexSigned(key.public_key.hex(), key.sign(b"x").hex()) for key in COUNCILS),
    )
    assert forged.missing == 2


def test_signatures_of_different_requests_are_not_put_together() -> None:
    other = request_for(
        msgspec.structs.replace(succession(), at=3), NETWORK, CHARTER, LogKey(LOG.public_key), [TWO_OF_THREE]
    )
    with pytest.raises(InputError, match="not copies of one request"):
        merge_requests([request(), other])


def test_the_name_shown_is_the_one_that_the_charter_proves() -> None:
    """Whoever passes the file on must not be able to have it signed for another commune."""
    assert request().commune_name == "Comuna Agua Viva"
    other = to_payload(Charter(at=1, authority=TWO_OF_THREE, name="Comuna Vecina", network=NETWORK))
    with pytest.raises(InputError, match="does not prove"):
        _ = msgspec.structs.replace(request(), charter=other.hex()).commune_name


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    signed = sign_request(request(), COUNCILS[1])
    path = tmp_path / "request.json"
    path.write_bytes(encode_request(signed))
    assert read_request(path) == signed


def test_a_change_of_authority_can_be_asked_for_as_well() -> None:
    change = AuthorityChange(
        at=2,
        authority=Authority(keys=(COUNCILS[0].public_key,), threshold=1),
        commune=COMMUNE,
        log=LOG.public_key,
        previous=(COMMUNE,),
    )
    asked = request_for(change, NETWORK, CHARTER, LogKey(LOG.public_key), [TWO_OF_THREE])
    assert sign_request(sign_request(asked, COUNCILS[0]), COUNCILS[1]).is_complete


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": CHARTER.hex()},
        {"payload": "00"},
        {"payload": "zz"},
        {"payload": "0"},
        {"trueque": "receipt"},
        {"network": "No"},
        {"charter": ""},
        {"unknown": 1},
    ],
)
def test_what_is_no_request_is_refused(changes: dict[str, object]) -> None:
    plain = msgspec.json.decode(encode_request(request()))
    plain.update(changes)
    with pytest.raises(InputError):
        decode_request(msgspec.json.encode(plain))


@given(st.binary(max_size=200))
def test_junk_is_refused_with_the_declared_error(data: bytes) -> None:
    with pytest.raises(InputError):
        decode_request(data)


def test_a_file_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(InputError, match="too long"):
        decode_request(b"[" * (MAX_REQUEST_BYTES + 1))
    with pytest.raises(InputError):
        decode_request(b"[" * MAX_REQUEST_BYTES)
