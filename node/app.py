"""The node process: its two listeners, the order in which it starts and stops, and its signals.

Decides that people are listened to on this computer alone and first, peers on
all interfaces once the home is open, and then the local network too if it is
wanted (`lan`); that starting waits for no network, name
or clock; and that whoever tells the node to stop has it gone within five
seconds. What lives between start and stop is the `resident`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from aiohttp import web
from msgspec.structs import replace

from . import api, journal, running
from . import web as pages
from .errors import ListenError
from .home import Home
from .lan import FROM_LAN, LAN
from .limits import MAX_CALLERS, MAX_CALLERS_AT_HOST, MAX_PEOPLE, NODE_STOP_SECONDS
from .listener import Listener, runner_of, tersely
from .parts import Part
from .people import people_app
from .reporting import headline
from .resident import Resident
from .running import Running
from .settings import Settings
from .systemd import Supervisor

Ready = Callable[[Running], None]
"""Called once the people's listener is up."""


def parts_of(settings: Settings) -> list[Part]:
    """The parts that the settings ask for, beside the home and its pages."""
    from .company import Company

    return [Company(settings)]


def run(home: Home, settings: Settings, parts: Sequence[Part], ready: Ready) -> None:
    """Be the node of a home until SIGTERM, SIGINT or SIGHUP. Raises HomeError, StoreError, ListenError."""
    asyncio.run(_until_signal(home, settings, parts, ready))


async def _until_signal(home: Home, settings: Settings, parts: Sequence[Part], ready: Ready) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # SIGHUP is what a terminal says that is closed; `nohup` has it ignored, and then it is.
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(home, settings, parts, ready, stop)


async def serve(
    home: Home,
    settings: Settings,
    parts: Sequence[Part],
    ready: Ready,
    stop: asyncio.Event,
    *,
    everywhere: bool = True,
) -> None:
    """As `run`, until `stop` is set; peers on this computer alone are heard if not `everywhere`."""
    home.make()
    with running.presence(home):
        try:
            await _serve(home, settings, parts, ready, stop, everywhere)
        finally:
            running.withdraw(home)


async def _serve(
    home: Home,
    settings: Settings,
    parts: Sequence[Part],
    ready: Ready,
    stop: asyncio.Event,
    everywhere: bool,
) -> None:
    supervisor = Supervisor(os.environ)
    async with AsyncExitStack() as opened:
        people = opened.enter_context(_bound("127.0.0.1", settings.people_port, "people-port"))
        port = settings.peer_port
        peers = opened.enter_context(
            _bound_everywhere(port) if everywhere else _bound("127.0.0.1", port, "peer-port")
        )
        resident = Resident(home, settings, parts)
        resident.people_port = people.getsockname()[1]
        lan = resident.lan
        here, there = _people_app(resident), _people_app(resident, over_lan=True)
        for key, value in here.items():
            if key is not FROM_LAN:
                there[key] = value  # what is kept while the node runs is the same for both
        runners = await runner_of(here), await _peers_runner(resident), await runner_of(there)
        opened.push_async_callback(_stop, resident, runners, supervisor)
        await Listener(runners[0], people, most=MAX_PEOPLE).start()
        node = Running(
            os.getpid(), resident.people_port, peers.getsockname()[1], resident.token, resident.since
        )
        running.announce(home, node)
        if await resident.try_to_open():
            await _open_to_peers(resident, runners[1], peers)
            await lan.begin(runners[2], people)
        journal.tell("started", people=resident.people_port, peers=resident.peer_port, home=resident.phase)
        alive = asyncio.create_task(supervisor.keep_alive())
        writing = asyncio.create_task(resident.keep_writing())
        supervisor.ready(headline(await resident.state()))
        ready(replace(node, lan=lan.is_open))
        if resident.custody is None and await _wait_for_home(resident, runners[1], peers, supervisor, stop):
            await lan.begin(runners[2], people)
        await stop.wait()
        alive.cancel()
        writing.cancel()


