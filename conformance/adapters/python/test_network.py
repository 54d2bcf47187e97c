"""Datagrams, the DHT, the mempool, the overlay and topology over the socket. Run: /usr/bin/python3 test_network.py"""

import unittest

from test_adapter import NETWORK, WALL, Case, NodeCase, pb, peer, u64
import addresses  # isort: skip; test_adapter has set the paths
import crypto
import datagrams
import dht
import identity
import dht_node  # noqa: F401; adds its kinds
import mempool  # noqa: F401
import overlay_node  # noqa: F401; adds its schemas
import wire
from carillon.v1 import dht_pb2, mempool_pb2, overlay_pb2

UDP = "203.0.113.7:4000"


class FunctionsTest(Case):
    def test_schemas_agree_with_protobuf(self):
        """Each field of the definitions is in the tables, with its number, wire type and multiplicity."""
        for file in (dht_pb2, mempool_pb2, overlay_pb2):
            for name, message in file.DESCRIPTOR.message_types_by_name.items():
                schema = wire.SCHEMAS[name]
                self.assertEqual(
                    [(field.number, field.name, field.label == field.LABEL_REPEATED) for field in message.fields],
                    [(number, field.name, field.repeated) for number, field in sorted(schema.items())],
                    name,
                )

    def test_datagrams(self):
        ask = self.kit.evaluate
        framed = wire.frame(92, 1, b"")
        [sealed] = ask("datagram.encode", NETWORK, b"c" * 8, b"t" * 8, framed, b"s" * 32)
        expected = [b"c" * 8, b"t" * 8, u64(92), u64(1), b"", crypto.ed25519_public(b"s" * 32)]
        self.assertEqual(ask("datagram.decode", NETWORK, sealed), expected)
        self.assertEqual(ask("datagram.decode", b"other", sealed), "E_DATAGRAM_TAG")
        self.assertEqual(ask("datagram.decode", NETWORK, sealed[:-1]), "E_DATAGRAM_FORM")
        self.assertEqual(ask("datagram.decode", NETWORK, sealed[:-1] + bytes([sealed[-1] ^ 1])), "E_DATAGRAM_PROOF")

    def test_texts_of_addresses(self):
        for text in ("ws://5.9.7.3:7600", "wss://node.example:443", "udp://[2a01:4f8::1]:1"):
            self.assertEqual(addresses.text(addresses.parse(text)), text)
        for text in ("ws://5.9.7.256:1", "ws://[fe80::1%eth0]:1", "ws://a:0", "ws://a:01", "tcp://a:1", "ws://a:1/", "ws://A:1"):
            self.assertIsNone(addresses.parse(text), text)

    def test_keep(self):
        def value(namespace, sequence, data):
            payload = wire.encode("ValueRecord", version=1, namespace=namespace, salt=b"s", sequence=sequence, data=data)
            return identity.seal(NETWORK, "value", b"w" * 32, payload)

        ask, one, two = self.kit.evaluate, value("mutable", 1, b"a"), value("mutable", 2, b"b")
        self.assertEqual(ask("dht.keep", NETWORK, b"mutable", u64(2), two, one), [two])
        self.assertEqual(ask("dht.keep", NETWORK, b"mutable", u64(0), one, two), "E_DHT_SEQUENCE")
        self.assertEqual(ask("dht.keep", NETWORK, b"mutable", u64(1), one), "E_DHT_SEQUENCE")
        some = sorted((value("app/t", 0, bytes([n])) for n in range(3)), key=crypto.sha256)
        self.assertEqual(ask("dht.keep", NETWORK, b"app/t", u64(0), some[0], some[2], some[1]), some[:2])
        self.assertEqual(ask("dht.keep", NETWORK, b"app/t", u64(0), some[2], some[0], some[1]), "E_DHT_SEQUENCE")


