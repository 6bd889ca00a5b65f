"""The store: what is held of all logs, and the views over it, in one SQLite database.

    migrations   the tables, and every change to them
    database     opening it, and what its errors mean
    holding      the tables as the rules ask for them
    folding      exchanges gathered from the tables
    projection   the views, kept up to date entry by entry
    writing      `Store`: the one writer, on its own thread
    reading      `Reader`: what is shown, over a read-only connection

All SQL of the ledger stands here.
"""
