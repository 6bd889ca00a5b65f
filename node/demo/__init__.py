"""The demonstration: a whole network on one computer, to look at, to try, and to measure.

    story      who takes part, and what each records, one act after the other
    communes   five communes that there might be in Venezuela
    trades     a table of trades, replayed by a node for each community in it
    network    the processes with the nodes: started, told what the others did, compared, stopped
    lodging    in which process each node lives, and with which others it is linked
    cues       what is said between these processes
    house      one such process, with some nodes
    acting     one node, which does what its commune has to do as soon as it can

Nothing in here is used by a node of a commune. All of it happens in a folder of
its own, in a network of its own (`demo`), over sockets of this computer alone.
"""
