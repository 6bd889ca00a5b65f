"""Every limit of the ledger, named once, with its unit and its reason."""

from __future__ import annotations

from typing import Final

HASH_BYTES: Final = 32
"""bytes; SHA-256, and Ed25519 public keys as well."""

SIGNATURE_BYTES: Final = 64
"""bytes; Ed25519 (RFC 8032, section 5.1.6)."""

MAX_PAYLOAD_BYTES: Final = 8_192
"""bytes in a payload; a page of text fits, a photo does not (those travel by hash)."""

MAX_RUN_ENTRIES: Final = 1_024
"""entries that one head may cover beyond the head before it; a receiver verifies and stores as one unit."""

MAX_RUN_BYTES: Final = 1_048_576
"""bytes of payloads that one head may cover beyond the head before it; bounds a receiver's memory."""

MAX_INDEX: Final = 2**32 - 1
"""index of an entry; a commune that writes ten entries a second reaches it after 13 years."""

MAX_PROOF_HASHES: Final = 32
"""hashes of an inclusion proof or compact range: the levels of a tree over all indexes."""

MAX_DESCENT_LEVELS: Final = 4
"""levels of a tree that one question of a descent goes down; an answer is 16 hashes at most."""

MAX_EVIDENCE_BYTES: Final = 8_192
"""bytes of evidence; two heads with all their extension lines and two proofs of 32 hashes have 4,200."""

MAX_NESTING: Final = 8
"""levels of arrays and maps in a record; the deepest record of today has 4."""

MAX_KEY_CHARACTERS: Final = 32
"""characters of a map key; fields have a dozen, and names of people's own (`x_...`) fit too."""

MAX_NOTE_BYTES: Final = 65_536
"""bytes of a signed note; a checkpoint has about 250."""

MAX_NOTE_SIGNATURES: Final = 64
"""signature lines of a note that are looked at; a head has one, and a few witnesses may add theirs."""

MAX_CHECKPOINT_SIZE: Final = 2**63 - 1
"""leaves that a checkpoint of any origin may state; other tools read it into a signed 64-bit integer."""

MAX_EXTENSIONS: Final = 4
"""extension lines of a head; none is defined today, and a newer version may add a few."""

MAX_EXTENSION_CHARACTERS: Final = 200
"""characters of an extension line; four of them still fit the head of a message."""

MAX_NETWORK_CHARACTERS: Final = 32
"""characters of a network's name, from `[a-z0-9-]`."""

MAX_CACHED_KEYS: Final = 8_192
"""public keys remembered as checked; the keys of 1,600 communes fit, in about 2 MiB."""

MAX_CACHED_SIGNATURES: Final = 16_384
"""signatures inside records remembered as checked; those of 1,600 communes fit, in about 2 MiB."""

MAX_AUTHORITY_KEYS: Final = 32
"""keys of an authority; a commune has 6 to 40 councils, which sign through fewer hands."""

MIN_PARTIES: Final = 2
"""communes in one exchange at the least; nobody owes anything to itself."""

MAX_PARTIES: Final = 8
"""communes in one exchange; a ring of more is not agreed in practice."""

MAX_TRANSFERS: Final = 32
"""transfers in one proposal; with 8 parties each may give four things, and no assembly reads more."""

MAX_SEEN: Final = 16
"""heads in the `seen` of one record; with 8 parties each may have two logs."""

MAX_PREVIOUS: Final = 32
"""logs that one succession continues, or authority records that one replaces."""

MAX_IMAGES: Final = 8
"""images of one listing; each is fetched by whoever looks, over links that are slow."""

MAX_NAME_CHARACTERS: Final = 120
"""characters of a name, title, place, role or code as people read them on one line."""

MAX_CODE_CHARACTERS: Final = 48
"""characters of a category or unit code; the longest in our lists has fewer than half."""

MAX_TEXT_CHARACTERS: Final = 2_000
"""characters of a note, reason or description; four bytes each still fit a payload."""

MAX_NUMBER: Final = 10**12
"""units of the last decimal place that a quantity may have; at six decimal places it still fits 63 bits."""

MAX_SCALE: Final = 6
"""decimal places of a quantity; a gram of a tonne."""

MAX_TIME: Final = 253_402_300_799_999
"""milliseconds since 1970; the last of the year 9999, the last that a date can be written for."""

MAX_WORDS: Final = 32
"""withdrawals, acceptances, settlements or cancels by one commune about one thing that are weighed against
those of others; to fold an exchange costs their product."""

MAX_RECEIPT_BYTES: Final = 524_288
"""bytes of a receipt; a ring of eight with forty steps each and its proofs has about 300,000."""

MAX_RECEIPT_ENTRIES: Final = 512
"""entries in one receipt; to judge them costs their square."""

MAX_RECEIPT_LOGS: Final = 64
"""excerpts of logs in one receipt; eight parties with a few logs each, and who vouches for them."""

MAX_RECEIPT_STATEMENTS: Final = 256
"""charters, successions and authority records in one receipt that no excerpt holds."""

MAX_RECEIPT_HASHES: Final = 16_384
"""hashes of one multi-proof: as many levels as an index has bits, for each of the entries."""

MAX_ROOTS_TRIED: Final = 131_072
"""trees that are asked for a root while a receipt is read from paper, some 20 microseconds each; all codes
have room for the signatures of 1,500 heads, and a receipt for 64 trees."""

MAX_CODE_BYTES: Final = 1_500
"""bytes of a receipt in one printed code; with their header they fit a QR code of version 28, level L."""

MIN_CODE_BYTES: Final = 64
"""bytes of a receipt in one printed code at the least; less would be mostly header."""

MAX_CODES: Final = 64
"""printed codes of one receipt; nobody scans more."""
