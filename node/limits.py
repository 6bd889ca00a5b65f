"""Every limit of the node, named once, with its unit and its reason."""

from __future__ import annotations

from typing import Final

MAX_REPORTED_LOGS: Final = 4_096
"""logs that the report of an import tells apart; the sums count all. Nobody reads more."""

MAX_WAITING_EVIDENCE: Final = 512
"""pieces of evidence that wait for the first entries of their log to come; with 9 KB each at most 5 MB."""

MAX_WAITING_ENTRIES: Final = 4_096
"""entries that an import collects before it stores them; many in one transaction cost less."""

MAX_WAITING_BYTES: Final = 2_097_152
"""bytes of payloads that an import collects before it stores them; bounds its memory."""

MAX_CODES_ON_SHEET: Final = 6
"""printed codes on one sheet; of more, each would be too small for an old phone."""

MAX_IMAGE_BYTES: Final = 33_554_432
"""bytes of a photo that codes are read from; a phone's have about 5 million."""

MAX_IMAGE_PIXELS: Final = 64_000_000
"""pixels of such a photo; unpacked they take as many bytes."""

MAX_INTERFACES: Final = 32
"""network interfaces that are used; a laptop with many virtual ones has a dozen."""

MAX_ANNOUNCED_ADDRESSES: Final = 16
"""addresses that a node announces; with them an announcement still fits one packet of 1,460 bytes."""

MAX_ANNOUNCED_NAME_BYTES: Final = 120
"""bytes of a commune's name in an announcement; longer ones are cut. A string there has 255 at most."""

MAX_ANNOUNCEMENT_BYTES: Final = 512
"""bytes of the text of an announcement, ours or another's; ours have 230 at most (RFC 6763, section 6.2)."""

MAX_HINT_ADDRESSES: Final = 8
"""addresses of one announced node that are kept, the newest; nobody tries more."""

MAX_HINTS: Final = 256
"""announced nodes that are remembered; a room full of communes has dozens. Some 500 bytes each."""

MAX_HINTS_AT_PLACE: Final = 4
"""names under which one address and port may be announced; a restart under another name makes two."""

HINTS_AT_ONCE: Final = 64
"""changes of what is announced that are told at once; a whole room that is switched on."""

HINTS_PER_SECOND: Final = 10
"""changes that are told a second beyond those; a flood of announcements costs its reader no more."""

MAX_NAMES_WAITING: Final = 256
"""announced names that wait to be looked at; others are found when all are asked for again."""

MAX_NAMES_ASKED: Final = 8
"""announced names whose particulars are asked for at the same time; each waits for up to 3 seconds."""

NAME_SECONDS: Final = 3.0
"""seconds to wait for the particulars of an announced name; answers are delayed by up to 1.35 on purpose."""

MAX_NAMES_CACHED: Final = 512
"""names in zeroconf's memory after which it starts anew; it lists what it knows in every question it asks."""

RENEW_SECONDS: Final = 60.0
"""seconds that zeroconf runs before it is begun anew for such a flood; it is silent for two each time."""

GOODBYE_SECONDS: Final = 5.0
"""seconds between a goodbye and believing it: a node that starts again is back in two."""

DOUBT_SECONDS: Final = 20.0
"""seconds that known nodes have to answer after the network changed under this one; those on a Wi-Fi that has
just come back take several."""

LOOK_SECONDS: Final = 0.5
"""seconds between two looks at the network interfaces; a look takes a third of a millisecond."""

SETTLE_SECONDS: Final = 1.0
"""seconds for which the interfaces must stay as they are before it counts; Wi-Fi changes several times."""

MAX_SETTLE_SECONDS: Final = 10.0
"""seconds after which interfaces count that never stay as they are; else a loose plug would keep this node
from being found."""

RECONCILE_SECONDS: Final = 15.0
"""seconds between two attempts to use interfaces that could not be used the first time, and between two
looks at the addresses of known nodes: that one ran out is not reported."""

ASK_ALONE_SECONDS: Final = 30.0
"""seconds between two questions who else is there while nobody is known, or some were too many to be
looked at; a question has 45 bytes."""

ASK_SECONDS: Final = 300.0
"""seconds between two such questions otherwise; each lists all that is known, some 40 bytes a node."""

ASK_SOON_SECONDS: Final = 10.0
"""seconds between two questions however often somebody wants one; a crowd makes no flood of them."""

