"""The audit: a clean ledger is told to be clean, and each kind of finding has a story."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger import authority, commune
from ledger.audit import Audit
from ledger.errors import NotFound
from ledger.exchange import State
from ledger.findings import Amount, stretches
from ledger.limits import MAX_RUN_ENTRIES
from ledger.moves import REASONS
from ledger.records import (
    Accept,
    Deliver,
    Need,
    Offer,
    Profile,
    Receive,
    Recognise,
    to_payload,
)
from ledger.sentences import CHANGED_HERE, SENTENCES, Severity
from ledger.store.reading import Reader
from tests.benchmarks.corpus import PARTNER_RUN_ENTRIES, corpus
from tests.support.communes import (
    NETWORK,
    Writer,
    found,
    key_of,
    kg,
    succeed,
)
from tests.support.copies import Copy
from tests.support.findings_page import page, page_path


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "ledger.db")


def barter(montes: Writer, valle: Writer, **fields: Any) -> tuple[Any, Any, Any]:
    """Maize for nails, proposed and accepted: the exchange, and the numbers of the two transfers."""
    trade = montes.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)), **fields)
    valle.say(Accept, exchange=trade, seen=[montes])
    return trade, 0, 1


def fulfilled() -> tuple[Writer, Writer]:
    """Two communes with an offer, and a barter in which each delivered and received."""
    montes, valle = found("Los Montes"), found("El Valle")
    montes.say(Profile, name="Los Montes del Norte")
    montes.say(Offer, title="Maíz", category="food-grain", quantity=kg(300), note="de esta cosecha")
    montes.say(Need, title="Clavos", category="tools")
    trade, maize, nails = barter(montes, valle)
    montes.say(Deliver, exchange=trade, transfer=maize, quantity=kg(100), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=maize, quantity=kg(100))
    valle.say(Deliver, exchange=trade, transfer=nails, quantity=kg(20))
    montes.say(Receive, exchange=trade, transfer=nails, quantity=kg(20))
    valle.say(Recognise, commune=montes.commune, seen=[montes])
    return montes, valle


def codes(audit: Audit) -> set[str]:
    return {finding.code for finding in audit.findings}


# Nothing found ----------------------------------------------------------------------------------


def test_a_clean_ledger_has_no_findings_and_says_what_was_checked(copy: Copy) -> None:
    montes, valle = fulfilled()
    audit = copy.take(montes, valle).audit()
    assert audit.findings == ()
    assert audit.worst is None
    checked = audit.checked
    assert (checked.communes, checked.logs, checked.exchanges) == (2, 2, 1)
    assert checked.entries == montes.size + valle.size == 12
    assert checked.heads == 5
    assert checked.signatures == 7  # and two heads in records that no head held is equal to
    assert (checked.erased, checked.evidence) == (0, 0)


def test_the_work_of_several_logs_of_one_commune_is_clean_too(copy: Copy) -> None:
    montes, valle = fulfilled()
    newer = succeed(montes, "Los Montes: log 2")
    trade, maize, _ = barter(newer, valle)
    newer.say(Deliver, exchange=trade, transfer=maize, quantity=kg(100), seen=[valle])
    newer.replace_authority(key_of("concejo 1"), key_of("concejo 2"), threshold=2)
    newest = succeed(newer, "Los Montes: log 3")
    newest.say(Profile, name="Los Montes")
    valle.say(Receive, exchange=trade, transfer=maize, quantity=kg(100))
    audit = copy.take(montes, newer, newest, valle).audit()
    assert audit.findings == ()
    assert audit.checked.logs == 4


def test_it_trusts_no_view(copy: Copy) -> None:
    montes, valle = fulfilled()
    copy.take(montes, valle)
    for table in ("standing", "stated", "commune", "exchange", "party", "sight", "about", "identity"):
        copy.tamper(f"DELETE FROM {table}")
    audit = copy.audit()
    assert audit.findings == ()
    assert audit.checked.exchanges == 1


def test_progress_is_told_up_to_the_end_and_never_goes_back(copy: Copy) -> None:
    montes = found("Los Montes")
    for number in range(3_000):
        montes.quote(to_payload(Need(at=number, category="c", title="t")))
    told: list[tuple[int, int]] = []
    copy.take(montes, step=1_000).audit(progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) == 2
    assert told[-1][0] == told[-1][1]
    assert len({total for _, total in told}) == 1


# What stands in a finding -----------------------------------------------------------------------


def test_a_finding_has_a_sentence_a_place_and_a_plain_form(copy: Copy) -> None:
    montes, valle = fulfilled()
    copy.take(montes, valle)
    finding = copy.tamper("UPDATE entry SET payload = x'00' WHERE place = ?", copy.place(montes, 2)).find(
        "entry-altered"
    )
    assert finding.sentence == (
        "The content of entry 2 of Los Montes del Norte is not what was signed: it was changed in this copy."
    )
    assert finding.to_plain() == {
        "code": "entry-altered",
        "severity": "error",
        "log": montes.log.hex(),
        "index": 2,
        "last": None,
        "commune": montes.commune.hex(),
        "exchange": None,
        "sentence": finding.sentence,
        "fields": {"name": "Los Montes del Norte", "index": 2, "first": 2},
    }


def test_the_plain_form_of_an_audit_is_stable(copy: Copy) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade, maize, _ = barter(montes, valle)
    montes.say(Deliver, exchange=trade, transfer=maize, quantity=kg(100), seen=[valle])
    plain = copy.take(montes, valle).audit().to_plain()
    assert plain == {
        "network": NETWORK,
        "commune": None,
        "findings": [
            {
                "code": "side-silent",
                "severity": "info",
                "log": montes.log.hex(),
                "index": 1,
                "last": None,
                "commune": montes.commune.hex(),
                "exchange": trade.hex(),
                "sentence": (
                    "Los Montes says that 100 kg of “maíz” changed hands, and El Valle has said nothing "
                    "about it yet."
                ),
                "fields": {
                    "name": "Los Montes",
                    "index": 1,
                    "first": 1,
                    "title": "maíz",
                    "speaker": "Los Montes",
                    "silent": "El Valle",
                    "amount": {"number": "100", "unit": "kg"},
                },
            }
        ],
        "checked": {
            "communes": 2,
            "logs": 2,
            "entries": 5,
            "heads": 2,
            "signatures": 3,
            "exchanges": 1,
            "erased": 0,
            "evidence": 0,
        },
    }
    assert msgspec.json.decode(msgspec.json.encode(plain)) == plain


def test_findings_stand_in_the_order_of_gravity_log_and_index(copy: Copy) -> None:
    montes, valle = fulfilled()
    copy.take(montes, valle).erase(montes, 2)
    for writer, index in ((valle, 4), (valle, 1), (montes, 3)):
        copy.tamper("UPDATE entry SET payload = x'00' WHERE place = ?", copy.place(writer, index))
    findings = copy.audit().findings
    shown = [(finding.severity, finding.log, finding.index) for finding in findings]
    gravities = [severity for severity, *_ in shown]
    assert gravities == sorted(gravities, key=list(Severity).index)
    errors = [(log, index) for severity, log, index in shown if severity is Severity.ERROR]
    assert errors == sorted([(montes.log, 3), (valle.log, 1), (valle.log, 4)])


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Amount(12_500_000, "kg"), "12.5 kg"),
        (Amount(1, "kg"), "0.000001 kg"),
        (Amount(3_000_000, "saco"), "3 saco"),
        (Amount(-1_500_000, "l"), "-1.5 l"),
        (Amount(2, None), "2"),
    ],
)
def test_an_amount_is_shown_as_a_decimal_with_its_unit(amount: Amount, text: str) -> None:
    assert str(amount) == text


def test_stretches_are_runs_of_indexes_without_a_gap() -> None:
    assert list(stretches([])) == []
    assert list(stretches([4])) == [(4, 4)]
    assert list(stretches([1, 2, 3, 7, 9, 10])) == [(1, 3), (7, 7), (9, 10)]


def test_every_sentence_can_be_filled_in_and_says_which_fields_it_needs() -> None:
    for code, sentence in SENTENCES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert (sentence.many is None) == ("{first}" not in (sentence.many or "")), code
        for template in (sentence.one, sentence.many or ""):
            assert set(re.findall(r"\{(\w*)\}", template)) <= _FIELDS, code


def test_whatever_says_that_this_copy_was_changed_is_an_error() -> None:
    assert {SENTENCES[code].severity for code in CHANGED_HERE} == {Severity.ERROR}


_FIELDS = {
    "agreed", "amount", "count", "cut", "day", "detail", "disputant", "first", "giver", "given", "got",
    "held", "index", "last", "name", "other", "promised", "quantity", "reason", "receiver", "silent", "size",
    "speaker", "table", "title", "witness",
}  # fmt: skip


def test_every_reason_to_refuse_a_move_has_a_sentence() -> None:
    assert {f"move-{code}" for code in REASONS} <= SENTENCES.keys()


def test_every_reason_to_refuse_an_authority_or_a_succession_has_a_sentence() -> None:
    """All but one that cannot come up here: records are put together by the commune that they name."""
    sources = [Path(module.__file__ or "").read_text() for module in (authority, commune)]
    refusals = set(re.findall(r'"((?:authority|succession)-[a-z-]+)"', "".join(sources)))
    assert "succession-unsigned" in refusals
    assert refusals - SENTENCES.keys() == {"authority-of-another"}


def test_the_reference_page_lists_every_finding() -> None:
    """Write it anew with `python -m tests.support.findings_page`."""
    assert page_path().read_text(encoding="utf-8") == page()


# One commune ------------------------------------------------------------------------------------


def test_an_audit_of_one_commune_tells_of_its_logs_and_of_the_exchanges_in_which_it_is_a_party(
    copy: Copy,
) -> None:
    montes, valle = fulfilled()
    costa, sierra = found("La Costa"), found("La Sierra")
    trade, maize, _ = barter(montes, costa)
    costa.say(Deliver, exchange=trade, transfer=1 - maize, quantity=kg(20))
    sierra.say(Accept, exchange=trade, seen=[montes])
    barter(sierra, costa)
    sierra.quote(b"junk")
    copy.take(montes, valle, costa, sierra)
    whole = copy.audit()
    assert codes(whole) == {"move-stranger", "record-malformed", "side-silent"}
    of_montes = copy.audit(commune=montes.commune)
    assert codes(of_montes) == {"move-stranger", "side-silent"}
    assert of_montes.checked.exchanges == 2
    assert of_montes.checked.logs == of_montes.checked.communes == 1
    assert of_montes.checked.entries == montes.size
    assert codes(copy.audit(commune=valle.commune)) == set()
    assert codes(copy.audit(commune=sierra.commune)) == {"move-stranger", "record-malformed"}


def test_a_commune_that_is_not_held_cannot_be_audited(copy: Copy) -> None:
    copy.take(*fulfilled())
    with pytest.raises(NotFound, match="not known here"):
        copy.audit(commune=bytes(32))


# The corpus of the benchmarks --------------------------------------------------------------------


def test_the_corpus_is_pinned_and_everything_in_it_is_in_order(copy: Copy) -> None:
    made = corpus(entries=1_500)
    assert sum(len(run.items) for run in made.main_runs) == 1_500
    assert max(len(run.items) for run in made.main_runs) <= MAX_RUN_ENTRIES
    assert max(len(run.items) for run in made.partner_runs) <= PARTNER_RUN_ENTRIES
    assert made.main_runs[-1].head.root.hex() == CORPUS_ROOT
    audit = copy.take_runs([*made.partner_runs, *made.main_runs]).audit()
    assert audit.findings == ()
    assert audit.checked.exchanges == (1_500 - 1) // 6
    assert audit.checked.entries == sum(len(run.items) for run in (*made.main_runs, *made.partner_runs))
    with Reader(copy.path) as reader:
        assert {exchange.state for exchange in reader.exchanges()} == {State.FULFILLED}


CORPUS_ROOT = "8d4d5dbe42cbd2ea6897e82aa6ccdd7aa9fe54540f3a96012a5dc2218001103d"
