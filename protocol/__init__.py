"""What is said between nodes: messages, sessions, reconciliation, bundles.

The protocol stands on the ledger and imports nothing of the node. It opens no
socket and reads no clock and no randomness: bytes, times and answers of the
store come in as arguments, and bytes, events and the time of the next timer go
out as results. A bundle on a USB stick is read and written by the same code
that serves a session.

    bundle      a file that carries runs, heads and evidence from home to home
"""