async def _wait_for_home(
    resident: Resident,
    runner: web.AppRunner,
    peers: socket.socket,
    supervisor: Supervisor,
    stop: asyncio.Event,
) -> bool:
    """Until there is a commune, or, which is False, the node is told to stop."""
    waiting = asyncio.create_task(resident.wait_for_home())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not waiting.done():
        waiting.cancel()
        return False
    waiting.result()
    await _open_to_peers(resident, runner, peers)
    supervisor.status(headline(await resident.state()))
    return True


async def _open_to_peers(resident: Resident, runner: web.AppRunner, peers: socket.socket) -> None:
    """Begin to listen to peers, if any part has something to say to them, and start the parts."""
    port = peers.getsockname()[1]
    if len(runner.app.router.routes()):
        try:
            await Listener(runner, peers, most=MAX_CALLERS, most_at_host=MAX_CALLERS_AT_HOST).start()
        except OSError as error:
            # Bound long before, while two nodes waited at one port.
            raise _refused("peer-port", port, error) from error
        resident.peer_port = port
    await resident.start_parts(port)


# Listeners --------------------------------------------------------------------------------------


def _people_app(resident: Resident, *, over_lan: bool = False) -> web.Application:
    inner = pages.MIDDLEWARES_OVER_LAN if over_lan else pages.MIDDLEWARES
    app = people_app(resident.token, resident.settings.hosts, resident.figures, inner, over_lan=over_lan)
    app[LAN], app[FROM_LAN] = resident.lan, over_lan
    api.begin(app, resident)
    pages.begin(app, resident.people_port)
    for part in resident.parts.all:
        app.add_routes(part.people_routes())
        if not over_lan:
            part.register(resident.figures.registry)
    return app


async def _peers_runner(resident: Resident) -> web.AppRunner:
    app = web.Application()
    app.on_response_prepare.append(tersely)
    for part in resident.parts.all:
        app.add_routes(part.routes())
    return await runner_of(app)


def _bound(host: str, port: int, setting: str) -> socket.socket:
    """A socket at a port, which does not listen yet. Raises ListenError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # After a kill, connections of the former process would hold the port for a minute.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise _refused(setting, port, error) from error
    return bound


def _bound_everywhere(port: int) -> socket.socket:
    """A socket at a port of all interfaces, over IPv6 and IPv4 where there are both."""
    try:
        return _bound("::", port, "peer-port")
    except ListenError:
        # Without IPv6 there is no such address; what else is amiss is amiss with IPv4 too.
        return _bound("0.0.0.0", port, "peer-port")  # noqa: S104  # peers come from elsewhere


def _refused(setting: str, port: int, error: OSError) -> ListenError:
    return ListenError(
        "Port {port} cannot be listened at ({reason}): give another with --{setting}; 0 takes any that is "
        "free.",
        port=port,
        setting=setting,
        reason=error.strerror,
    )


# The end ----------------------------------------------------------------------------------------


async def _stop(resident: Resident, runners: Sequence[web.AppRunner], supervisor: Supervisor) -> None:
    """Stop in order: no new questions, then the parts, then what is under way, then the home."""
    supervisor.stopping()
    journal.tell("stopping")
    limit = threading.Timer(NODE_STOP_SECONDS, _end, [resident.home])
    limit.daemon = True
    limit.start()
    people, peers, lan = runners
    try:
        for runner in runners:
            for site in list(runner.sites):
                await site.stop()
        await resident.parts.stop()
        await asyncio.gather(people.cleanup(), peers.cleanup(), lan.cleanup())
        await resident.close()
    finally:
        limit.cancel()
    journal.tell("stopped")


def _end(home: Home) -> None:
    """End at once: what is acknowledged is on disk, and what is under way is as if it had not begun."""
    journal.tell("stopped", level="warning", unfinished=True)
    running.withdraw(home)
    sys.stderr.flush()
    os._exit(0)