ANNOUNCE_AGAIN_SECONDS: Final = 2.0
"""seconds before new addresses are announced once more; packets to everybody are lost at times."""

STOP_SECONDS: Final = 0.7
"""seconds for saying goodbye: three packets with 0.125 seconds between them."""

RETRY_SECONDS: Final = 1.0
"""seconds before what failed is tried again; doubled each time."""

MAX_RETRY_SECONDS: Final = 60.0
"""seconds before what failed is tried again at the most; the network may be back any time."""

MAX_API_BYTES: Final = 1_048_576
"""bytes of a request to the API, bundles aside; a request for signatures has 128 KiB, a record 8 KiB."""

STARTING_SECONDS: Final = 10
"""seconds that a command waits for a node which starts to say where it is; a Raspberry Pi takes some."""

ANSWER_SECONDS: Final = 10
"""seconds in which a running node has to answer at all; it never does anything long before that."""

WRITING_SECONDS: Final = 900
"""seconds that a command waits for one write of a node, which may be behind a long import."""

NODE_STOP_SECONDS: Final = 4.5
"""seconds after which a node that was told to stop ends, done or not; whoever stops it is promised 5."""

PART_SECONDS: Final = 1.0
"""seconds that each part of a node has to stop, and all of them together, before it is left behind."""

ASKING_SECONDS: Final = 3.0
"""seconds for which neighbours are asked about one's own log before the first signature after a start;
somebody waits for it."""

PICK_UP_SECONDS: Final = 0.5
"""seconds between two looks whether there is a commune in the home by now; whoever has just founded one waits
no longer."""

HEALTH_SECONDS: Final = 5.0
"""seconds in which the store has to answer to count as well; the largest transaction takes two."""

MAX_PENDING_BYTES: Final = 8_388_608
"""bytes of entries that have come from neighbours and wait to be stored; with more, nothing is read from
anybody. With three times as many a log of 100,000 entries comes hardly faster, and takes 30 MB more."""

PENDING_ENTRY_BYTES: Final = 200
"""bytes that a waiting entry counts for beside its payload: what holds it in memory."""

PENDING_HEAD_BYTES: Final = 1_000
"""bytes that a head counts for which waits to be looked at; its signature takes a tenth of a millisecond."""

PENDING_EVIDENCE_BYTES: Final = 10_000
"""bytes that evidence counts for which waits to be verified: two heads and two proofs."""

MAX_SERVED_WANTS: Final = 256
"""wants that are answered before anything else of a link is looked at; others shall not wait for long."""

MAX_UNSENT_BYTES: Final = 4_194_304
"""bytes that wait for a slow neighbour; one that takes no more is left behind, and met again later."""

FAREWELL_SECONDS: Final = 10.0
"""seconds in which the other side has to take the last that is said to it, before the connection is cut."""

PING_SECONDS: Final = 30.0
"""seconds between two signs of life on a link; a link that a router has forgotten is found out after two."""

MAX_SETTINGS_BYTES: Final = 65_536
"""bytes of a file of settings; a thousand addresses of peers fit."""

LOW_DISK_BYTES: Final = 200_000_000
"""bytes free under which people are warned; a large bundle or a year of a busy region takes as many."""

TROUBLE_SECONDS: Final = 5.0
"""seconds between two attempts to open what could not be opened or written; somebody may be mending it."""

MAX_REQUESTS: Final = 64
"""copies of one request for signatures that are put together at once; an authority has 32 keys."""

HEAD_SECONDS: Final = 15.0
"""seconds for a request to be said, its body aside, and for which a connection without one is kept."""

BODY_SECONDS: Final = 20.0
"""seconds between two looks whether the body of a request goes on; a Wi-Fi at its edge is silent for less."""

LEAST_BODY_BYTES: Final = 1_024
"""bytes of a body that have to come between two such looks; who sends less has stopped, or means to."""

LINGER_SECONDS: Final = 2.0
"""seconds for which the rest of a request is read that was answered before its end; else a browser shows no
answer."""

MAX_PEOPLE: Final = 256
"""connections of browsers and commands at once; a browser opens six for each of its windows."""

MAX_PEOPLE_AT_HOST: Final = 48
"""connections of these from one host of the local network; eight windows."""

MIN_LAN_PASSWORD_CHARACTERS: Final = 10
"""characters of the password for the local network; at one guess a minute a common word holds for years."""

MAX_PASSWORD_CHARACTERS: Final = 200
"""characters of a password; whoever sends more means something else."""

