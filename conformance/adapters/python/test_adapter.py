"""Drives adapter.py over a socket, as the kit does. Run: /usr/bin/python3 test_adapter.py"""

import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "gen")]

import crypto  # noqa: E402
import identity  # noqa: E402
import wire  # noqa: E402
from carillon.adapter.v1 import adapter_pb2 as pb  # noqa: E402
from carillon.v1 import gossip_pb2, identity_pb2, session_pb2  # noqa: E402
from node import GOAWAY, GRAFT, IDONTWANT, IHAVE, IWANT, KINDS, PING, PONG, PRUNE, PUSH  # noqa: E402

NETWORK = b"test"
WALL = 1_700_000_000_000


def u64(number):
    return number.to_bytes(8, "big")


class Kit:
    """One connection to one adapter process."""

    def __init__(self):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(10)
        place = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "adapter.py")], env={**os.environ, "CARILLON_ADAPTER": place}
        )
        self.connection, _ = listener.accept()
        listener.close()
        self.connection.settimeout(10)
        self.stream = self.connection.makefile("rb")
        self.last = 0

    def close(self):
        self.stream.close()
        self.connection.close()
        self.process.wait(10)

    def raw(self, data):
        self.connection.sendall(len(data).to_bytes(4, "big") + data)
        return pb.Response.FromString(self.stream.read(int.from_bytes(self.stream.read(4), "big")))

    def ask(self, **op):
        self.last += 1
        response = self.raw(pb.Request(id=self.last, **op).SerializeToString())
        assert response.id == self.last
        return response

    def evaluate(self, name, *args):
        response = self.ask(evaluate=pb.EvaluateRequest(function=name, args=list(args)))
        if response.WhichOneof("result") != "evaluate":
            return response.WhichOneof("result")
        outcome = response.evaluate
        return outcome.error if outcome.WhichOneof("outcome") == "error" else list(outcome.values.values)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kit = Kit()
        cls.addClassCleanup(cls.kit.close)
        cls.numbers = iter(range(1, 1000))


