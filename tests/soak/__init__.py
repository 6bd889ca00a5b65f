"""The soak: communes that live on bad machines and bad wires for a while, and what holds in the end.

    python -m tests.soak FOLDER --minutes 20 --nodes 10 --seed 1

wires      ways between nodes that can be cut, and that stall
clocked    starts the command under a clock that can be set while it runs
commune    one commune: its home, its node, its disk, and somebody who posts and deals all the time
weather    what befalls them, by a seed: kills, leaves, partitions, wrong clocks, full disks, newcomers
promises   what has to be so in the end
"""
