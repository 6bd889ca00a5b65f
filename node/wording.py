"""Wording: amounts, times, ids and states as a person reads them, in the language that is spoken.

Decides how a quantity, a date, a name or the state of something is put into
words; used by commands and pages alike. What they are is the ledger's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ledger import vocabulary
from ledger.limits import MAX_SCALE
from ledger.records import Quantity

from . import clock, language
from .language import gettext as _
from .language import ngettext, pgettext
from .visible import apart

if TYPE_CHECKING:
    from .shapes.nodes import GivenAddress

SHORT_ID: Final = 12
"""hex digits of an id as it is shown; among a million entries two begin alike with probability 0.2 %."""


def short(entry: bytes) -> str:
    """An id as it is shown: its first digits, which commands accept as well."""
    return entry.hex()[:SHORT_ID]


def decimal(number: int, scale: int = MAX_SCALE) -> str:
    """`number` / 10^`scale` as a decimal string with a point and without trailing zeros, as in JSON."""
    sign, digits = ("-" if number < 0 else ""), str(abs(number)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], digits[-scale:].rstrip("0")) if scale else (digits, "")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def decimal_of(quantity: Quantity) -> str:
    """A quantity's number as a decimal string."""
    return decimal(quantity.number, quantity.scale)


def number(text: str) -> str:
    """A decimal string with the separator of the language."""
    return text.replace(".", ",") if language.current() == "es" else text


def amount(text: str, unit: str) -> str:
    """A decimal string and the code of its unit, for a person: `100 kg`, `2 sacos`."""
    known = vocabulary.units().get(unit)
    if known is not None and known.symbol is not None:
        return f"{number(text)} {known.symbol}"
    return f"{number(text)} {apart(vocabulary.unit_name(unit, language.current(), text != '1'))}"


def sum_text(amount_of_it: int, unit: str | None) -> str:
    """A sum in millionths of its unit; without a unit it counts things."""
    if not unit:
        return ngettext("{count} thing", "{count} things", amount_of_it).format(count=amount_of_it)
    return amount(decimal(amount_of_it), unit)


def quantity_text(quantity: Quantity | None) -> str:
    """A quantity for a person, empty if there is none."""
    return "" if quantity is None else amount(decimal_of(quantity), quantity.unit)


def category(code: str | None) -> str:
    """The name of a category, empty if there is none."""
    return "" if code is None else vocabulary.category_name(code, language.current())


def day(text: str) -> str:
    """A date like 2030-01-31, or its month alone, as it is written in the language: in Spanish 31/01/2030."""
    return "/".join(reversed(text.split("-"))) if language.current() == "es" else text


def time_of(at: int) -> str:
    """A time for a person: local date, hours and minutes."""
    return f"{day_of(at)} {_local(at):%H:%M}"


def day_of(at: int) -> str:
    """A time as a local date for a person."""
    return day(plain_day_of(at))


def plain_time_of(at: int) -> str:
    """A time as spreadsheets of every language take it, like 2030-01-31 13:05."""
    return f"{plain_day_of(at)} {_local(at):%H:%M}"


def plain_day_of(at: int) -> str:
    """A time as a local date, like 2030-01-31 in every language."""
    return _local(at).date().isoformat()


def span_of(seconds: float) -> str:
    """How long something takes, about: `40 s`, `5 min`, `3 h`."""
    if seconds < 100:
        return _("{count} s").format(count=max(1, round(seconds)))
    if seconds < 100 * 60:
        return _("{count} min").format(count=round(seconds / 60))
    return _("{count} h").format(count=round(seconds / 3600))