class NetworkTest(NodeCase):
    def ask_by_datagram(self, kind, body, token=bytes(8), at=UDP, cookie=b"cookie-1"):
        data = datagrams.encode(NETWORK, cookie, token, wire.frame(kind, 1, body))
        return self.input_raw(datagram=pb.DatagramInput(remote_address=at, data=data))

    def input_raw(self, **what):
        step = self.kit.ask(input=pb.InputRequest(node=self.node, **what)).step
        return [getattr(each, each.WhichOneof("effect")) for each in step.effects]

    def command(self, name, *args):
        token = next(self.numbers)
        step = self.kit.ask(
            input=pb.InputRequest(node=self.node, command=pb.CommandInput(token=token, command=name, args=list(args)))
        ).step
        return [each.outcome for each in step.effects if each.HasField("outcome")]

    def test_datagram_question(self):
        """A stranger gets a Retry; with its token the answer, which is proved."""
        self.create()
        body = wire.encode("FindNode", target=peer(5))
        [retry] = self.ask_by_datagram(70, body)
        self.assertEqual(retry.remote_address, UDP)
        reply = datagrams.Datagram(NETWORK, retry.data)
        self.assertEqual((reply.kind, reply.cookie), (8, b"cookie-1"))
        [answer] = self.ask_by_datagram(70, body, reply.token)
        proved = datagrams.Datagram(NETWORK, answer.data)
        proved.check_proof()
        self.assertEqual((proved.kind, proved.public_key), (72, crypto.ed25519_public(b"n" * 32)))
        [other] = self.ask_by_datagram(70, body, reply.token, at="203.0.113.7:4001")
        self.assertEqual(datagrams.Datagram(NETWORK, other.data).kind, 8)
        self.assertEqual(self.ask_by_datagram(90, b"")[0].data[21], 8)  # a DhtPing too short for its answer
        self.assertEqual(self.ask_by_datagram(71, b""), [])

    def open_contact(self, link, capabilities=("dht/1", "gossip/1")):
        request = pb.OpenRequest(node=self.node, link=link, direction=1, remote_address="10.0.0.%d" % link)
        request.established.public_key = crypto.ed25519_public(bytes([link]) * 32)
        request.established.capabilities.extend(capabilities)
        request.established.listen_addresses.add(ip4=bytes([10, 0, 0, link]), port=7600, transport=1)
        return self.effects_of(self.kit.ask(open=request))

    def effects_of(self, response):
        return [(each.WhichOneof("effect"), each) for each in response.step.effects]

    def test_dht_answers(self):
        self.create()
        for link in (1, 2, 3):
            self.open_contact(link)
        self.open(4)
        frame = wire.frame(70, 9, wire.encode("FindNode", target=peer(2)))
        out = self.plain(1, frame)
        [fields] = [each[2] for each in out if each[1] == "FindNodeReply"]
        found = [contact["peer_id"] for contact in fields["contacts"]]
        self.assertEqual(found, sorted((peer(2), peer(3)), key=lambda id: dht.distance(id, peer(2))))

    def test_transactions(self):
        ledger = pb.LedgerPort(genesis_ms=WALL)
        ledger.accounts.add(peer_id=peer(9), nonce=3, balance=100)
        self.create(ledger=ledger)

        def transaction(nonce, fee):
            entry = wire.encode("Entry", data=b"x")
            payload = wire.encode(
                "Transaction", version=1, created_ms=WALL, nonce=nonce, valid_until_slot=9, fee=fee, entry=entry
            )
            return identity.seal(NETWORK, "transaction", b"\x09" * 32, payload)

        [first] = self.command("mempool.submit", transaction(3, 10))
        [second] = self.command("mempool.submit", transaction(4, 50))
        self.assertEqual(self.command("mempool.submit", transaction(2, 10))[0].error, "E_NONCE")
        self.assertEqual(self.command("mempool.submit", transaction(4, 54))[0].error, "E_UNDERPRICED")
        self.assertEqual(self.command("mempool.submit", transaction(5, 101))[0].error, "E_BALANCE")
        [listed] = self.command("mempool.list", u64(9))
        self.assertEqual(list(listed.values), [first.values[0], second.values[0]])

    def test_routes(self):
        """A Route goes to its target once; what is for the node is delivered."""
        self.create()
        for link in (1, 2):
            self.open_contact(link, ("overlay/1",))

        def route(recipient, hops=0):
            payload = wire.encode(
                "SendPayload", version=1, created_ms=WALL, topic="app/t", sequence=hops, recipient=recipient, data=b"hi"
            )
            envelope = identity.seal(NETWORK, "send", b"\x09" * 32, payload)
            body = wire.encode("Route", target=recipient, hops=hops, envelope=envelope)
            frame = pb.FrameInput(link=1, plaintext=wire.frame(104, 0, body))
            return self.input_raw(frame=frame)

        [passed] = route(peer(2))
        self.assertEqual((passed.link, wire.frames(passed.plaintext)[0][0]), (2, 104))
        self.assertEqual(route(peer(2)), [])
        self.assertEqual(route(peer(2), hops=10), [])
        [notice] = route(peer(ord("n")))
        self.assertEqual((notice.notice, list(notice.values)), ("overlay.received", [peer(9), b"app/t", b"hi"]))

    def test_bans(self):
        self.create()
        self.open(1)
        step = self.kit.ask(
            input=pb.InputRequest(
                node=self.node, command=pb.CommandInput(token=1, command="topology.ban", args=[peer(1), u64(1000)])
            )
        ).step
        self.assertIn("close", [each.WhichOneof("effect") for each in step.effects])
        goaway = wire.frames(self.effects_of(self.kit.ask(open=self.again(2)))[0][1].frame.plaintext)[0]
        self.assertEqual(wire.read_body("GoAway", goaway[2]), {"code": 17, "retry_after_ms": 1000})
        self.advance(1000)
        self.assertNotIn("close", [kind for kind, _ in self.effects_of(self.kit.ask(open=self.again(3)))])

    def again(self, link):
        request = pb.OpenRequest(node=self.node, link=link, direction=1, remote_address="10.0.0.1")
        request.established.public_key = crypto.ed25519_public(b"\x01" * 32)
        return request

    def test_relations(self):
        for overrides in (
            {"dht__shortlist_max": 159},
            {"datagram__subnet_messages_per_s": 19},
            {"overlay__supernode_at": 49},
            {"topology__latency_percent": 26},
        ):
            self.assertEqual(self.create(**overrides).WhichOneof("result"), "refused", overrides)


if __name__ == "__main__":
    unittest.main()
