"""Parts: what a running node is put together from, beside the home and its two listeners.

Decides what a part may do and when it is called; `app` calls it. Gossip is one
part, discovery another: each gets the one open home, has its routes, its
figures, and its share in what `trueque status` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from aiohttp.web import AbstractRouteDef
    from prometheus_client import CollectorRegistry

    from .addresses import Address
    from .custody import Custody
    from .settings import Settings


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence as texts are: English, its fields apart, to be translated where it is shown."""

    template: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartState:
    """What a part says of itself: facts for programs (as JSON can hold them), sentences for people."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    sentences: Sequence[Told] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What a part is started with: the open home, the settings, and the port at which peers are heard.

    `addresses` are those of other nodes that somebody here gave.
    """

    custody: Custody
    settings: Settings
    peer_port: int
    addresses: Sequence[Address] = ()


class Part:
    """A part of a node. All methods are called on the event loop's thread; each may be left as it is here.

    The order: `routes`, `people_routes` and `register` once, before anything
    listens; `start` when the home is open, which may be long after; `stop` once,
    if it was started. `start` returns soon: whatever takes time is a task of the
    part's own. It must not need the network: an error in it ends the node.
    """

    name: ClassVar[str]
    """The key of its facts in `trueque status --json`."""

    def routes(self) -> Sequence[AbstractRouteDef]:
        """Its routes on the peers' listener, which is up only while the home is open."""
        return ()

    def people_routes(self) -> Sequence[AbstractRouteDef]:
        """Its routes on the people's listener; those under `/api/` ask for the token."""
        return ()

    def register(self, registry: CollectorRegistry) -> None:
        """Add its figures to those of `/metrics`."""

    async def start(self, place: Place) -> None:
        """Begin; the home is open."""

    async def stop(self) -> None:
        """End, within `PART_SECONDS`; the home is still open, and its store takes writes."""

    async def before_first_signature(self) -> None:
        """Look whether others hold more of this node's log than it does; given up after `ASKING_SECONDS`."""

    def rolled_back(self) -> None:
        """The ledger turned out to be older than what was signed: what was held before may be missing."""

    async def fetch(self, digest: bytes, listing: bytes) -> bool:
        """Fetch a photo that a listing names from other nodes; whether it is held then. May take minutes."""
        return False

    def written(self) -> None:
        """Something was signed, taken in or erased by a command or a page; called after each."""

    def named(self, addresses: Sequence[Address]) -> None:
        """The addresses of other nodes that somebody here gave are others now: these."""

    def state(self) -> PartState | None:
        """What it has to say now, None for nothing."""
        return None
