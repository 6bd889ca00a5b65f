"""Side by side: Trueque, Hypercore and Secure Scuttlebutt doing the same work in turn.

What each of them does, and what could make it unfair, is said in
docs/explanation/side-by-side.md.

    python -m tests.benchmarks.peers FOLDER [--quick]

    packages    installs theirs from npm, by name and version, into a scratch folder
    corpora     the pinned corpus, as each of the three takes it
    ours        a side that is Trueque; hypercore.js and ssb.js are theirs, on side.js
    sides       a side in a process of its own, asked and ended
    course      what is done, in which order, and what is measured of it
    table       medians, ratios, and how they are shown
"""