SESSION_SECONDS: Final = 2_592_000
"""seconds for which somebody who gave the password is known: 30 days, so that a telephone asks rarely."""

MAX_SESSIONS: Final = 64
"""sessions at once; of more, those that end soonest end now."""

MAX_ENTERING: Final = 8
"""passwords that wait to be looked at; each takes half a second on a small Raspberry Pi, one at a time."""

FREE_ATTEMPTS: Final = 5
"""wrong passwords in a row that cost a host nothing; then 2 seconds, doubled each time."""

FREE_ATTEMPTS_IN_ALL: Final = 20
"""wrong passwords of all hosts together that cost nobody anything; a house that logs in errs a few times."""

MAX_ATTEMPT_SECONDS: Final = 900.0
"""seconds that a host waits at the most; who has found the paper with the password waits no longer."""

MAX_ATTEMPT_SECONDS_IN_ALL: Final = 30.0
"""seconds that those wait at the most who are new: 2,880 guesses a day, however many computers guess."""

ATTEMPTS_FORGOTTEN_SECONDS: Final = 3_600.0
"""seconds after the last wrong one after which it counts from anew; who erred in the morning is free at
noon."""

MAX_ATTEMPT_HOSTS: Final = 1_024
"""hosts of which wrong passwords, and right ones, are remembered."""

MAX_ENTRY_BYTES: Final = 8_192
"""bytes of a request of somebody who has not given the password yet: it is a password."""

MAX_CALLERS: Final = 128
"""connections of other nodes at once, those that have not asked for a link yet included."""

MAX_CALLERS_AT_HOST: Final = 16
"""connections of these from one host; behind the address of a house there are several nodes at times."""

REQUEST_SECONDS: Final = 2.5
"""seconds that requests under way have to end when the node is told to stop; the rest of `NODE_STOP_SECONDS`
is for parts and store."""

MAX_LINKS: Final = 32
"""links at once, either way; each costs a few hundred KiB while much goes over it."""

MAX_PEERS_KEPT: Final = 4_096
"""addresses and logs of which it is remembered how meeting them went; some 100 bytes each on disk."""

MAX_DRAFTS_KEPT: Final = 32
"""forms that were filled and not signed; who begins more has forgotten the first."""

MAX_NOTICES_KEPT: Final = 1_000
"""notices that are kept; nobody reads further back, and all they tell stands in the exchanges."""

LIVE_LINKS: Final = 8
"""links that a node keeps unless its operator says otherwise; in a net of 50 nodes what is signed is then
everywhere after 4 links, in one of 200 after 14, and the share of each stays small."""

MAX_LIVE_LINKS: Final = 20
"""links that an operator may have kept; the rest of `MAX_GUESTS` and of `MAX_LINKS` is for visits."""

MAX_GUESTS: Final = 24
"""links that others may have opened; the rest of `MAX_LINKS` is for those that this node opens."""

TURN_SECONDS: Final = 120.0
"""seconds between two visits to a node that is not linked for good; what is new comes over the others, and a
visit with nothing to tell costs a kilobyte."""

TURN_GAP_SECONDS: Final = 5.0
"""seconds from one visit to the next at the least, however many are visited in turn."""

LONE_TURN_SECONDS: Final = 4.0
"""seconds between two visits of a node that is linked with nobody, as long as they bring something; doubled
with each that brings nothing. A visit with nothing to tell costs a kilobyte."""

MAX_LONE_TURN_SECONDS: Final = 60.0
"""seconds between two such visits at the most: a kilobyte a minute, as of a link that stands."""

VISITS_AT_ONCE: Final = 2
"""nodes that are visited at the same time; one that is slow does not keep the others waiting."""

REST_SECONDS: Final = 1.0
"""seconds for which nothing has gone over a link so that it counts as at rest; then it may give way to
another."""

TEND_SECONDS: Final = 1.0
"""seconds between two looks at which links are at rest, and which are too many."""

MAX_LINKS_AT_HOST: Final = 4
"""links that one host may open here, this very computer aside; behind one address there may be several."""

MAX_HALF_OPEN: Final = 8
"""connections at once of which it is not known yet who is there; each may take ten seconds."""

MAX_HALF_OPEN_AT_HOST: Final = 2
"""connections of these from one host; two nodes that share an address may call together."""

FAULT_SECONDS: Final = 10.0
"""seconds for which a log is left alone after it broke the protocol; doubled each time. A fault of the
program that does this costs little, since each try may be a kilobyte."""

