"""Exports: what is held, as other programs read it. What carries it to other nodes are bundles.

    chosen      which listings, exchanges and records are given, read one after the other
    lines       records as JSON lines, for programs that want all of it
    tables      listings, transfers and what was said as CSV, for people with a spreadsheet
    valueflows  the same as a graph in the vocabulary of Valueflows, as JSON-LD
    writing     a file of each kind, put in its place once it is whole

None of these holds more in memory than one exchange with what was said in it.
docs/reference/data.md describes what they write, and why so.
"""
