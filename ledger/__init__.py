"""What is true: logs, records, the rules of exchange, the store, the audit.

The ledger is the lowest of the three layers and imports neither of the others.
It reads no clock and no randomness: times and random bytes arrive as arguments.
Whoever reads it for the first time reads it in this order:

    Words           errors      every error that leaves this layer
                    limits      every limit, with its unit and its reason
                    unicode14   the code points that a text may hold
    Bytes           encoding    canonical MessagePack: one value, one encoding
                    signing     Ed25519 under libsodium's strict rules, with contexts
                    merkle      the tree of RFC 6962, its proofs, the compact range
                    note        signed notes and checkpoints: the signed form of a head
    Logs            log         entries, heads, and extending a log by a run
                    evidence    two branches of one log, proved without a store
                    replica     what a run means beside the branches already held
                    descent     the first difference of two trees, found by asking a peer
    Meaning         kinds       every kind of record, typed, with its limits
                    form        what must hold between the fields of a record
                    records     what becomes of a payload: a record, or none
                    vocabulary  categories and units: stable codes, names in two languages
                    authority   who speaks for a commune: the chain of its keys
                    commune     which logs are a commune's, and up to where each is sealed
                    held        what the rules ask of whoever holds entries, heads and evidence
                    witness     which entries past a cut or seal another commune vouches for
                    standing    what counts, past a cut or seal as well, and what was seen
                    moves       who may say what about an exchange, in one table
                    agreement   which answers count, and who could know that all agreed
                    settlement  what the sides say in common about disputes and cancels
                    exchange    the life of an exchange: a pure fold of all that was said
                    ordinary    the same for one in which nothing is out of the way, in one pass
                    dealings    what has been said about an exchange, gathered
                    leaves      branches of logs in memory, and the roots of any size
                    sights      heads that entries have seen, each verified once
                    history     all of the above over a set of entries, in memory
                    steps       what a commune may do next in one, and whose word it waits for
                    view        what listings and exchanges amount to, for any commune
    Disk            store       SQLite on one writer thread; the only SQL of the ledger
                    anchor      the last head signed, outside the database
                    author      signing one's own entries: store first, show the head after
    Proof           sentences   every kind of finding, how grave it is, and its sentence
                    findings    what was found: where, about whom, in which order
                    names       what people call whose log it is
                    integrity   whether what is held is what was signed, byte by byte
                    testimony   what logs show of each other, and whether it fits
                    conduct     what communes did against the rules
                    reckoning   where the sides of exchanges do not agree
                    audit       all of these, from the entries alone
                    multiproof  many leaves of one tree, with what their paths share given once
                    excerpt     some entries of some logs, each proved by a head
                    grounds     the entries on which the state of an exchange rests
                    receipt     one exchange as a file that proves itself
                    shorthand   payloads without what follows from the rest
                    paper       a receipt in few enough bytes to print
                    parts       bytes cut into printed codes, and put together again

Everything above `Disk` is rules, and knows nothing of how entries are stored;
the import contracts in pyproject.toml hold that.
"""