MAX_FAULT_SECONDS: Final = 21_600.0
"""seconds for which it is at the most; after six hours somebody may have mended it."""

FAULTS_FORGIVEN_AT_HOST: Final = 2
"""faults of a host that cost it nothing: behind one address may be others, who did nothing."""

MAX_HOSTS_BLAMED: Final = 1_024
"""hosts whose faults are remembered; some 200 bytes each."""

COPY_SECONDS: Final = 900.0
"""seconds in which a log that was linked from one host, then from another, and comes from the first again is
taken for two copies of one home; one that was refused so tries again sooner, and is refused again."""

MEETING_SECONDS: Final = 1.0
"""seconds before a node that could not be met is tried again; doubled each time."""

MAX_MEETING_SECONDS: Final = 300.0
"""seconds before it is tried again at the most; a laptop that is opened should not wait longer."""

MAX_AROUND_SECONDS: Final = 3.0
"""seconds before a node that was met on the local network is tried again at the most while it is out of
reach: it may be back any time, and a try is one packet."""

UNHEARD_SECONDS: Final = 8.0
"""seconds for which what is sent over a link may be unheard of; the system tries again ever less often,
and a new link is there sooner than its next try."""

TWICE_SECONDS: Final = 5.0
"""seconds in which two nodes open links to each other because neither knows that the other one does; a link
that is opened later takes the place of one that its opener knows to be broken."""

STEADY_SECONDS: Final = 30.0
"""seconds for which a link has stood so that its end is not taken for a failure; one that ends sooner is
opened again ever later."""

OWN_ANSWER_SECONDS: Final = 0.5
"""seconds in which neighbours answer how far they hold this log; a tenth will do on a local network."""

MAX_HOPS: Final = 8
"""recognitions in a row that can be followed; at eight most of a country knows each other."""

ENTRY_WEIGHT: Final = 200
"""bytes that an entry counts beside its payload: its hash, its place and its rows in indexes."""

INTRODUCED_LOGS: Final = 64
"""logs that one recognised commune may introduce, unless the operator says otherwise; more than it has to do
with, and too few to be worth inventing communes for."""

INTRODUCED_MEGABYTES: Final = 256
"""megabytes that all that one commune introduces may weigh; 4 for each log, some 9,000 records, and with 20
communes recognised 5 GB at the most, which fits a card of 32."""

LOG_MEGABYTES: Final = 64
"""megabytes that a log may weigh on its first day here; 100,000 entries of 400 bytes weigh 60."""

LOG_DAYS: Final = 32
"""days in which a log gets room for as much again: 2 MB, some 4,000 records, a day."""

LEAST_DAY_WEIGHT: Final = 1_300_000
"""bytes for which a log gets room each day at the least: the largest run there is weighs 1,253,376."""

FOLLOWED_TIMES: Final = 8
"""times as much as any other that a log may weigh which this commune recognises: it is trusted, but its key
may be stolen or its program wrong, and 512 MB, then 16 a day, leave time to look before a disk is full."""

MAX_QUOTA_MEGABYTES: Final = 1_000_000
"""megabytes of a quota that can be set; a disk of a terabyte."""

MAX_QUOTA_LOGS: Final = 100_000
"""logs that can be set as what one commune may introduce; twice all councils."""

MAX_GIVEN_ADDRESSES: Final = 32
"""addresses of nodes that can be given on pages and by commands; each is linked, beyond `live-links`."""

MAX_CHOSEN: Final = 1_024
"""communes and logs that an operator may choose to follow; a file of settings has room for as many."""

DAY_SECONDS: Final = 72_000.0
"""seconds of running before another day counts, 20 hours: a clock that is set to and fro gains nothing."""

DAY_LOOK_SECONDS: Final = 600.0
"""seconds between two looks whether another day has begun; ten minutes more or less are no matter."""

REVIEW_SECONDS: Final = 1.0
"""seconds after something was signed or taken in here until neighbours are told of all that is held: whatever
else a bundle brought is stored by then, or soon after and told at the next look."""

MAX_HELD_BACK: Final = 1_024
"""logs held back of which is remembered why; to be shown. Nobody reads more."""

MAX_NAMED: Final = 5
"""names of logs held back that one sentence gives; `trueque status --json` gives all."""

MAX_UNKNOWN: Final = 4_096
"""logs that are not taken in of which the newest heads are kept; 300 bytes each, 1.2 MB."""