def size_of(count: int) -> str:
    """A number of bytes as a person reads it: `1.3 GB`."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{number(f'{count / scale:.1f}')} {unit}"
    return f"{count} B"


def doubt_of_clock(now: int, last: int | None) -> str | None:
    """What to say of a clock that cannot be right where `last` was recorded last, None if it can."""
    today, last_day = day_of(now), "" if last is None else day_of(last)
    match clock.doubt(now, last):
        case clock.Doubt.EARLY:
            told = _("The clock says {day}: set this computer's date before you record anything.")
        case clock.Doubt.BEHIND:
            told = _("The clock says {day}, and something was recorded here on {last}: check the date.")
        case clock.Doubt.AHEAD:
            told = _("The clock says {day}, and the last record here is of {last}: check the date.")
        case None:
            return None
    return told.format(day=today, last=last_day)


def _local(at: int) -> datetime:
    """Local time; at the end of the year 9999, which local time may not reach, UTC."""
    exact = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    try:
        return exact.astimezone()
    except (OverflowError, ValueError):
        return exact


def kind(name: str) -> str:
    """The name of a kind of record; one that this version does not know is shown as itself."""
    known = {
        "accept": _("acceptance"),
        "authority": _("authority"),
        "cancel": _("cancel"),
        "charter": _("charter"),
        "correct": _("explanation"),
        "decline": _("refusal"),
        "deliver": _("delivery"),
        "dispute": _("dispute"),
        "need": _("need"),
        "offer": _("offer"),
        "profile": _("profile"),
        "propose": _("proposal"),
        "receive": _("receipt of goods"),
        "recognise": _("recognition"),
        "settle": _("settlement"),
        "succession": _("succession"),
        "unrecognise": _("recognition taken back"),
        "withdraw": _("withdrawal"),
    }
    return known.get(name, name)


def listing_state(state: str, expired: bool) -> str:
    """What became of a listing."""
    if state == "open":
        return pgettext("listing", "expired") if expired else pgettext("listing", "open")
    return {"withdrawn": pgettext("listing", "withdrawn"), "replaced": pgettext("listing", "replaced")}[state]


def exchange_state(state: str) -> str:
    """What an exchange is."""
    return {
        "proposed": _("proposed"),
        "agreed": _("agreed"),
        "declined": _("declined"),
        "withdrawn": pgettext("exchange", "withdrawn"),
        "replaced": pgettext("exchange", "replaced"),
        "cancelled": _("cancelled"),
        "fulfilled": _("fulfilled"),
        "closed": _("closed"),
    }[state]


def form(name: str) -> str:
    """Whether something comes back."""
    return {"gift": _("gift"), "barter": _("barter"), "ring": _("ring")}[name]


def condition(name: str) -> str:
    """In what condition something arrived."""
    return {"good": _("in good condition"), "short": _("less than agreed"), "damaged": _("damaged")}[name]


def relation_name(name: str) -> str:
    """What a commune is to this home, in words."""
    return {"own": _("your commune"), "recognised": _("recognised"), "known": _("known, not recognised")}[
        name
    ]


def trouble_with_node(why: str | None) -> str:
    """Why a node is not linked; a word that this version does not know is shown as itself."""
    known = {
        "unreachable": _("it does not answer"),
        "nameless": _("nothing is known of that name in this network"),
        "closed": _("the computer is there, and no node listens at that port"),
        "own": _("it is this node itself"),
        "refused": _("it takes no further links now"),
        "unproved": _("what answers there is no node of this network"),
        "later": _("it has asked for a pause"),
        "copy": _("another copy of its home is linked already"),
        "cut": _("the link broke at once"),
        "faults": _("it broke the rules of the protocol"),
    }
    return known.get(why or "", why or "")


def node_state(row: Mapping[str, Any]) -> str:
    """How it stands with another node, by what docs/reference/json.md calls a node."""
    if row["state"] == "linked":
        return _("linked") if row["relation"] == "recognised" else _("linked, not recognised")
    if row["state"] == "waiting":
        failures = ngettext("{count} failure", "{count} failures", row["failures"])
        return _("{failures}, tried again in {span}: {why}").format(
            failures=failures.format(count=row["failures"]),
            span=span_of(row["again"]),
            why=trouble_with_node(row["why"]),
        )
    if row["state"] == "resting":
        return _("at rest; compared again in {span}").format(span=span_of(row["again"]))
    if row["state"] == "new":
        return _("never met yet")
    return _("linked again in a moment")


def given_state(row: GivenAddress) -> str:
    """How it stands with a node whose address somebody here gave."""
    if row.state == "linked":
        return _("linked now")
    if row.state == "idle":
        return _("called once the node runs")
    reached = (
        _("never reached") if row.met is None else _("last reached {time}").format(time=time_of(row.met))
    )
    if row.state == "own":
        return _("{reached}: {why}").format(reached=reached, why=trouble_with_node("own"))
    if row.failures:
        told = _("{reached}: {why}; called again in {span}")
        return told.format(reached=reached, why=trouble_with_node(row.why), span=span_of(row.again or 0))
    if row.met is None:
        return _("never reached yet; it is being called")
    return reached
