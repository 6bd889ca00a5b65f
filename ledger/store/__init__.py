"""The store: what is held of all logs, and the views over it, in one SQLite database.

    migrations   the tables, and every change to them
        readable     SQL's own views, for people who open the file themselves
    database     opening it, and what its errors mean
    branches     the branches of logs: leaves, sizes, roots, heads
    holding      the tables as the rules ask for them
    folding      exchanges gathered from the tables
    projection   the views, kept up to date as entries come
        indices      where each entry is, what it names and has seen
        forming      communes, and what each branch is to the exchange
        witnesses    what counts past a limit
        meaning      listings, profiles, recognitions, exchanges
        sites        where listings are, as it is looked for
    writing      `Store`: the one writer, and every change there is
        committing   how changes become durable, on one thread
        receiving    runs and evidence, as rows
    reading      `Reader`: what is shown, over a read-only connection
        passing      entries, heads, runs and proofs as they stand
        listings     listings as they are chosen
        totals       how much is held, in a few numbers

All SQL of the ledger stands here.
"""
