"""The test adapter: lets the conformance kit drive the node beside it (spec chapter 23).

It speaks adapter.proto over one socket, each message behind a 4-byte big-endian length. It only
translates; node.py and functions.py know the protocol.
    CARILLON_ADAPTER=tcp://127.0.0.1:4000 adapter.py    connects back to the kit
    adapter.py --listen tcp://127.0.0.1:0               listens and prints its address
"""

import contextlib
import os
import pathlib
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent / "gen"))

from carillon.adapter.v1 import adapter_pb2 as pb  # noqa: E402
from errors import Coded, Refused, Unsupported  # noqa: E402
import functions_sets  # noqa: E402, F401
from functions import FUNCTIONS, arguments, evaluate  # noqa: E402
import functions_network  # noqa: E402, F401
import reconciliation  # noqa: E402, F401
import records  # noqa: E402, F401
import dht_node  # noqa: E402, F401
import mempool  # noqa: E402, F401
import overlay_node  # noqa: E402, F401
import topology_node  # noqa: E402, F401
from node import CAPABILITIES, COMMANDS, Node  # noqa: E402

NODES_MAX, LINKS_MAX, MESSAGE_MAX = 64, 128, 1 << 26
UNTIL = {pb.UNTIL_WAKE: "wake", pb.UNTIL_EFFECT: "effect"}


def addresses(holder):
    """Listen addresses as wire.py reads them: the fields of Address."""
    names = "ip4", "ip6", "dns", "port", "transport"
    return [{name: getattr(each, name) for name in names} for each in holder.listen_addresses]


def ledger(r):
    """When slot 0 begins, what the accounts have, who leads; None without a ledger."""
    accounts = {each.peer_id: (each.nonce, each.balance) for each in r.ledger.accounts}
    return (r.ledger.genesis_ms, accounts, list(r.ledger.leaders)) if r.HasField("ledger") else None


