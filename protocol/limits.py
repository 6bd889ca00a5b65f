"""Every limit of the protocol, named once, with its unit and its reason."""

from __future__ import annotations

from typing import Final

MAX_FRAME_BYTES: Final = 262_144
"""bytes in one frame beside its header; what a reader takes in before it looks at any of it."""

MAX_HEAD_BYTES: Final = 1_024
"""bytes of an encoded head; with all extension lines that it may have it comes to 953."""

MAX_MESSAGE_BYTES: Final = 1_114_112
"""bytes of a message, compressed or not: 1 MiB of payloads, and 64 KiB for all else in the longest run."""

BATCH_BYTES: Final = 262_144
"""bytes of encoded runs that a sender puts into one message; deflate looks back 32 KiB: more gains little."""

MAX_BATCH_RUNS: Final = 1_024
"""runs in one message; with a head of 140 bytes each they come to 150 KB at least."""

MAX_BATCH_ENTRIES: Final = 4_096
"""entries in one message; as many small objects fit a megabyte, however short they are."""

MAX_BATCH_HEADS: Final = 1_024
"""heads in one message; 140 KB."""

MAX_BLOB_BYTES: Final = 8_388_608
"""bytes of a blob; a photo as a phone takes it. What is shown in lists is a tenth of that."""

BLOB_CHUNK_BYTES: Final = 32_768
"""bytes of every chunk of a blob but the last; at 10 kbit/s news wait 26 seconds behind one."""

MAX_OPEN_BLOBS: Final = 4
"""blobs that one side of a session wants and has not got; they are sent one after the other anyway."""

MAX_FETCHES: Final = 4
"""blobs that are fetched at once from all neighbours; in memory until they are whole, with 8 MiB each."""

MAX_SEARCHES: Final = 256
"""blobs that are wanted and not fetched yet; a page shows some dozens."""

LENT_AT_ONCE_BYTES: Final = 16_777_216
"""bytes of blobs that a session gets as fast as they can be sent: some sixty photos."""

LENT_BYTES_PER_SECOND: Final = 65_536
"""bytes of blobs a second beyond that; at 32 links 2 MB, and less than one per cent of a small computer."""

LENT_LEAST_BYTES: Final = 4_096
"""bytes that an answer counts for at the least: looking for a blob costs something too."""

MAX_PLACES: Final = 4
"""places at which one node can be called: a name, an IPv6 and an IPv4 address, and one more."""

MAX_HOST_CHARACTERS: Final = 253
"""characters of a host's name (RFC 1035, section 2.3.4, less the dots at its ends)."""

MAX_TOLD_ADDRESSES: Final = 64
"""logs whose addresses one message tells; with 130 bytes each some 8 KB."""

MAX_KNOWN_ADDRESSES: Final = 1_024
"""logs whose addresses are known; more than anybody calls. With 1.2 KB each at most 1.2 MB."""

ENOUGH_ADDRESSES: Final = 64
"""logs whose addresses are known, from which on nobody is asked for more; new ones are told anyway."""

MAX_UNJUDGED_ADDRESSES: Final = 64
"""addresses of logs that are not taken in which are kept of each neighbour, until they are."""

MAX_NOISE_BYTES: Final = 65_535
"""bytes of one encrypted message, its tag included (Noise, section 3)."""

MAX_VERSIONS: Final = 16
"""versions of the protocol that a side says it speaks; there is one today."""

MAX_FURTHER: Final = 8
"""things of which a side may say more in the handshake; none is defined today."""

MAX_HELLO_BYTES: Final = 512
"""bytes of what a side says of itself in the handshake; with 16 versions it has 153, the rest is room."""

MAX_DIFFERENCES: Final = 262_144
"""logs in which two sides can differ; some 200 bytes of memory each."""

MAX_RECONCILE_BYTES: Final = 16_777_216
"""bytes of one side's turns in a comparison; a list of 262,144 logs has 11 MB, all hashes above it 3."""

MAX_RECONCILE_ITEMS: Final = 262_144
"""things said by one side in a comparison; 262,144 logs fall into 65,536 parts. 100 bytes of memory each."""

MAX_RECONCILE_TURNS: Final = 40
"""turns of both sides in a comparison; two rosters of 47,000 logs take eight."""

RECONCILE_BYTES: Final = 262_144
"""bytes after which a turn goes on in a further message; nothing else has to wait behind more."""

RECONCILE_LEAST_BYTES: Final = 131_072
"""bytes that a message has at the least if its turn goes on in a further one: no turn is drawn out."""

MEMORY_BYTES: Final = 2
"""bytes of what has changed, a log held, up to which they are said; beyond, comparing all is cheaper."""

MEMORY_LEAST_BYTES: Final = 512
"""bytes of what has changed that are always said; they cost less than another turn."""

SERVED_BYTES: Final = 1_048_576
"""bytes of encoded runs that are read for one side before another's turn comes; four messages. A run more may
come on top."""

