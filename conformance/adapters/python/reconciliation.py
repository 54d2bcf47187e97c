"""Reconciliation: what is asked of this node, and the frames of chapter 07. asking.py has the other half.

The sets are those of the machines that have SET, SET_NAME, set_items() (id to time), set_item(id) (bytes
or None) and set_pulled(session, data), which judges what was fetched; set_unwanted(), if there is one,
gives ids that are not held and not to be asked for either (MEM-037).
"""

from collections import OrderedDict

import ranges
from asking import Asker
from errors import Coded
from node import register
from sketch import Symbols, checksum, partition, short_id, xor
from wire import SCHEMAS, Field, encode

SKETCH, SKETCH_REPLY, RANGE, RANGE_REPLY, FETCH, FETCH_REPLY = 58, 60, 62, 64, 66, 68
ANSWER, SAME, BUSY, TOO_LARGE, GONE, NO_SET = range(6)

SCHEMAS.update(
    {
        "SketchRequest": {
            1: Field("set", "u32"),
            2: Field("salt", "bytes", size=16),
            3: Field("prefix_bits", "u32"),
            4: Field("prefix", "u32"),
            5: Field("first", "u32"),
            6: Field("count", "u32"),
            7: Field("digest", "bytes"),
            8: Field("cells", "u32"),
        },
        "SketchReply": {1: Field("outcome", "u32"), 2: Field("size", "u64"), 3: Field("symbols", "bytes")},
        "RangeRequest": {1: Field("set", "u32"), 2: Field("message", "bytes")},
        "RangeReply": {1: Field("outcome", "u32"), 2: Field("message", "bytes")},
        "FetchRequest": {
            1: Field("set", "u32"),
            2: Field("short_ids", "bytes", repeated=True, size=8),
            3: Field("ids", "bytes", repeated=True, size=32),
        },
        "FetchReply": {1: Field("outcome", "u32"), 2: Field("items", "bytes", repeated=True, count=(0, 100))},
    }
)


class Sketch:
    """What a session's peer began last, as its partition stood then (RCN-020)."""

    def __init__(self, fields, ids, now):
        self.key = self.key_of(fields)
        self.set = fields["set"]
        self.ids = {short_id(fields["salt"], id): id for id in ids}
        self.size = len(ids)
        self.symbols = Symbols(fields["salt"], fields["cells"])
        self.next = 0
        self.at = now  # of the last request

    @staticmethod
    def key_of(fields):
        return fields["set"], fields["salt"], fields["prefix_bits"], fields["prefix"]

    def more(self, count):
        first, self.next = self.next, self.next + count
        self.symbols.grow(self.ids, self.next)
        return self.symbols.write(first, count, self.size)

    def table(self):
        for short in self.ids:
            self.symbols.put(short, checksum(self.symbols.salt, short), 1)
        return self.symbols.write(0, self.symbols.cells, self.size)