class Target:
    """What one connection judges: the nodes that it created, by number."""

    def __init__(self):
        self.nodes = {}

    def answer(self, request):
        response, op = pb.Response(id=request.id), request.WhichOneof("op")
        try:
            if op == "hello":
                self.hello(response.hello)
            elif op == "evaluate":
                self.evaluate(request.evaluate, response.evaluate)
            elif op in (None, "query"):  # None: what a later version of the protocol asks
                raise Unsupported(op or "unknown request")
            else:
                self.step(self.drive(op, getattr(request, op)), response.step)
        except Unsupported as why:
            response.unsupported.what = str(why)
        except Refused as why:
            response.refused.reason = str(why)
        return response

    def hello(self, hello):
        hello.adapter_version, hello.spec_version, hello.conformance_class = 1, "0.1", "app"
        hello.name, hello.version, hello.language = "carillon-python", "0.1.0", "Python"
        hello.capabilities.extend(["established", "restart", "outbound", "datagrams", "resolve", "ledger"] + ["commands"] * bool(COMMANDS) + CAPABILITIES)
        hello.clock, hello.randomness = pb.CLOCK_VIRTUAL, pb.RANDOMNESS_SEEDED
        hello.functions.extend(FUNCTIONS)
        hello.commands.extend(COMMANDS)
        hello.limits.nodes_max, hello.limits.links_max = NODES_MAX, LINKS_MAX

    def evaluate(self, request, response):
        if request.function not in FUNCTIONS:
            raise Unsupported(request.function)
        try:
            values = evaluate(request.function, list(request.args))
            response.values.MergeFrom(pb.Values(values=values))  # also when there are none
        except Coded as error:
            response.error = error.code

    def drive(self, op, r):
        """Carries a request out on a node and returns the node; Refused changes nothing."""
        if op == "create":
            return self.create(r)
        if r.node not in self.nodes:
            raise Refused("no such node")
        node = self.nodes[r.node]
        if op == "open":
            peer, outbound = r.established, r.direction == pb.DIRECTION_OUTBOUND
            if r.WhichOneof("mode") != "established":
                raise Unsupported("raw links")
            if r.direction not in (pb.DIRECTION_INBOUND, pb.DIRECTION_OUTBOUND) or (r.dial and not outbound):
                raise Refused("no direction, or a dial that came to an inbound link")
            node.open(r.link, outbound, r.remote_address, peer.public_key, list(peer.capabilities), addresses(peer), r.dial, peer.roles or 1)
        elif op == "input":
            self.input(node, r)
        elif op == "advance":
            node.advance(r.to_ms, UNTIL.get(r.until, "target"))
        elif op == "destroy":
            del self.nodes[r.node]
        else:
            node.crash() if op == "crash" else node.restart()
        return node

    def input(self, node, r):
        kind = r.WhichOneof("input")
        if kind == "frame":
            node.receive(r.frame.link, r.frame.plaintext)
        elif kind == "closed":
            node.closed(r.closed.link)
        elif kind == "publish":
            node.publish(r.publish.topic, r.publish.data)
        elif kind == "datagram":
            node.datagram(r.datagram.remote_address, r.datagram.data)
        elif kind == "connect":
            node.connect(r.connect.address, r.connect.expected_peer_id)
        elif kind == "resolved":
            node.resolved(r.resolved.name, list(r.resolved.texts))
        elif kind == "dial_failed":
            node.dial_failed(r.dial_failed.dial)
        elif kind == "command":
            if r.command.command not in COMMANDS:
                raise Unsupported(r.command.command)
            values = arguments(COMMANDS[r.command.command][1], list(r.command.args))
            node.command(r.command.token, r.command.command, values)
        else:  # message, validated: what is not declared
            raise Unsupported(kind or "unknown input")

    def create(self, r):
        if r.application_validation:
            raise Unsupported("validation")
        if r.node in self.nodes or len(self.nodes) >= NODES_MAX:
            raise Refused("the node exists, or there are too many")
        stakes = [(stake.peer_id, stake.amount) for stake in r.stakes]
        settings = r.preset, dict(r.overrides), r.wall_start_ms, stakes
        hello = r.roles or 1, addresses(r), list(r.bootstrap_addresses), ledger(r), list(r.protected_peers)
        self.nodes[r.node] = Node(r.seed, r.identity_seed, r.network_id, *settings, *hello)
        return self.nodes[r.node]

    def step(self, node, step):
        """The node's clock, its effects since the last step in their order, and its next timer."""
        step.MergeFrom(pb.StepResponse(now_ms=node.now, next_wake_ms=node.next_wake()))
        for at_ms, kind, fields in node.effects:  # codes of closures are left out: no "reasons"
            step.effects.add(at_ms=at_ms, **{kind: fields})
        node.effects = []


def serve(connection):
    target = Target()
    with contextlib.suppress(OSError), connection, connection.makefile("rb") as incoming:
        while len(head := incoming.read(4)) == 4 and (size := int.from_bytes(head, "big")) <= MESSAGE_MAX:
            data = target.answer(pb.Request.FromString(incoming.read(size))).SerializeToString()
            connection.sendall(len(data).to_bytes(4, "big") + data)


def main(arguments):
    listens = len(arguments) == 2 and arguments[0] == "--listen"
    if not listens and (arguments or "CARILLON_ADAPTER" not in os.environ):
        sys.exit("usage: CARILLON_ADAPTER=ADDRESS adapter.py, or adapter.py --listen tcp://127.0.0.1:0")
    scheme, place = (arguments[1] if listens else os.environ["CARILLON_ADAPTER"]).split(":", 1)
    endpoint = socket.socket(socket.AF_UNIX if scheme == "unix" else socket.AF_INET)
    if scheme == "tcp":
        host, port = place.removeprefix("//").rsplit(":", 1)
        place = host, int(port)
    if not listens:
        endpoint.connect(place)
        return serve(endpoint)
    endpoint.bind(place)
    endpoint.listen()
    bound = endpoint.getsockname()
    print("unix:" + bound if scheme == "unix" else "tcp://%s:%d" % bound, flush=True)
    while True:  # one target for each connection, until the process is ended
        threading.Thread(target=serve, args=(endpoint.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
