"""Records and reconciliation (chapters 06 and 07) over the socket. Run: /usr/bin/python3 test_sets.py"""

import unittest

from test_adapter import NETWORK, WALL, NodeCase, pb, peer, u64
import identity  # isort: skip; test_adapter has set the paths
import ranges
import reconciliation as r
import record_form as form
import records
import sketch
import wire
from carillon.v1 import reconciliation_pb2, records_pb2

RECORDS, BOTH = ("records/1",), ("reconcile/1", "records/1")
SALT = bytes(range(16))


class SetsTest(NodeCase):
    def record(self, origin, sequence, instance=0, kind=form.HEALTH, index=0, age=0, ttl=60000, body=b""):
        """Of the peer with the secret seed 32 times `origin`; `instance` counts from an hour ago."""
        now = WALL + self.now - age
        payload = form.write(kind, index, WALL - 3600000 + instance, sequence, now, ttl, body)
        return identity.seal(NETWORK, "record", bytes([origin]) * 32, payload)

    def give(self, link, *envelopes):
        return self.send(link, records.PUSH, records=list(envelopes))

    def holds(self, origin):
        """What a RecordRequest for all records of an origin brings."""
        label = wire.encode("RecordLabel", origin=peer(origin))
        [(_, _, fields, _)] = self.send(1, records.REQUEST, 5, labels=[label])
        return fields["records"]

    def command(self, name, *args):
        token = next(self.numbers)
        return self.input(command=pb.CommandInput(token=token, command=name, args=list(args)))

    def ids(self, envelopes):
        return [identity.Envelope(each, "record").id(NETWORK) for each in envelopes]

    # --- functions -----------------------------------------------------------------------------

    def test_record_functions(self):
        ask = self.kit.evaluate
        body = wire.encode("LedgerRangeRecord", first_slot=1, last_slot=9)
        args = [u64(n) for n in (3, 2, 5, 6, 7, 8)] + [body]
        [data] = ask("record.encode", *args)
        self.assertEqual(ask("record.decode", data), args)
        self.assertEqual(ask("record.decode", data[:-1]), "E_STRUCTURE")
        self.now = 0
        judge = lambda envelope, pushed: ask("record.judge", NETWORK, u64(WALL), u64(pushed), u64(1), envelope)  # noqa: E731
        old = self.record(1, 1, age=30001)
        self.assertEqual(judge(old, 1), [b"ignore", b"E_TIME"])
        self.assertEqual(judge(old, 0), [b"accept", b""])
        self.assertEqual(judge(self.record(1, 1, index=1), 1), [b"reject", b"E_RECORD_FORM"])

    def test_encoder_agrees_with_protobuf(self):
        contact = records_pb2.ContactRecord(roles=5, region="eu", capabilities=["gossip/1"], via=[b"v" * 32])
        contact.addresses.add(dns="a.example", port=7600, transport=1)
        record = records_pb2.Record(version=1, kind=1, instance=5, sequence=2**64 - 1, contact=contact)
        data = record.SerializeToString(deterministic=True)
        fields = wire.read_strict("Record", data)
        self.assertEqual(form.body_bytes("Record", fields), data)
        empty = records_pb2.Record(version=1, kind=4, health=records_pb2.HealthRecord())
        self.assertEqual(form.write(4, 0, 0, 0, 0, 0, b""), empty.SerializeToString(deterministic=True))
        reply = reconciliation_pb2.SketchReply(outcome=3, size=300, symbols=b"s")
        self.assertEqual(wire.encode("SketchReply", outcome=3, size=300, symbols=b"s"), reply.SerializeToString())

    def test_sketch_functions(self):
        ask = self.kit.evaluate
        ids = [bytes([i]) * 32 for i in range(20)]
        [symbols] = ask("sketch.encode", SALT, u64(0), u64(48), *ids[:15])
        word, theirs, ours = ask("sketch.decode", SALT, u64(15), u64(48), symbols, *ids[5:])
        shorts = lambda some: b"".join(sorted(sketch.short_id(SALT, id) for id in some))  # noqa: E731
        self.assertEqual((word, theirs, ours), (b"decoded", shorts(ids[:5]), shorts(ids[15:])))
        self.assertEqual(ask("sketch.decode", SALT, u64(15), u64(48), symbols[:-1]), "E_MALFORMED")
        items = [u64(i) + id for i, id in enumerate(ids)]
        [message] = ask("ranges.open", *items[:10])
        reply, needed, lacking = ask("ranges.react", b"answerer", u64(0), message, *items[5:])
        self.assertEqual((needed, lacking), (b"", b""))
        done, needed, lacking = ask("ranges.react", b"asker", u64(0), reply, *items[:10])
        self.assertEqual((done, needed, lacking), (b"", b"".join(ids[10:]), b"".join(ids[:5])))

    # --- records -------------------------------------------------------------------------------

    def test_contact_comes_first(self):
        self.create()
        [(link, name, fields, _)] = self.open(1, capabilities=RECORDS)
        self.assertEqual((link, name), (1, "RecordPush"))
        [contact] = [identity.Envelope(each, "record").fields for each in fields["records"]]
        self.assertEqual((contact["kind"], contact["instance"], contact["contact"]["roles"]), (1, WALL, 1))
        self.assertIn("records/1", contact["contact"]["capabilities"])
        self.assertEqual(self.open(2), [])

    def test_pushes_go_on_and_are_answered(self):
        self.create()
        self.open(1, 2, 3, capabilities=RECORDS)
        good = self.record(9, 2)
        forged = good[:-1] + bytes([good[-1] ^ 1])
        self.assertEqual(self.give(1, forged), [])
        out = self.give(1, self.record(9, 1, age=30001), good)
        self.assertEqual(out[0][0], "records.accepted")
        self.assertEqual([(e[0], e[2]["records"]) for e in out[1:]], [(2, [good]), (3, [good])])
        self.assertEqual(self.give(2, good), [])
        self.assertEqual(self.holds(9), [good])
        self.advance(15000)
        self.assertEqual(self.holds(9), [good])
        self.advance(1)
        self.assertEqual(self.holds(9), [])  # without stake a record lives 15 seconds

    def test_newer_wins_and_the_origin_hears_of_it(self):
        self.create()
        self.open(1, 2, capabilities=RECORDS)
        newer, older = self.record(2, 1, instance=5), self.record(2, 9, instance=4)
        self.give(1, newer)
        self.assertEqual([(e[0], e[2]["records"]) for e in self.give(2, older)], [(2, [newer])])
        self.assertEqual(self.give(2, older), [])
        self.assertEqual(self.holds(2), [newer])

    def test_superseded(self):
        self.create()
        self.open(1, capabilities=RECORDS)
        me = ord("n")
        self.assertEqual(self.give(1, self.record(me, 1)), [])  # an earlier start moves nothing
        winner = self.record(me, 1, instance=3600000 + 10, age=-20)
        self.assertEqual([e[0] for e in self.give(1, winner)], ["records.accepted", "records.superseded"])
        self.assertEqual(self.open(2, capabilities=RECORDS), [])
        self.assertEqual([e for e in self.advance(15020) if e[1] == "RecordPush"], [])
        back = [e for e in self.advance(1) if e[1] == "RecordPush"]
        self.assertEqual({e[0] for e in back}, {1, 2})
        self.assertEqual(len(back[0][2]["records"]), 3)

    def test_records_set(self):
        self.create()
        self.open(1, capabilities=RECORDS)
        body = wire.encode("LedgerRangeRecord", first_slot=1, last_slot=9)
        out = self.command("records.set", u64(3), u64(0), body)
        self.assertEqual([e[1] if e[0] == 1 else e for e in out], [("outcome", []), "RecordPush"])
        self.assertEqual(self.command("records.set", u64(3), u64(0), body + b"\x18\x01"), [("E_RECORD_FORM", [])])
        self.assertEqual(self.command("records.set", u64(3), u64(16), body), [("E_RECORD_FORM", [])])
        [(_, values)] = self.command("records.list")
        self.assertEqual(len(values), 4 * 6)

    def test_fetch(self):
        self.create()
        self.open(1, capabilities=RECORDS)
        [(_, name, fields, request)] = self.command("records.fetch", peer(9))
        self.assertEqual((name, fields["labels"][0]["origin"]), ("RecordRequest", peer(9)))
        wanted, other = self.record(9, 1, age=14000), self.record(8, 1)
        out = self.send(1, records.REPLY, request, records=[wanted, other])
        self.assertEqual(out[-1], ("outcome", [u64(1)]))
        self.assertEqual((self.holds(9), self.holds(8)), ([wanted], []))

    def test_table_is_bounded(self):
        self.create(stakes=[(200, 5)], records__unstaked_per_s=1000)
        self.open(1, capabilities=RECORDS)
        self.give(1, self.record(200, 1))
        for origin in range(2, 42):
            self.give(1, self.record(origin, 1))
        [(_, values)] = self.command("records.list")
        origins = {values[i] for i in range(0, len(values), 6)}
        self.assertEqual(len(origins), 32)
        self.assertIn(peer(200), origins)
        self.assertNotIn(peer(2), origins)
        self.assertIn(peer(41), origins)

    # --- reconciliation ------------------------------------------------------------------------

    def sketch(self, link, request=7, first=0, count=32, **more):
        fields = dict(set=1, salt=SALT, first=first, count=count, **more)
        return self.send(link, r.SKETCH, request, **fields)

    def test_answers(self):
        self.create(records__unstaked_per_s=1000)
        self.open(1, 2, capabilities=BOTH)
        held = [self.record(origin, 1) for origin in range(9, 15)]
        self.give(1, *held)
        [(_, name, fields, request)] = self.sketch(1)
        self.assertEqual((name, fields["size"], request), ("SketchReply", 9, 7))  # three are its own
        decoder = sketch.Decoder(SALT, [])
        self.assertTrue(decoder.add(fields["symbols"], 32, 9))
        mine = [sketch.short_id(SALT, id) for id in self.ids(held)]
        self.assertLessEqual(set(mine), set(decoder.theirs))
        [(_, _, fields, _)] = self.send(1, r.FETCH, 8, set=1, short_ids=[mine[3], mine[0], b"12345678"])
        self.assertEqual(fields["items"], [held[3], held[0]])
        outcome = lambda out: out[0][2]["outcome"]  # noqa: E731
        self.assertEqual(outcome(self.sketch(1, first=33)), r.GONE)
        self.assertEqual(outcome(self.sketch(1, digest=sketch.xor(decoder.theirs))), r.SAME)
        self.assertEqual(outcome(self.sketch(1)), r.BUSY)
        self.assertEqual(outcome(self.send(2, r.FETCH, 1, set=1, short_ids=mine[:1])), r.GONE)
        self.assertEqual(outcome(self.send(2, r.RANGE, 2, set=3, message=b"\x61")), r.NO_SET)
        self.assertEqual([e[1] for e in self.sketch(2, count=0)], ["GoAway", "close"])

    def answer(self, link, held, effects):
        """Answers the first SketchRequest among effects as a node that holds these envelopes."""
        fields, request = next((e[2], e[3]) for e in effects if e[1] == "SketchRequest")
        shorts = [sketch.short_id(fields["salt"], id) for id in self.ids(held)]
        symbols = sketch.Symbols(fields["salt"])
        symbols.grow(shorts, fields["count"])
        body = dict(size=len(held), symbols=symbols.write(0, fields["count"], len(held)))
        return self.send(link, r.SKETCH_REPLY, request, **body)

    def test_asks_and_fetches(self):
        self.create()
        self.open(1, capabilities=("reconcile/1",))
        asked = self.advance(1000)
        held = [self.record(origin, 1) for origin in (20, 21)]
        [(_, name, fields, request)] = self.answer(1, held, asked)
        self.assertEqual((name, len(fields["short_ids"])), ("FetchRequest", 2))
        out = self.send(1, r.FETCH_REPLY, request, items=held)
        self.assertEqual([e[0] for e in out], ["records.accepted"] * 2 + ["reconciliation.done"])
        self.assertEqual(out[-1][1], [b"records", peer(1), u64(2)])
        [(_, name, again, _)] = self.advance(2000)
        self.assertEqual(name, "SketchRequest")
        self.assertNotEqual(again["salt"], fields.get("salt"))

    def test_items_that_were_not_asked_for(self):
        self.create()
        self.open(1, capabilities=("reconcile/1",))
        [(_, _, _, request)] = self.answer(1, [self.record(20, 1)], self.advance(1000))
        out = self.send(1, r.FETCH_REPLY, request, items=[self.record(21, 1)])
        self.assertEqual([e[1] for e in out], ["GoAway", "close"])
        self.open(2, as_peer=1, capabilities=("reconcile/1",))
        self.assertEqual([e for e in self.advance(20000) if e[1] == "SketchRequest"], [])

    def test_ranges_when_nothing_decodes(self):
        self.create()
        self.open(1, capabilities=("reconcile/1",))
        [(_, _, fields, request)] = self.advance(1000)
        symbols = sketch.Symbols(SALT)  # of another salt: nothing peels
        symbols.grow([bytes([i]) * 8 for i in range(9)], 200)
        out, rounds = [(1, "SketchRequest", fields, request)], 0
        while out:
            _, _, asked, request = out[0]
            body = dict(size=9, symbols=symbols.write(asked["first"], asked["count"], 9))
            out, rounds = self.send(1, r.SKETCH_REPLY, request, **body), rounds + 1
        self.assertEqual(asked["first"] + asked["count"], 112)
        [(_, name, fields, request)] = self.advance(2000)
        self.assertEqual((name, fields["message"][:1]), ("RangeRequest", b"\x61"))
        held = [self.record(20, 1)]
        items = [(WALL + self.now, id) for id in self.ids(held)]
        reply, _, _ = ranges.react(False, None, fields["message"], items)
        [(_, name, fields, _)] = self.send(1, r.RANGE_REPLY, request, message=reply)
        self.assertEqual((name, fields["ids"]), ("FetchRequest", self.ids(held)))


if __name__ == "__main__":
    unittest.main()