class Reconciliation:
    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.sketches = OrderedDict()  # session -> Sketch, the one begun longest ago first
        self.begun = {}  # session -> times at which its peer began sketches
        self.asker = Asker(node, self.keepers)

    def keepers(self):
        """Set number -> the machine that keeps the set."""
        return {each.SET: each for each in self.node.machines.values() if hasattr(each, "SET")}

    def opened(self, session):
        if "reconcile/1" in session.capabilities:
            self.begun[session] = []
            self.asker.opened(session)

    def closed(self, session):
        self.begun.pop(session, None)
        self.sketches.pop(session, None)
        self.asker.closed(session)

    def receive(self, session, kind, request_id, fields):
        reply, name, react = {
            SKETCH: (SKETCH_REPLY, "SketchReply", self.on_sketch),
            RANGE: (RANGE_REPLY, "RangeReply", self.on_range),
            FETCH: (FETCH_REPLY, "FetchReply", self.on_fetch),
        }[kind]
        answer = react(session, fields, self.keepers().get(fields["set"]))
        self.node.send(session, reply, request_id, encode(name, **answer))

    def kept(self, session):
        """What the session's peer can go on with (RCN-024)."""
        sketch = self.sketches.get(session)
        late = sketch and self.node.now - sketch.at > self.parameters["reconcile.sketch_keep_ms"]
        return None if late else sketch

    # --- sketches ------------------------------------------------------------------------------

    def on_sketch(self, session, fields, keeper):
        p, now = self.parameters, self.node.now
        cells, first, count = fields["cells"], fields["first"], fields["count"]
        most = p["reconcile.batch_symbols_max"]
        if not cells and (not 1 <= count <= most or first + count > 2**31):
            raise Coded("E_LIMIT")  # RCN-028
        if fields["prefix_bits"] > 16 or fields["prefix"] >> fields["prefix_bits"]:
            raise Coded("E_MALFORMED")  # RCN-029
        if cells and ("iblt/1" not in session.capabilities or not 8 <= cells <= most or cells % 4):
            raise Coded("E_LIMIT")  # RCN-065
        if keeper is None:
            return dict(outcome=NO_SET)  # RCN-027
        if first and not cells:
            sketch = self.kept(session)
            goes_on = sketch and not sketch.symbols.cells and sketch.key == Sketch.key_of(fields)
            if not goes_on or sketch.next != first:
                return dict(outcome=GONE)  # RCN-023
            sketch.at = now
            return dict(size=sketch.size, symbols=sketch.more(count))
        return self.begin(session, fields, keeper)

    def begin(self, session, fields, keeper):
        p, now = self.parameters, self.node.now
        begun = [at for at in self.begun[session] if now - at < p["reconcile.interval_ms"]]
        self.begun[session] = begun
        if len(begun) >= p["reconcile.begins_max"]:
            return dict(outcome=BUSY)  # RCN-026
        begun.append(now)
        self.sketches.pop(session, None)
        ids = partition(keeper.set_items(), fields["prefix_bits"], fields["prefix"])
        if len(ids) > p["reconcile.partition_items_max"]:
            return dict(outcome=TOO_LARGE, size=len(ids))  # RCN-022
        sketch = Sketch(fields, ids, now)
        if fields["digest"] == xor(sketch.ids):
            return dict(outcome=SAME)  # RCN-021
        self.sketches[session] = sketch
        while len(self.sketches) > p["reconcile.sketches_kept_max"]:
            self.sketches.popitem(last=False)  # RCN-024
        return dict(size=sketch.size, symbols=sketch.table() if fields["cells"] else sketch.more(fields["count"]))

    # --- ranges and items ----------------------------------------------------------------------

    def on_range(self, session, fields, keeper):
        if keeper is None:
            return dict(outcome=NO_SET)
        longest, items = self.parameters["reconcile.range_bytes_max"], ranges.timed(keeper.set_items())
        return dict(message=ranges.react(False, longest, fields["message"], items)[0])

    def on_fetch(self, session, fields, keeper):
        if not 1 <= len(fields["short_ids"]) + len(fields["ids"]) <= self.parameters["reconcile.items_max"]:
            raise Coded("E_LIMIT")  # RCN-042
        if keeper is None:
            return dict(outcome=NO_SET)
        sketch = self.kept(session)
        if sketch and sketch.set != fields["set"]:
            sketch = None
        if fields["short_ids"] and sketch is None:
            return dict(outcome=GONE)  # RCN-044
        named = [sketch.ids.get(short) for short in fields["short_ids"]] + fields["ids"]
        items, size = [], 0
        for id in dict.fromkeys(named):  # nothing twice: the asker would close (RCN-045)
            item = keeper.set_item(id)
            if item is None:
                continue
            size += len(item)
            if size > self.parameters["reconcile.reply_bytes_max"]:
                break  # RCN-043
            items.append(item)
        return dict(items=items)


class Tables:
    """iblt/1 adds a field to a frame and nothing to be kept."""

    def __init__(self, node):
        pass

    def opened(self, session):
        pass

    def closed(self, session):
        pass


register(
    "reconcile/1",
    "reconcile.mode",
    Reconciliation,
    {
        SKETCH: ("SketchRequest", "sync", 128, "request", "reconcile/1"),
        SKETCH_REPLY: ("SketchReply", "sync", 40960, "reply", "reconcile/1"),
        RANGE: ("RangeRequest", "sync", 65516, "request", "reconcile/1"),
        RANGE_REPLY: ("RangeReply", "sync", 65516, "reply", "reconcile/1"),
        FETCH: ("FetchRequest", "sync", 4096, "request", "reconcile/1"),
        FETCH_REPLY: ("FetchReply", "sync", 65516, "reply", "reconcile/1"),
    },
    {SKETCH: SKETCH_REPLY, RANGE: RANGE_REPLY, FETCH: FETCH_REPLY},
    {},
)
register("iblt/1", "reconcile.iblt", Tables, {}, {}, {})