MAX_UNKNOWN_OF_ONE: Final = 1_024
"""logs of these that are kept because one and the same neighbour shows them; who invents logs fills no
more."""

MAX_STRANGERS: Final = 256
"""communes not taken in whose names are kept, to be shown; a room full of them."""

CONNECT_SECONDS: Final = 5.0
"""seconds for a connection to be made; an address that nobody has takes them all."""

MAX_KNOWN_HEADS: Final = 262_144
"""heads of a bundle that says what others hold; some 200 bytes of memory each."""

MEGABYTE: Final = 1_000_000
"""bytes; what disks are sold by."""

MAX_PHOTO_MEGABYTES: Final = 1_000_000
"""megabytes that the setting allows; larger disks are not made yet for those who run a node."""

BLOB_USED_SECONDS: Final = 3_600.0
"""seconds by which the last use of a photo is noted; each note is a write to a card that wears out."""

UNLISTED_SECONDS: Final = 86_400.0
"""seconds for which a photo is kept as one's own before a listing names it: a form left open over night."""

MAX_DAMAGED_BLOBS: Final = 16
"""damaged photos that are kept to be looked at; with 8 MiB each at most 128 MiB."""

READING_BYTES: Final = 262_144
"""bytes of a file that are read and hashed at once; larger pieces are not faster."""

FETCH_SECONDS: Final = 300.0
"""seconds after which another neighbour is asked for a photo; at 10 kbit/s one of 250 KB takes 200."""

PHOTO_SECONDS: Final = 8.0
"""seconds that a browser waits for a photo which neighbours have; it goes on coming meanwhile."""

UNSENT_BYTES: Final = 65_536
"""bytes that the system may hold unsent on a link, so that news do not wait behind a photo in there."""

MAX_CALLED: Final = 64
"""nodes that are called because their logs said where they are; each has a task, and is visited in turn."""

CHANGES_AN_HOUR: Final = 4
"""times an hour that a log may say something new of where its node is; else it could lead others about."""

HOUR_SECONDS: Final = 3_600.0
"""seconds; an hour, over which what may be said anew is counted."""

MAX_CHANGING: Final = 4_096
"""logs of which it is remembered when they last said where they are; some 300 bytes of memory each."""

TRIES_UNPROVED: Final = 3
"""calls of a place at which something answers that proves nothing, before it is called no more."""

TRIES_UNREACHABLE: Final = 16
"""calls of a place that cannot be reached, before it is left alone; with pauses that grow about an hour."""

GIVEN_UP_SECONDS: Final = 21_600.0
"""seconds after which a place that could not be reached is called again: in the evening the power is back."""

MAX_OUTDONE: Final = 8
"""times that this node answers something newer about itself; two copies of a home would never end it."""

MAX_PET_NAMES: Final = 1_000
"""communes that people here call by names of their own; all of them stand in every backup."""

MAX_PET_NAME_CHARACTERS: Final = 60
"""characters of such a name; it has to fit into a line of a telephone."""

MAX_API_PAGE: Final = 200
"""things of a list that the API gives at once; some 200 KB of JSON."""

API_PAGE: Final = 50
"""things that it gives where nobody says how many; a screen or two."""

MAX_API_OFFSET: Final = 10_000_000
"""things of a list that may be passed over; more than any ledger holds."""

MAX_SHEET_BYTES: Final = 2_097_152
"""bytes of a table of listings; a thousand rows with a page of notes each have half of it."""

MAX_SHEET_ROWS: Final = 1_000
"""rows of such a table; somebody has to look them through before they stand for ever."""

MAX_REPEATS: Final = 1_024
"""keys under which the API remembers what it has answered; with a kilobyte each at most a megabyte."""

MAX_REPEAT_KEY_CHARACTERS: Final = 200
"""characters of such a key; a UUID has 36."""

MAX_DEMO_BYTES: Final = 8_388_608
"""bytes of a table of trades; some 100,000 rows, far more than anybody waits for."""

MAX_DEMO_COMMUNES: Final = 100
"""nodes of a demonstration; with some 15 MB of memory each they fit into a laptop."""

DEMO_STALL_SECONDS: Final = 120.0
"""seconds for which nothing may happen in a demonstration before it is given up; a slow card needs a few."""

DEMO_STOP_SECONDS: Final = 15.0
"""seconds for the nodes of a demonstration to end in; those that have not are killed then."""

DEMO_LINE_BYTES: Final = 67_108_864
"""bytes of one line between a demonstration and its processes; that with all acts has a fifth of it."""