class EvaluateTest(Case):
    def test_hello(self):
        hello = self.kit.ask(hello=pb.HelloRequest(adapter_version=1)).hello
        self.assertEqual(hello.name, "carillon-python")
        self.assertIn("gossip/1", hello.capabilities)
        self.assertEqual(self.kit.evaluate("no.such"), "unsupported")
        self.assertEqual(self.kit.raw(b"\x08\x07").WhichOneof("result"), "unsupported")
        self.assertEqual(self.kit.ask(query=pb.QueryRequest(node=9)).WhichOneof("result"), "unsupported")
        self.assertEqual(self.kit.ask(crash=pb.CrashRequest(node=9)).WhichOneof("result"), "refused")

    def test_uvarint_and_frames(self):
        ask = self.kit.evaluate
        self.assertEqual(ask("uvarint.decode", b"\xac\x02\xff"), [u64(300), u64(2)])
        for bad in (b"", b"\x80", b"\x80\x00", b"\xff" * 10, b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x01"):
            self.assertEqual(ask("uvarint.decode", bad), "E_VARINT")
        self.assertEqual(ask("uvarint.encode", u64(2**64 - 1)), [b"\xff" * 9 + b"\x01"])
        two = wire.frame(2, 1, b"ab") + wire.frame(32, 0, b"")
        self.assertEqual(ask("frame.decode", two), [u64(2), u64(1), b"ab", u64(32), u64(0), b""])
        for bad, code in (
            (b"", "E_FRAME_LENGTH"),
            (b"\x00", "E_FRAME_LENGTH"),
            (b"\x01\x02\x01", "E_FRAME_LENGTH"),
            (b"\x05\x02\x01", "E_FRAME_LENGTH"),
            (b"\x01\x82\x01", "E_VARINT"),
            (b"\x09\x82", "E_VARINT"),
            (b"\x06\x80\x80\x80\x80\x10\x01", "E_VARINT"),
        ):
            self.assertEqual(ask("frame.decode", bad), code, bad.hex())

    def test_strict(self):
        def check(name, data):
            return self.kit.evaluate("strict.check", name.encode(), data)

        hello = session_pb2.HandshakeHello(version=1, static_key=b"k" * 32, side=1, capabilities=["", "gossip/1"])
        hello.listen_addresses.add(ip4=b"", port=1)
        hello.listen_addresses.add()
        data = hello.SerializeToString()
        self.assertEqual(check("HandshakeHello", data), [])
        self.assertEqual(check("HandshakeHello", data + b"\x08\x01"), "E_STRUCTURE")
        self.assertEqual(check("AppPayload", b"\x08\x80\x80\x80\x80\x10"), "E_STRUCTURE")
        self.assertEqual(check("AppPayload", b"\x10" + wire.uvarint(2**64 - 1)), [])
        for bad in (b"\x08\x00", b"\x08\x81\x00", b"\x08", b"\x0b\x0c", b"\x1a\x01\xff", b"\x30\x01", b"\x10\x01\x08\x01"):
            self.assertEqual(check("AppPayload", bad), "E_STRUCTURE")
        for bad in (b"\x18\x03", b"\x42\x04\x0a\x00\x12\x00", b"\x42\x02\x28\x04"):
            self.assertEqual(check("HandshakeHello", bad), "E_STRUCTURE")
        self.assertEqual(check("Nothing", b""), "refused")

    def test_encoder_agrees_with_protobuf(self):
        values = dict(version=1, created_ms=2**64 - 1, topic="app/x", sequence=300, data=b"d")
        expected = gossip_pb2.AppPayload(**values).SerializeToString(deterministic=True)
        self.assertEqual(wire.encode("AppPayload", **values), expected)
        args = u64(2**64 - 1), b"app/x", u64(300), b"d"
        self.assertEqual(self.kit.evaluate("app.encode", *args), [expected])
        self.assertEqual(self.kit.evaluate("app.decode", expected), list(args))
        sealed = identity.seal(NETWORK, "app", b"s" * 32, expected)
        parsed = identity_pb2.Envelope.FromString(sealed)
        self.assertEqual(parsed.SerializeToString(deterministic=True), sealed)

    def test_peer_id_text(self):
        raw = identity.peer_id(1, b"p" * 32)
        [text] = self.kit.evaluate("peer_id.format", raw)
        self.assertEqual(self.kit.evaluate("peer_id.parse", text), [raw])
        for bad in (text.upper(), text[:-1] + (b"q" if text[-1:] != b"q" else b"p"), text[3:], b"", b"crm" + text[3:]):
            self.assertEqual(self.kit.evaluate("peer_id.parse", bad), "E_STRUCTURE")

    def test_signatures(self):
        """RFC 8032, then the library's equation against the one in whole numbers."""
        seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        self.assertEqual(self.kit.evaluate("ed25519.public_key", seed), [public])
        [signature] = self.kit.evaluate("ed25519.sign", seed, b"")
        self.assertEqual(signature[:4].hex(), "e5564300")
        self.assertEqual(self.kit.evaluate("ed25519.verify", public, b"", signature), [u64(1)])
        late = signature[:32] + (int.from_bytes(signature[32:], "little") + identity.L).to_bytes(32, "little")
        small = (1).to_bytes(32, "little")
        for key, sig in ((public, late), (public, small + bytes(32)), (small, signature), (public, b""), (b"", signature)):
            self.assertEqual(self.kit.evaluate("ed25519.verify", key, b"", sig), [u64(0)])

        torsion = next(t for t in map(low_order, range(2, 99)) if times(4, t) != identity.IDENTITY)
        a, r = 123456789, 987654321
        results = []
        for with_a, with_r, message in ((x, y, bytes([z])) for x in (0, 1) for y in (0, 1) for z in range(6)):
            A = identity.add(times(a, BASE), torsion) if with_a else times(a, BASE)
            R = identity.add(times(r, BASE), torsion) if with_r else times(r, BASE)
            key, head = encode_point(A), encode_point(R)
            k = identity.challenge(key, message, head)
            s = (r + k * a) % identity.L
            expected = times(s, BASE) == identity.add(R, times(k, A))
            self.assertEqual(identity.verify(key, message, head + s.to_bytes(32, "little")), expected)
            results.append(expected)
        self.assertEqual({True, False}, set(results))

    def test_noise(self):
        """Against a second side that only has what travels."""
        keys = [bytes([i]) * 32 for i in range(1, 5)]
        out = self.kit.evaluate("noise.xx", b"p", *keys, b"", b"two", b"three", b"four", b"five")
        self.assertEqual([len(each) for each in out], [32, 32, 32 + 48 + 19, 48 + 21, 20, 20])
        self.assertEqual(out[1], crypto.x25519_public(keys[1]))
        self.assertEqual(self.kit.evaluate("noise.xx", b"p", *keys, b""), "refused")

    def test_rates_and_session(self):
        ask = self.kit.evaluate
        frames = [(0, 2), (0, 1), (499, 1), (500, 1), (501, 1), (5000, 5), (5000, 4)]
        args = [u64(number) for pair in frames for number in pair]
        self.assertEqual(ask("rate.admit", u64(2), *args), [bytes([1, 1, 1, 1, 0, 0, 1])])
        self.assertEqual(ask("gossip.active_size", u64(100)), [u64(10)])
        self.assertEqual(ask("session.minor", u64(0), u64(3), u64(2), u64(9)), [u64(3)])
        self.assertEqual(ask("session.minor", u64(0), u64(1), u64(2), u64(9)), "E_VERSION")
        self.assertEqual(ask("session.capabilities", b"a/1\ngossip/1", b"gossip/1"), [b"gossip/1"])
        self.assertEqual(ask("session.capabilities", b"b/1\na/1", b""), "E_CAPABILITIES")
        self.assertEqual(ask("session.capabilities", b"", b""), [b""])


def times(n, point):
    out = identity.IDENTITY
    for bit in bin(n)[2:]:
        out = identity.add(out, out)
        out = identity.add(out, point) if bit == "1" else out
    return out


def encode_point(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def low_order(y):
    point = identity.decode_point(y.to_bytes(32, "little"))
    return times(identity.L, point) if point else identity.IDENTITY


BASE = identity.decode_point((4 * pow(5, -1, identity.P) % identity.P).to_bytes(32, "little"))


class NodeCase(Case):
    """One node, links by number; a link's peer has the secret seed 32 times its number."""

    def create(self, stakes=(), ledger=None, **overrides):
        self.node = next(self.numbers)
        self.now = 0
        request = pb.CreateRequest(
            node=self.node, seed=b"s" * 32, identity_seed=b"n" * 32, network_id=NETWORK, preset="conformance"
        )
        request.wall_start_ms = WALL
        request.overrides.update({name.replace("__", "."): str(value) for name, value in overrides.items()})
        for number, amount in stakes:
            request.stakes.add(peer_id=peer(number), amount=amount)
        if ledger:
            request.ledger.CopyFrom(ledger)
        return self.kit.ask(create=request)

    def open(self, *links, outbound=False, address=None, as_peer=None, capabilities=("gossip/1",)):
        for link in links:
            mode = pb.EstablishedLink(
                public_key=crypto.ed25519_public(bytes([as_peer or link]) * 32), capabilities=capabilities
            )
            request = pb.OpenRequest(node=self.node, link=link, direction=2 if outbound else 1, established=mode)
            request.remote_address = address or "10.0.0.%d" % link
            out = self.effects(self.kit.ask(open=request))
        return out

    def effects(self, response):
        """(link, name, fields, request id) of each frame, (link, "close"), ("deliver", data), or what a
        notice or an outcome is called and has."""
        self.assertEqual(response.WhichOneof("result"), "step", response)
        out = []
        self.step = response.step
        for effect in response.step.effects:
            kind = effect.WhichOneof("effect")
            if kind == "frame":
                for number, request_id, body in wire.frames(effect.frame.plaintext):
                    name = KINDS[number][0]
                    out.append((effect.frame.link, name, wire.read_body(name, body), request_id))
            elif kind == "close":
                out.append((effect.close.link, "close"))
            elif kind == "notice":
                out.append((effect.notice.notice, list(effect.notice.values)))
            elif kind == "outcome":
                out.append((effect.outcome.error or "outcome", list(effect.outcome.values)))
            else:
                out.append(("deliver", effect.deliver.data))
        return out

    def input(self, **what):
        return self.effects(self.kit.ask(input=pb.InputRequest(node=self.node, **what)))

    def plain(self, link, data):
        return self.input(frame=pb.FrameInput(link=link, plaintext=data))

    def send(self, link, kind, request_id=0, **fields):
        return self.plain(link, wire.frame(kind, request_id, wire.encode(KINDS[kind][0], **fields)))

    def push(self, link, *messages, topic="app/t", hops=0):
        items = [wire.encode("PushItem", hops=hops, envelope=each) for each in messages]
        return self.send(link, PUSH, topic=topic, items=items)

    def advance(self, ms, until=3):
        self.now += ms
        return self.effects(self.kit.ask(advance=pb.AdvanceRequest(node=self.node, to_ms=self.now, until=until)))

    def message(self, origin, sequence, topic="app/t", age=0, data=b"hi"):
        created = WALL + self.now - age
        payload = wire.encode("AppPayload", version=1, created_ms=created, topic=topic, sequence=sequence, data=data)
        return identity.seal(NETWORK, "app", bytes([origin]) * 32, payload)


class NodeTest(NodeCase):
    def test_ping_and_pong(self):
        self.create()
        self.open(1)
        self.assertEqual(self.send(1, PING, 7, nonce=b"12345678"), [(1, "Pong", {"nonce": b"12345678"}, 7)])
        [(_, name, fields, request_id)] = self.advance(15000)
        self.assertEqual(name, "Ping")
        self.assertEqual(self.send(1, PONG, request_id, nonce=b"x" * 8), [])
        self.assertEqual(self.send(1, PONG, request_id, **fields), [])
        [(_, _, again, _)] = self.advance(15000)
        self.assertNotEqual(again, fields)
        self.assertEqual(self.advance(10000)[-2:], [(1, "GoAway", {"code": 11, "retry_after_ms": 0}, 0), (1, "close")])

    def test_frames_that_close(self):
        self.create()
        ping = wire.frame(PING, 1, wire.encode("Ping", nonce=b"n" * 8))
        ids = [b"i" * 32]
        for link, (data, code) in enumerate(
            (
                (b"", 3),
                (b"\x80\x00", 2),
                (b"\x7f\x02\x01", 3),
                (wire.frame(8, 0, b""), 5),
                (wire.frame(48, 0, b""), 5),
                (wire.frame(PING, 1, bytes(63)), 4),
                (wire.frame(PING, 0, b""), 6),
                (wire.frame(GRAFT, 1, b""), 6),
                (wire.frame(PING, 1, b""), 7),
                (wire.frame(PING, 1, b"\x0a\x07"), 7),
                (wire.frame(PING, 1, wire.encode("Ping", nonce=b"n" * 8) + b"\x14"), 7),
                (wire.frame(IWANT, 0, b""), 8),
                (wire.frame(IHAVE, 0, wire.encode("Ihave", topic="Bad", ids=ids)), 7),
                (wire.frame(PUSH, 0, wire.encode("Push", topic="app/t")), 8),
                (wire.frame(PRUNE, 0, wire.encode("Prune", origins=ids * 33)), 8),
            ),
            start=1,
        ):
            self.open(link)
            out = self.plain(link, data and data + ping)
            self.assertEqual(out, [(link, "GoAway", {"code": code, "retry_after_ms": 0}, 0), (link, "close")], link)
            gone = self.kit.ask(input=pb.InputRequest(node=self.node, frame=pb.FrameInput(link=link, plaintext=ping)))
            self.assertEqual(gone.WhichOneof("result"), "refused")
        self.open(99)
        extended = wire.encode("Ping", nonce=b"n" * 8) + b"\x10\x05"
        self.assertEqual([e[1] for e in self.plain(99, wire.frame(9, 5, b"?") + wire.frame(PING, 1, extended))], ["Pong"])
        self.assertEqual(self.send(99, GOAWAY, code=77), [(99, "close")])

    def test_rates(self):
        self.create()
        self.open(1)
        pongs = self.plain(1, b"".join(wire.frame(PING, i, wire.encode("Ping", nonce=b"n" * 8)) for i in range(1, 61)))
        self.assertEqual(len(pongs), 40)
        self.assertEqual(len(self.plain(1, wire.frame(PING, 1, b"") * 80)), 0)
        self.assertEqual([e[1] for e in self.plain(1, wire.frame(PING, 1, b""))], ["GoAway", "close"])

    def test_one_session_per_peer(self):
        self.create()
        self.open(1)
        self.assertEqual([e[:2] for e in self.open(2, as_peer=1)], [(1, "GoAway"), (1, "close")])
        node_is_smaller = peer(ord("n")) < peer(1)
        loser = 2 if node_is_smaller else 3
        self.assertEqual([e[:2] for e in self.open(3, as_peer=1, outbound=True)], [(loser, "GoAway"), (loser, "close")])
        self.assertEqual([e[2]["code"] for e in self.open(4, as_peer=ord("n")) if e[1] == "GoAway"], [15])

    def test_push_verdicts_and_forwarding(self):
        self.create()
        self.open(1, 2, 3)
        good = self.message(9, 1)
        out = self.push(1, b"\x00", self.message(9, 2, age=60001), good, self.message(9, 3, topic="app/other"))
        self.assertEqual(out[0], ("deliver", b"hi"))
        self.assertEqual([(e[0], e[2]["items"]) for e in out[1:]], [(n, [{"hops": 1, "envelope": good}]) for n in (2, 3)])
        self.assertEqual(self.push(2, good), [])
        forged = self.message(9, 4)
        self.assertEqual(self.push(1, forged[:-1] + bytes([forged[-1] ^ 1])), [])
        self.assertEqual(len(self.push(1, forged)), 3)
        self.assertEqual(len(self.push(1, self.message(9, 5), hops=32)), 1)
        self.assertEqual([(e[0], e[1]) for e in self.advance(2000)], [(2, "Ihave"), (3, "Ihave")])
        self.assertEqual(self.push(1, self.message(9, 6), hops=33), [])
        self.assertEqual([e for e in self.push(1, *[self.message(9, i) for i in range(50, 80)]) if e[0] == "deliver"].__len__(), 20)

    def test_score_closes(self):
        self.create()
        self.open(1)
        self.assertEqual(self.push(1, *[b"\x00"] * 10), [])
        self.assertEqual([e[2:3] for e in self.push(1, b"\x00")], [({"code": 10, "retry_after_ms": 0},), ()])
        self.assertEqual([e[1] for e in self.open(2, as_peer=1)], ["GoAway", "close"])
        self.advance(30000)
        self.assertEqual(self.open(3, as_peer=1), [])

    def test_asking(self):
        self.create()
        self.open(1, 2, 3)
        message = self.message(9, 1)
        id = identity.Envelope(message, "app").id(NETWORK)
        self.send(1, IHAVE, topic="app/t", ids=[id])
        self.send(2, IHAVE, topic="app/t", ids=[id])
        self.assertEqual(self.advance(499), [])
        self.assertEqual(self.advance(1), [(1, "Iwant", {"ids": [id]}, 0)])
        self.assertEqual(self.advance(3000), [(2, "Iwant", {"ids": [id]}, 0)])
        self.assertEqual([e[0] for e in self.push(2, message)], ["deliver", 3])
        self.assertEqual(self.advance(4000), [])
        answers = [self.send(3, IWANT, ids=[id]) for _ in range(4)]
        self.assertEqual([len(each) for each in answers], [1, 1, 1, 0])

    def test_idontwant_prune_graft(self):
        self.create(stakes=[(9, 5)])
        self.open(1, 2, 3)
        big = self.message(9, 1, data=bytes(2000))
        self.assertEqual([e[:2] for e in self.push(1, big)[1:]], [(2, "Idontwant"), (2, "Push"), (3, "Idontwant"), (3, "Push")])
        message = self.message(9, 2)
        self.send(2, IDONTWANT, ids=[identity.Envelope(message, "app").id(NETWORK)])
        self.send(3, PRUNE, origins=[peer(9)], backoff_ms=60000)
        self.assertEqual([e[0] for e in self.push(1, message)], ["deliver"])
        self.assertEqual([e[:2] for e in self.advance(1000)], [(3, "Ihave")])
        self.send(3, GRAFT, origins=[peer(9)])
        self.assertEqual([e[0] for e in self.push(1, self.message(9, 3))], ["deliver", 2, 3])

    def test_pruning(self):
        self.create()
        self.open(1, 2, 3)
        for i in range(20):
            message = self.message(9, i)
            self.push(1, message), self.push(2, message), self.push(3, message)
        out = self.advance(1000)
        self.assertEqual(out, [(3, "Prune", {"origins": [bytes(32)], "backoff_ms": 60000}, 0)])
        late = self.message(9, 99)
        id = identity.Envelope(late, "app").id(NETWORK)
        self.send(3, IHAVE, topic="app/t", ids=[id])
        self.assertEqual([e[1] for e in self.advance(500)], ["Iwant"])
        self.assertIn((3, "Graft", {"origins": [bytes(32)]}, 0), self.push(3, late))

    def test_publish_and_restart(self):
        self.create()
        self.open(1)
        publish = pb.PublishInput(topic="app/t", data=b"x")
        first, second = self.input(publish=publish), self.input(publish=publish)
        self.assertEqual([e[:2] for e in first + second], [(1, "Push"), (1, "Push")])
        self.assertNotEqual(first[0][2]["items"], second[0][2]["items"])
        envelope = first[0][2]["items"][0]["envelope"]
        self.assertEqual(first[0][2]["items"][0]["hops"], 0)
        verdict = self.kit.evaluate("gossip.judge", NETWORK, b"app/t", u64(WALL), u64(0), envelope)
        self.assertEqual(verdict, [b"accept", b""])
        self.kit.ask(crash=pb.CrashRequest(node=self.node))
        self.kit.ask(restart=pb.RestartRequest(node=self.node))
        self.open(2)
        self.assertNotEqual(self.input(publish=publish)[0][2]["items"], first[0][2]["items"])
        self.assertEqual(self.push(2, envelope), [])

    def test_create_refuses(self):
        for overrides in ({"no__such": 1}, {"session__sessions_max": 0}, {"gossip__seen_ttl_ms": 60499}):
            self.assertEqual(self.create(**overrides).WhichOneof("result"), "refused")

    def test_seeded(self):
        """The same requests, the same bytes: with more links than active ones, rotation included."""

        def run():
            self.create(gossip__network_size=0)
            self.open(*range(1, 12))
            out = [self.push(1, self.message(9, 1))]
            return out + [self.advance(9999), self.push(2, self.message(9, 2)), self.advance(20000)]

        first = run()
        self.assertEqual(first, run())
        self.assertEqual(len([e for e in first[0] if e[0] != "deliver" and e[1] == "Push"]) in (5, 6), True)

    def test_random_plaintexts(self):
        """Whatever arrives, the node answers and goes on serving."""
        self.create()
        self.open(250)
        chance = random.Random(1)
        for link in range(1, 110):  # link 110 would be the node itself
            self.open(link)
            kind = chance.choice([0, 2, 4, 6, 9, 32, 36, 38, 40, 42, 44, 48])
            body = bytes(chance.choice([0, 1, 2, 8, 10, 18, 32, 255]) for _ in range(chance.randrange(60)))
            self.plain(link, wire.frame(kind, chance.randrange(3), body))
            if self.kit.ask(input=pb.InputRequest(node=self.node, closed=pb.ClosedInput(link=link))).HasField("step"):
                continue
        self.assertEqual([e[1] for e in self.send(250, PING, 1, nonce=b"n" * 8)], ["Pong"])


def peer(number):
    return identity.peer_id(1, crypto.ed25519_public(bytes([number]) * 32))


class ListenTest(unittest.TestCase):
    def test_listen(self):
        with tempfile.TemporaryDirectory() as folder:
            for place in ("tcp://127.0.0.1:0", "unix:" + folder + "/adapter"):
                process = subprocess.Popen(
                    [sys.executable, str(HERE / "adapter.py"), "--listen", place], stdout=subprocess.PIPE, text=True
                )
                try:
                    printed = process.stdout.readline().strip()
                    if printed.startswith("tcp://"):
                        connection = socket.create_connection(("127.0.0.1", int(printed.rsplit(":", 1)[1])), 5)
                    else:
                        connection = socket.socket(socket.AF_UNIX)
                        connection.connect(printed[len("unix:") :])
                    data = pb.Request(id=5, hello=pb.HelloRequest()).SerializeToString()
                    connection.sendall(len(data).to_bytes(4, "big") + data)
                    self.assertEqual(len(connection.recv(4)), 4)
                    connection.close()
                finally:
                    process.terminate()
                    process.wait(5)
                    process.stdout.close()


if __name__ == "__main__":
    unittest.main()
