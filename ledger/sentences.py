"""The sentences of an audit: for every kind of finding how grave it is, and what a secretary reads.

A code is stable: it is never renamed or given another meaning
(docs/reference/findings.md lists all, made from this table). Sentences are
templates with named fields, so that they can be translated where they are
shown; what fills the fields is `findings`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    """something was altered, damaged or signed falsely: this copy or its author cannot be trusted in that"""
    WARNING = "warning"
    """something is refused by the rules, incomplete or disputed: people should look at it"""
    INFO = "info"
    """something to know, which is nobody's fault"""


class Sentence(NamedTuple):
    """A code's gravity and its sentence; `many` is said of a stretch of entries, `first` to `last`."""

    severity: Severity
    one: str
    many: str | None = None


def N_(text: str) -> str:  # noqa: N802  the name by which tools for translators find such texts
    """Mark a text for translators, and leave it as it is."""
    return text


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

SENTENCES: Final[Mapping[str, Sentence]] = {
    # The file -------------------------------------------------------------------------------------
    "file-damaged": Sentence(
        _E,
        N_("The file of the ledger is damaged ({detail})."),
    ),
    "unreadable": Sentence(
        _E,
        N_("A part of the ledger's file that belongs to {name} cannot be read ({detail})."),
    ),
    "stray-rows": Sentence(
        _E,
        N_("The file holds {count} rows of the table {table} that belong to no log: somebody changed it."),
    ),
    "branch-broken": Sentence(
        _E,
        N_(
            "What this copy notes about the log of {name} does not fit its entries and signatures "
            "({detail})."
        ),
    ),
    # Entries and heads ----------------------------------------------------------------------------
    "entry-altered": Sentence(
        _E,
        N_("The content of entry {index} of {name} is not what was signed: it was changed in this copy."),
        N_(
            "The contents of entries {first} to {last} of {name} are not what was signed: they were "
            "changed in this copy."
        ),
    ),
    "leaf-altered": Sentence(
        _E,
        N_("The hash of entry {index} of {name} was changed in this copy; its content is what was signed."),
        N_(
            "The hashes of entries {first} to {last} of {name} were changed in this copy; their contents "
            "are what was signed."
        ),
    ),
    "run-altered": Sentence(
        _E,
        N_("Entry {index} of {name} is not the one that was signed: it was changed or swapped in this copy."),
        N_(
            "Among entries {first} to {last} of {name} is one that is not what was signed: it was changed "
            "or swapped in this copy."
        ),
    ),
    "run-unproven": Sentence(
        _W,
        N_("Entry {index} of {name} cannot be proved in this copy, because of what is wrong before it."),
        N_(
            "Entries {first} to {last} of {name} cannot be proved in this copy, because of what is wrong "
            "before them."
        ),
    ),
    "entries-missing": Sentence(
        _E,
        N_("Entry {index} of {name} is missing from this copy: somebody deleted it."),
        N_("Entries {first} to {last} of {name} are missing from this copy: somebody deleted them."),
    ),
    "head-missing": Sentence(
        _E,
        N_("No signature covers entry {index} of {name} in this copy: nothing proves it."),
        N_("No signature covers entries {first} to {last} of {name} in this copy: nothing proves them."),
    ),
    "heads-sparse": Sentence(
        _W,
        N_(
            "The signature over entry {index} of {name} is missing: neighbours cannot take its log over "
            "in parts."
        ),
        N_(
            "Signatures between entries {first} and {last} of {name} are missing: neighbours cannot take "
            "them over in parts."
        ),
    ),
    "head-unsigned": Sentence(
        _E,
        N_(
            "A signature of {name}, noted for its first {size} entries, is false: it was changed in this "
            "copy."
        ),
    ),
    "head-compact-altered": Sentence(
        _E,
        N_(
            "The hashes kept beside the signature of {name} for its first {size} entries were changed in "
            "this copy."
        ),
    ),
    "payload-absent": Sentence(
        _W,
        N_("Entry {index} of {name} came without its content, and nobody here has noted why."),
        N_("Entries {first} to {last} of {name} came without their contents, and nobody here has noted why."),
    ),
    "payload-erased": Sentence(
        _I,
        N_("The content of entry {index} of {name} was erased here on {day}, with the reason: {reason}"),
    ),
    "erasure-undone": Sentence(
        _W,
        N_("The content of entry {index} of {name} is noted as erased on {day}, and is still there."),
    ),
    # Records --------------------------------------------------------------------------------------
    "record-malformed": Sentence(
        _E,
        N_("Entry {index} of {name} is no record, and was signed like that: {detail}"),
    ),
    "record-uninterpreted": Sentence(
        _I,
        N_("Entry {index} of {name} needs a newer version of this program."),
        N_("Entries {first} to {last} of {name} need a newer version of this program."),
    ),
    "mandate-unsigned": Sentence(
        _W,
        N_("Entry {index} of {name} accepts with a mandate of which a signature is false."),
    ),
    "seen-unsigned": Sentence(
        _E,
        N_(
            "Entry {index} of {name} claims that {other} signed {size} entries, and {other} did not sign "
            "that."
        ),
    ),
    # Forks and what is held of logs ---------------------------------------------------------------
    "fork": Sentence(
        _E,
        N_(
            "{name} has signed two histories that differ from entry {index} on: there is evidence. What "
            "others relied on still counts. If it has not done so yet, {name} should make a new log with "
            "`trueque restore`."
        ),
    ),
    "seen-fork": Sentence(
        _E,
        N_(
            "{witness} has seen {size} signed entries of {name} that differ from those held here: {name} "
            "has signed two histories."
        ),
    ),
    "fork-unproven": Sentence(
        _E,
        N_(
            "Two histories of {name} are held that differ from entry {index} on, and the evidence is "
            "missing."
        ),
    ),
    "evidence-invalid": Sentence(
        _E,
        N_("What is kept as evidence against {name} proves nothing ({detail}): it was changed in this copy."),
    ),
    "evidence-unfit": Sentence(
        _E,
        N_(
            "The evidence against {name} is for entry {cut}, and the histories held differ from entry "
            "{index} on."
        ),
    ),
    "seen-branch-missing": Sentence(
        _W,
        N_(
            "{name} signed several histories, and {witness} has seen one of {size} entries that is not "
            "held here: ask for a bundle."
        ),
    ),
    "log-starts-late": Sentence(
        _W,
        N_("The log of {name} is held from entry {index} on; what came before is kept elsewhere."),
    ),
    "log-behind": Sentence(
        _W,
        N_(
            "{witness} has seen {size} entries of {name}; {held} are held here: ask for a bundle with "
            "the others."
        ),
    ),
    "log-not-held": Sentence(_I, N_("{witness} has seen a log {other} of which nothing is held here.")),
    "log-without-commune": Sentence(
        _W,
        N_("The log {name} belongs to no commune that is known here, so nothing in it counts."),
    ),
    # Communes -------------------------------------------------------------------------------------
    "charter-misplaced": Sentence(
        _W,
        N_(
            "Entry {index} of {name} is a charter that founds nothing: only entry 0 does, in its own "
            "network."
        ),
    ),
    "commune-not-held": Sentence(
        _I,
        N_("Entry {index} of {name} speaks for a commune whose charter is not held here."),
    ),
    "authority-unsigned": Sentence(
        _E,
        N_(
            "Entry {index} of {name} replaces the authority, and lacks the signatures of the one in "
            "force, so it has no effect."
        ),
    ),
    "authority-copied": Sentence(
        _W,
        N_("Entry {index} of {name} is a copy of a change of authority that was signed for another log."),
    ),
    "authority-of-nothing": Sentence(
        _W,
        N_("Entry {index} of {name} replaces an authority that is not known here."),
    ),
    "succession-unsigned": Sentence(
        _E,
        N_("The log {name} was opened without the signatures of the authority that it names."),
    ),
    "succession-copied": Sentence(
        _W,
        N_("Entry {index} of {name} is a copy of a succession that was signed for another log."),
    ),
    "succession-of-another": Sentence(
        _W,
        N_("Entry {index} of {name} is a succession for a commune whose authority it cannot name."),
    ),
    "succession-of-nothing": Sentence(
        _W,
        N_("The log {name} continues logs that do not belong to the commune it names."),
    ),
    "succession-authority-replaced": Sentence(
        _W,
        N_("The log {name} was opened under an authority that has been replaced since."),
    ),
    "succession-beside-another": Sentence(
        _W,
        N_("The log {name} was opened by more than one succession; another one counts."),
    ),
    "authority-frozen": Sentence(
        _W,
        N_(
            "The authority of {name} was replaced by {count} that contradict each other: it is frozen "
            "until another change names them all and is signed as each of them asks."
        ),
    ),
    "successions-contested": Sentence(
        _W,
        N_("A log of {name} was continued by several that contradict each other, until one names them all."),
    ),
    "seal-not-reached": Sentence(
        _W,
        N_(
            "A log of {name} counts up to entry {size}, and only {held} of its entries are held here: "
            "ask for a bundle with the others."
        ),
    ),
    "seal-unmatched": Sentence(
        _E,
        N_("A log of {name} was closed at {size} entries with another content than what is held here."),
    ),
    "past-seal": Sentence(
        _W,
        N_("Entry {index} of {name} stands after its log was closed, and does not count."),
        N_("Entries {first} to {last} of {name} stand after their log was closed, and do not count."),
    ),
    "past-seal-witnessed": Sentence(
        _W,
        N_(
            "Entry {index} of {name} stands after its log was closed; another commune relied on it, so it "
            "counts."
        ),
        N_(
            "Entries {first} to {last} of {name} stand after their log was closed; another commune relied "
            "on them, so they count."
        ),
    ),
    "past-cut": Sentence(
        _W,
        N_("Entry {index} of {name} stands past the point where its log was forked, and does not count."),
        N_(
            "Entries {first} to {last} of {name} stand past the point where their log was forked, and do "
            "not count."
        ),
    ),
    "past-cut-witnessed": Sentence(
        _W,
        N_(
            "Entry {index} of {name} stands past the point where its log was forked; another commune "
            "relied on it, so it counts."
        ),
        N_(
            "Entries {first} to {last} of {name} stand past the point where their log was forked; another "
            "commune relied on them, so they count."
        ),
    ),
    # Moves that the rules refuse ------------------------------------------------------------------
    "move-stranger": Sentence(
        _W,
        N_(
            "Entry {index} of {name} speaks about an exchange to which {name} is no party, so it has no "
            "effect."
        ),
    ),
    "move-misdirected": Sentence(
        _W,
        N_("Entry {index} of {name} names an entry that such a record cannot be about, so it has no effect."),
    ),
    "move-no-such-transfer": Sentence(
        _W,
        N_("Entry {index} of {name} names a transfer that the proposal does not have, so it has no effect."),
    ),
    "move-not-yours": Sentence(
        _W,
        N_("Entry {index} of {name} says what only another party can say, so it has no effect."),
    ),
    "move-other-unit": Sentence(
        _W,
        N_("Entry {index} of {name} gives no amount in the unit that was agreed, so it has no effect."),
    ),
    "move-unseen": Sentence(
        _W,
        N_("Entry {index} of {name} accepts a proposal that its log had not seen, so it has no effect."),
    ),
    "move-answered-already": Sentence(
        _W,
        N_(
            "Entry {index} of {name} answers a proposal that {name} had answered before, so it has no "
            "effect."
        ),
    ),
    "move-withdrawn-already": Sentence(
        _W,
        N_(
            "Entry {index} of {name} answers a proposal that its log had seen withdrawn or replaced, so "
            "it has no effect."
        ),
    ),
    "move-nothing-late": Sentence(
        _I,
        N_("Entry {index} of {name} confirms late acceptances, and its log had seen none."),
    ),
    "move-agreed-already": Sentence(
        _W,
        N_(
            "Entry {index} of {name} takes back a proposal that its log had seen accepted by all, so it "
            "has no effect."
        ),
    ),
    "move-crossed": Sentence(
        _I,
        N_("Entry {index} of {name} crossed with the answer to what it takes back; nobody is at fault."),
    ),
    "move-not-agreed": Sentence(
        _W,
        N_(
            "Entry {index} of {name} speaks of an exchange that its log, as far as is known here, had not "
            "seen agreed, so it has no effect."
        ),
    ),
    "move-no-such-dispute": Sentence(
        _W,
        N_("Entry {index} of {name} settles a dispute that the rules refuse, so it has no effect."),
    ),
    "move-no-such-cancel": Sentence(
        _W,
        N_("Entry {index} of {name} takes back a cancel that the rules refuse, so it has no effect."),
    ),
    "move-too-many": Sentence(
        _W,
        N_(
            "Entry {index} of {name} says once more what {name} has said too often to be weighed, so it "
            "has no effect."
        ),
    ),
    "move-cancelled-already": Sentence(
        _W,
        N_(
            "Entry {index} of {name} takes back a cancel that its log had seen completed by all, so it "
            "has no effect."
        ),
    ),
    "move-without-exchange": Sentence(
        _W,
        N_("Entry {index} of {name} names an entry that opens no exchange that counts, so it has no effect."),
    ),
    "exchange-not-held": Sentence(
        _I,
        N_("Entry {index} of {name} speaks of something whose opening record is not held here."),
    ),
    "proposal-of-stranger": Sentence(
        _W,
        N_("Entry {index} of {name} proposes an exchange to which {name} is no party, so it has no effect."),
    ),
    "target-not-own": Sentence(
        _W,
        N_(
            "Entry {index} of {name} takes back, replaces or explains a record that is not its own; that "
            "has no effect."
        ),
    ),
    # Exchanges ------------------------------------------------------------------------------------
    "sides-disagree": Sentence(
        _W,
        N_(
            "{giver} says it delivered {given} of “{title}” to {receiver}, which says it received {got}: "
            "they should talk it over."
        ),
    ),
    "side-silent": Sentence(
        _I,
        N_(
            "{speaker} says that {amount} of “{title}” changed hands, and {silent} has said nothing about "
            "it yet."
        ),
    ),
    "over-delivered": Sentence(
        _W,
        N_("Of “{title}” from {giver} to {receiver} more was handed over ({amount}) than agreed ({agreed})."),
    ),
    "dispute-open": Sentence(
        _W,
        N_(
            "A dispute that {disputant} opened about an exchange proposed by {name} is not settled: both "
            "sides end it by settling it alike."
        ),
    ),
    "exchange-contested": Sentence(
        _W,
        N_(
            "An exchange proposed by {name} rests on entries past the end or a fork of a log: settle it "
            "between you."
        ),
    ),
    "exchange-newer": Sentence(
        _I,
        N_("An exchange proposed by {name} needs a newer version of this program to be shown in full."),
    ),
    "party-not-held": Sentence(
        _I,
        N_(
            "An exchange proposed by {name} has a party {other} of which nothing is held here: ask for a "
            "bundle."
        ),
    ),
    "over-committed": Sentence(
        _W,
        N_("{name} has agreed to {promised} of “{title}”, of which it posted {quantity}."),
    ),
}  # fmt: skip
"""Every kind of finding there is, by its code."""

CHANGED_HERE: Final = frozenset({
    "file-damaged", "unreadable", "stray-rows", "branch-broken", "entry-altered", "leaf-altered",
    "run-altered", "entries-missing", "head-missing", "head-unsigned", "head-compact-altered",
    "fork-unproven", "evidence-invalid", "evidence-unfit",
})  # fmt: skip
"""Codes that say that this copy was changed or damaged, which is mended as `MENDING` says."""

MENDING: Final = N_(
    "This copy was changed or damaged: keep it for whoever looks into it, restore a backup into another "
    "home, and import bundles of neighbours to fetch what is newer."
)
"""What to do about a copy with a finding of `CHANGED_HERE`."""
