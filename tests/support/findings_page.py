"""The reference page of findings, written from the table of sentences.

    python -m tests.support.findings_page

writes docs/reference/findings.md anew; a test holds the two equal.
"""

from __future__ import annotations

from pathlib import Path

from ledger.sentences import SENTENCES, Severity

from .shared import CHECKOUT

_OPENING = """\
# Findings of an audit

`trueque audit` tells what it found in sentences, in Spanish or English; `trueque audit --json` gives the
same as [one object](json.md#audit), in which every finding has a code. Here is one:

```json
{
  "code": "entry-altered",
  "severity": "error",
  "log": "4f0c...64 digits of the key of the log",
  "index": 2,
  "last": null,
  "commune": "9b1d...64 digits of the id of the commune",
  "exchange": null,
  "sentence": "The content of entry 2 of Los Montes is not what was signed: it was changed in this copy.",
  "fields": {"name": "Los Montes", "index": 2, "first": 2}
}
```

- `index` is where in the log, counted from 0. A finding about a stretch of entries has the `last` of them
  too, and then its second sentence, if there is one.
- `log` and `commune` say whose log it is: for something that a record says, its author's; for something
  about an exchange, that of the proposal, whose place is given. They are null where the whole file is meant.
- `exchange` is the id of the exchange concerned.
- Findings stand in the order of their severity, then of log, index and code. What each is filled with
  stands in `fields`; an amount there is an object with `number`, a decimal string, and `unit`.
- Codes are stable: none is renamed or given another meaning. New ones may come.

What the audit looks at, and what it cannot see: [the audit](../explanation/audit.md).

This page is written from `ledger/sentences.py` by `python -m tests.support.findings_page`.
"""

_SEVERITIES = {
    Severity.ERROR: (
        "Errors",
        "Something was altered, damaged or signed falsely: this copy or its author cannot be trusted in "
        "that.",
    ),
    Severity.WARNING: (
        "Warnings",
        "Something is refused by the rules, incomplete or disputed: people should look at it.",
    ),
    Severity.INFO: ("To know", "Something to know, which is nobody's fault."),
}


def page() -> str:
    """The whole page, Markdown, ending in one newline."""
    lines = [_OPENING.rstrip()]
    for severity, (title, meaning) in _SEVERITIES.items():
        lines += ["", f"## {title}", "", meaning, "", "| code | sentence |", "|---|---|"]
        for code, sentence in SENTENCES.items():
            if sentence.severity is severity:
                shown = sentence.one if sentence.many is None else f"{sentence.one}<br>{sentence.many}"
                lines.append(f"| `{code}` | {shown} |")
    return "\n".join(lines) + "\n"


def page_path() -> Path:
    """Where the page stands."""
    return CHECKOUT / "docs" / "reference" / "findings.md"


if __name__ == "__main__":
    page_path().write_text(page(), encoding="utf-8")