MAX_WANTS: Final = 1_024
"""wants in one message; with a log's key of 34 bytes each they come to some 40 KB."""

MAX_OPEN_WANTS: Final = 4_096
"""wants of one side of a session that stand unanswered; what is asked for is remembered until it comes."""

MAX_DESCENT_SPANS: Final = 16
"""subtrees in one question of a descent; it goes down four levels at once."""

MAX_QUESTION_BYTES: Final = 1_024
"""bytes of a small message: a question about a tree has 260 at most, its answer 546, a farewell 850."""

MAX_REASON_CHARACTERS: Final = 200
"""characters of the sentence in a farewell; it goes into journals, and another wrote it."""

STATE_BYTES: Final = 16
"""bytes that name a roster; as for all hashes of a comparison they are enough against chance, and nobody
gains by making two alike."""

MEETING_SECONDS: Final = 10.0
"""seconds that a handshake may take; over the slowest link three messages take two."""

ANSWER_SECONDS: Final = 60.0
"""seconds without anything new after which a side that owes an answer is given up; at 10 kbit/s a piece of
64 KiB takes 52."""

PULL_ENTRIES: Final = 8_192
"""entries of one log that are asked for at once; what is announced meanwhile has to wait for no more."""

MAX_ENTRIES_ASKED: Final = 32_768
"""entries that are asked of one neighbour and have not come; four logs at once keep a slow link busy."""

MAX_OFFERS: Final = 262_144
"""logs that all neighbours together hold further, one counted for each that does; 400 bytes of memory each.
Five neighbours who know the whole country; of more, whoever offers most offers less."""

MAX_OWN_SEEN: Final = 1_024
"""heads of the log that is written here, as others show them, that are not looked at a second time."""

MAX_DECLINED: Final = 65_536
"""logs that are not taken in of which that is remembered, so that they are not asked for again; more than all
councils have. 300 bytes of memory each."""

MESSAGES_AT_ONCE: Final = 524_288
"""messages that the other side may say at once: two for each log that it lacks, where it lacks all."""

MESSAGES_PER_SECOND: Final = 1_024
"""messages a second beyond those; to decrypt and look at as many takes some 3 % of a core of a laptop."""

HEADS_AT_ONCE: Final = 262_144
"""heads that the other side may show at once: one of every log in which two sides can differ."""

HEADS_PER_SECOND: Final = 1_024
"""heads a second beyond those, a full message; a whole country that records 80 million things a day."""

ADDRESSES_AT_ONCE: Final = 2_048
"""addresses that the other side may tell at once: of twice as many logs as are known."""

ADDRESSES_PER_SECOND: Final = 1
"""addresses a second beyond those; of 1,600 communes that change daily one comes in 54 seconds."""

EVIDENCE_AT_ONCE: Final = 4_096
"""pieces of evidence that the other side may show at once; a tenth of all councils' logs, forked."""

EVIDENCE_PER_SECOND: Final = 8
"""pieces of evidence a second beyond those; to verify them takes some 2 ms."""

WANTS_AT_ONCE: Final = 524_288
"""wants that the other side may have at once: two of each log, since the first entry is asked for alone."""

WANTS_PER_SECOND: Final = 2_048
"""wants a second beyond those: one for each head that may be shown, and as many for a whole new log."""

QUESTIONS_AT_ONCE: Final = 2_048
"""questions about trees at once: five for each of 400 logs whose forks nobody has found yet."""

QUESTIONS_PER_SECOND: Final = 8
"""questions a second beyond those; whoever looks for a cut has done so with five."""

HASHED_AT_ONCE: Final = 1_048_576
"""leaves that questions about trees may have hashed at once: ten forks of logs of 100,000 entries. Some three
seconds of computing; a question about a longer log counts as all of them."""

HASHED_PER_SECOND: Final = 8_192
"""leaves a second beyond those; some 3 % of a core of a laptop."""

UNASKED_BYTES_AT_ONCE: Final = 134_217_728
"""bytes of inflated messages beside entries and blobs, which are counted as they are asked for: a comparison
has 16 MiB, all heads that may be shown at once some 40, all wants as many."""

UNASKED_BYTES_PER_SECOND: Final = 262_144
"""bytes a second beyond those; a frame of a kilobyte can hold a megabyte, so frames are no measure."""

REFUSALS_AT_ONCE: Final = 262_144
"""runs not taken in that the other side may bring at once: the first entry of every log that it holds."""

REFUSALS_PER_SECOND: Final = 256
"""runs not taken in a second beyond those; a log that nobody knows here is asked for once."""

MAX_SHOWN_BRANCHES: Final = 16
"""branches of a forked log that are shown and fetched; who forks more often is known well enough."""

MAX_MEMORIES: Final = 256
"""neighbours whose roster is remembered; they share nearly all of their memory."""
