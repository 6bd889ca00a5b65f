"""What is said between nodes: messages, sessions, reconciliation, bundles.

The protocol stands on the ledger and imports nothing of the node. It opens no
socket and reads no clock and no randomness: bytes, times and answers of the
store come in as arguments, and bytes, events and the time of the next timer go
out as results. A bundle on a USB stick is read and written by the same code
that serves a session.

    Words       errors      every error that leaves this layer
                limits      every limit, with its unit and its reason
    Said        messages    heads, runs and evidence, in one spelling each
                addresses   where a willing node can be called, signed by its log
                blobs       photos and other files named by their hash, in chunks, and asked for
                frames      a message compressed, cut up and put together again
    Between     noise       the Noise handshake and the ciphers that come of it
                handshake   who the other side is: its log, in a signature that is good in one session
                channel     messages as an encrypted stream
    Compared    roster      which logs are held and how far, as a trie with hashes
                compact     numbers, paths and keys in few bytes
                extracts    what is sent of a roster
                turns       who may say what when, and how much
                reconcile   what two rosters differ in, found by taking turns
    Asked       questions   what one side asks of the other, and the answers that are not entries
                pace        how much one side may say or cause, at once and in the long run
                patience    how long it may take with what it owes
                wanting     entries over one session: what each side wants and has not had
                lending     blobs over one session: the same, and how fast each side gets them
                events      what has happened in a session
                session     one link from the first byte to the last
                fetching    blobs that are wanted, asked of one neighbour after the other
                spreading   addresses from neighbour to neighbour, and what is made of them
                serving     what was wanted, read and put into frames
                deeds       what gossip has done with the ledger, and what it asks of one
                neighbour   what one neighbour offers, and what is asked of it
                branching   branches of a forked log: which are asked for, and where they part
                pulling     entries: what is offered, and asked of one neighbour at a time
                announcing  what neighbours are told of what is held here
                sighting    heads of which nothing is fetched, each looked at once
                gossip      what comes of what neighbours say, over all sessions
    Carried     bundle      a file that carries all of these from home to home
"""
