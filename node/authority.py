"""Authority: changing who speaks for a commune.

Decides what a replacement of the authority says and how it becomes an entry
once enough of the keys concerned have signed it. Whether it counts is
`ledger.authority`'s; how signatures are gathered, `requests`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ledger.limits import MAX_AUTHORITY_KEYS
from ledger.log import EntryId, entry_id
from ledger.records import Authority, AuthorityChange
from ledger.signing import is_key

from .errors import InputError
from .requests import Request, merge_requests, request_for

if TYPE_CHECKING:
    from .service import Service


def request_change(service: Service, keys: Sequence[bytes], threshold: int, now: int) -> Request:
    """A request to replace the authority in force, or all that contradict each other.

    The new one is `threshold` of `keys`. Raises InputError if that is no authority.
    """
    if not 1 <= len(set(keys)) <= MAX_AUTHORITY_KEYS or len(set(keys)) != len(keys):
        raise InputError(
            "An authority has 1 to {most} different keys; {count} were given.",
            most=MAX_AUTHORITY_KEYS,
            count=len(keys),
        )
    if not 1 <= threshold <= len(keys):
        raise InputError(
            "{threshold} of {count} keys cannot sign: give a number from 1 to {count}.",
            threshold=threshold,
            count=len(keys),
        )
    _check_keys(keys)
    commune = service.reader.formed(service.commune)
    record = AuthorityChange(
        at=now,
        authority=Authority(keys=tuple(sorted(keys)), threshold=threshold),
        commune=commune.id,
        log=service.log,
        previous=tuple(sorted(min(link.ids) for link in commune.chain.tips)),
    )
    return request_for(
        record,
        service.reader.network,
        commune.charter.payload,
        commune.charter.log,
        [link.authority for link in commune.chain.tips],
    )


def apply_change(service: Service, requests: Sequence[Request]) -> EntryId:
    """Record a change of authority that has been signed. Raises InputError, SigningStopped, StoreError.

    Whose signatures it needs is what the ledger says, not what the file does.
    """
    request = merge_requests(requests)
    record = request.record
    if not isinstance(record, AuthorityChange):
        raise InputError("This request opens a log after a restore: give it to `trueque restore --signed`.")
    if record.log != service.log or record.commune != service.commune:
        raise InputError("The request was made by another home: record it there.")
    _check_keys(record.authority.keys)
    commune = service.reader.formed(service.commune)
    links = [commune.chain.link_of(entry) for entry in record.previous]
    if None in links or {entry for link in commune.chain.tips for entry in link.ids}.isdisjoint(
        record.previous
    ):
        raise InputError("The authority has been replaced since this request was made: make a new one.")
    request = msgspec.structs.replace(
        request, authorities=tuple(link.authority for link in links if link is not None)
    )
    payload = request.signed_payload()
    run = service.author.append([payload])
    return entry_id(run.log, run.head.size - 1, payload)


def _check_keys(keys: Sequence[bytes]) -> None:
    """Refuse a key that is none: copied wrongly by a digit, most are. Raises InputError.

    Nobody could ever speak for the commune again.
    """
    for key in keys:
        if not is_key(key):
            raise InputError(
                "{key} is no key that anybody can sign with: copy it again from what `trueque authority key` "
                "showed.",
                key=key.hex(),
            )
