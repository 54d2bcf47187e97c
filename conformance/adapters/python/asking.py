"""The asking half of reconciliation (chapter 07): when an exchange begins, and how it goes on."""

from collections import OrderedDict

import identity
import ranges
from errors import Coded
from sketch import Decoder, partition, short_id, xor
from wire import encode, read_strict

SKETCH, RANGE, FETCH = 58, 62, 66
ANSWER, SAME, BUSY, TOO_LARGE, GONE, NO_SET = range(6)
BITS_MAX, FIRST_CELLS, TABLES_MAX = 16, 24, 3


class Relation:
    """What is remembered of one peer and set."""

    def __init__(self):
        self.due = 0  # not before
        self.begun = -1  # when an exchange began
        self.pause = 0  # after the last exchange
        self.failures = 0  # in succession
        self.ranges = False  # the next exchange uses them
        self.tables = 0  # that did not decode, in succession
        self.bits = 0  # of partitions
        self.prefix = 0  # of the next one


class Exchange:
    def __init__(self, session, number, keeper, relation, now):
        self.session = session
        self.set = number
        self.keeper = keeper
        self.relation = relation
        self.began = now
        self.over = False
        self.brought = 0
        self.salt = None  # None: over ranges
        self.own = None  # of ranges: items as they stood at the beginning
        self.decoder = None
        self.cells = 0  # of a table; 0: a sketch
        self.size = None  # that the sketch began with
        self.partition = {}
        self.needed = set()
        self.rounds = 0


class Asker:
    def __init__(self, node, keepers):
        self.node = node
        self.parameters = node.parameters
        self.keepers = keepers
        self.sessions = []
        self.relations = OrderedDict()  # (PeerId, set) -> Relation
        self.running = []
        self.begins = []  # (time, PeerId) within the last interval
        self.distrusted = OrderedDict()  # PeerId -> end
        self.silent = {}  # set -> PeerIds that did not answer, nobody else asked since (RCN-018)
        self.timer = None

    # --- when ----------------------------------------------------------------------------------

    def opened(self, session):
        self.sessions.append(session)
        interval = self.parameters["reconcile.interval_ms"]
        for number in self.keepers():
            relation = self.relation(session, number)
            relation.due = max(relation.due, self.node.now + self.node.random.randrange(1, interval))
        self.plan()

    def closed(self, session):
        if session in self.sessions:
            self.sessions.remove(session)
        for exchange in [each for each in self.running if each.session is session]:
            self.end(exchange)

    def relation(self, session, number):
        key = session.peer_id, number
        if key not in self.relations:
            self.relations[key] = Relation()
            present = {each.peer_id for each in self.sessions}
            gone = [each for each in self.relations if each[0] not in present and each != key]
            while gone and len(self.relations) > 4 * self.parameters["session.sessions_max"]:
                del self.relations[gone.pop(0)]
        return self.relations[key]

    def plan(self):
        """Sets the timer for the earliest moment at which something may begin."""
        if self.timer:
            self.timer[0] = None
            self.timer = None
        if self.sessions and len(self.running) < self.parameters["reconcile.running_max"]:
            moments = [self.earliest(*each) for each in self.candidates()]
            if moments:
                self.timer = self.node.after(max(1, min(moments) - self.node.now), self.turn)

    def candidates(self):
        for number in self.keepers():
            asked = [each for each in self.sessions if not self.distrusts(each.peer_id)]
            others = [each for each in asked if each.peer_id not in self.silent.get(number, ())]
            for session in others or asked:
                if all(each.session is not session for each in self.running):
                    yield session, number

    def earliest(self, session, number):
        wait = self.parameters["reconcile.interval_ms"] + 1
        moment = self.relation(session, number).due
        self.begins = [each for each in self.begins if self.node.now - each[0] < wait]
        mine = [at for at, peer in self.begins if peer == session.peer_id]
        if mine:
            moment = max(moment, max(mine) + wait)  # RCN-014
        peers = {peer for _, peer in self.begins}
        if session.peer_id not in peers and len(peers) >= self.parameters["reconcile.fanout"]:
            moment = max(moment, min(at for at, _ in self.begins) + wait)  # RCN-016
        return moment

    def turn(self):
        self.timer = None
        while len(self.running) < self.parameters["reconcile.running_max"]:  # RCN-015
            ready = [each for each in self.candidates() if self.earliest(*each) <= self.node.now]
            if not ready:
                break
            longest_ago = min(self.relation(*each).begun for each in ready)
            ready = [each for each in ready if self.relation(*each).begun == longest_ago]
            self.begin(*self.node.random.choice(ready))
        self.plan()

    def distrusts(self, peer):
        if self.distrusted.get(peer, self.node.now) <= self.node.now:
            self.distrusted.pop(peer, None)
            return False
        return True

    def distrust(self, peer):
        """RCN-037, RCN-048."""
        self.distrusted[peer] = self.node.now + self.parameters["reconcile.distrust_ms"] + 1
        self.distrusted.move_to_end(peer)
        while len(self.distrusted) > self.parameters["reconcile.distrusted_max"]:
            self.distrusted.popitem(last=False)
        self.node.after(self.parameters["reconcile.distrust_ms"] + 1, self.plan)

    # --- an exchange ---------------------------------------------------------------------------

    def begin(self, session, number):
        node, relation = self.node, self.relation(session, number)
        self.begins.append((node.now, session.peer_id))
        self.silent[number] = self.silent.get(number, set()) & {session.peer_id}
        exchange = Exchange(session, number, self.keepers()[number], relation, node.now)
        relation.begun = node.now
        self.running.append(exchange)
        if relation.ranges:
            relation.ranges = False
            exchange.own = ranges.timed(exchange.keeper.set_items())
            self.tell_ranges(exchange, ranges.open_message(exchange.own))
            return
        exchange.salt = node.random.randbytes(16)  # RCN-010
        exchange.partition = dict(prefix_bits=relation.bits, prefix=relation.prefix)
        ids = partition(exchange.keeper.set_items(), relation.bits, relation.prefix)
        shorts = [short_id(exchange.salt, id) for id in ids]
        exchange.cells = FIRST_CELLS << relation.tables if "iblt/1" in session.capabilities else 0
        steps = self.parameters["reconcile.steps_per_symbol"]
        exchange.decoder = Decoder(exchange.salt, shorts, exchange.cells, steps)
        self.ask_symbols(exchange, self.parameters["reconcile.first_symbols"], digest=xor(shorts))  # RCN-011

    def ask(self, exchange, kind, body, react):
        def answered(fields):
            if exchange.over:
                return
            if fields is None:
                self.silent.setdefault(exchange.set, set()).add(exchange.session.peer_id)  # RCN-018
                self.end(exchange)
            elif fields["outcome"] != ANSWER:
                self.refused(exchange, fields)
            else:
                try:
                    react(fields)
                except Coded as fault:
                    if fault.code != "E_SKETCH":
                        raise
                    self.give_up(exchange)

        if self.node.now - exchange.began > self.parameters["reconcile.exchange_ms_max"]:
            self.end(exchange)
        else:
            self.node.ask(exchange.session, kind, body, self.parameters["reconcile.timeout_ms"], answered)

    def refused(self, exchange, fields):
        outcome, relation = fields["outcome"], exchange.relation
        if outcome == TOO_LARGE and exchange.salt:
            times_larger = fields["size"] // self.parameters["reconcile.partition_items_max"]
            relation.bits += max(1, times_larger.bit_length())  # RCN-019
            if relation.bits > BITS_MAX:
                relation.bits, relation.ranges = 0, True
            relation.prefix = 0
            self.end(exchange)
            return
        if outcome == SAME:
            self.next_partition(exchange)
            self.succeeded(exchange)
        self.end(exchange, found=False)

    def end(self, exchange, found=True):
        """The pause grows while nothing is found."""
        if exchange.over:
            return
        exchange.over = True
        self.running.remove(exchange)
        p, relation = self.parameters, exchange.relation
        interval = p["reconcile.interval_ms"]
        longer = 2 * relation.pause if relation.pause and not found else interval
        relation.pause = min(p["reconcile.pause_ms_max"], longer)
        relation.due = self.node.now + relation.pause
        if exchange.brought:
            values = [exchange.keeper.SET_NAME, exchange.session.peer_id, exchange.brought.to_bytes(8, "big")]
            self.node.notice("reconciliation.done", values)
        self.plan()

    def succeeded(self, exchange):
        exchange.relation.failures = exchange.relation.tables = 0

    def give_up(self, exchange):
        """RCN-036, RCN-037, RCN-064."""
        relation = exchange.relation
        if exchange.salt and exchange.cells and relation.tables + 1 < TABLES_MAX:
            relation.tables += 1
        elif exchange.salt:
            relation.ranges, relation.tables = True, 0
        relation.failures += 1
        if relation.failures >= self.parameters["reconcile.failures_max"]:
            relation.failures = 0
            self.distrust(exchange.session.peer_id)
        self.end(exchange)

    def malformed(self, exchange):
        """RCN-025, RCN-045, RCN-048."""
        self.distrust(exchange.session.peer_id)
        raise Coded("E_MALFORMED")

    def next_partition(self, exchange):
        relation = exchange.relation
        relation.prefix = (relation.prefix + 1) % (1 << relation.bits)

    # --- sketches ------------------------------------------------------------------------------

    def ask_symbols(self, exchange, count, **more):
        if exchange.cells:
            more["cells"] = exchange.cells
        else:
            more.update(first=exchange.decoder.received, count=count)
        body = encode("SketchRequest", set=exchange.set, salt=exchange.salt, **exchange.partition, **more)
        self.ask(exchange, SKETCH, body, lambda fields: self.on_symbols(exchange, count, fields))

    def on_symbols(self, exchange, count, fields):
        decoder, p = exchange.decoder, self.parameters
        if exchange.size not in (None, fields["size"]):
            self.malformed(exchange)  # RCN-025
        exchange.size = fields["size"]
        try:
            decoded = decoder.add(fields["symbols"], exchange.cells or count, fields["size"])
        except Coded as fault:
            if fault.code == "E_MALFORMED":
                self.malformed(exchange)
            raise
        if decoded:
            self.next_partition(exchange)
            self.succeeded(exchange)
            unwanted = {short_id(exchange.salt, id) for id in self.unwanted(exchange)}
            self.fetch(exchange, [each for each in decoder.theirs if each not in unwanted])
            return
        end = 3 * p["reconcile.differences_max"] + 64  # RCN-033
        if exchange.cells or decoder.received >= end:
            raise Coded("E_SKETCH")
        self.ask_symbols(exchange, min(decoder.received, p["reconcile.batch_symbols_max"], end - decoder.received))

    def unwanted(self, exchange):
        return exchange.keeper.set_unwanted() if hasattr(exchange.keeper, "set_unwanted") else ()

    # --- ranges --------------------------------------------------------------------------------

    def tell_ranges(self, exchange, message):
        exchange.rounds += 1
        if exchange.rounds > self.parameters["reconcile.range_rounds_max"]:
            raise Coded("E_SKETCH")  # RCN-081
        body = encode("RangeRequest", set=exchange.set, message=message)
        self.ask(exchange, RANGE, body, lambda fields: self.on_ranges(exchange, fields["message"]))

    def on_ranges(self, exchange, message):
        came = ranges.parse(message)
        if [(bound, mode) for bound, mode, _ in came] == [(ranges.END, ranges.FINGERPRINT)]:
            raise Coded("E_SKETCH")  # RCN-077
        longest = self.parameters["reconcile.range_bytes_max"]
        answer, needed, _ = ranges.react(True, longest, message, exchange.own)
        exchange.needed |= needed
        if answer:
            self.tell_ranges(exchange, answer)
            return
        self.succeeded(exchange)
        held = {id for _, id in exchange.own}
        self.fetch(exchange, sorted(exchange.needed - held - set(self.unwanted(exchange))))

    # --- fetching ------------------------------------------------------------------------------

    def fetch(self, exchange, wanted):
        """`wanted`: short ids after a sketch, ids after ranges (RCN-040)."""
        if not wanted:
            self.end(exchange, found=exchange.brought > 0)
            return
        asked = wanted[: self.parameters["reconcile.items_max"]]
        body = encode("FetchRequest", set=exchange.set, **{"short_ids" if exchange.salt else "ids": asked})
        self.ask(exchange, FETCH, body, lambda fields: self.on_items(exchange, wanted, asked, fields["items"]))

    def on_items(self, exchange, wanted, asked, items):
        names = [self.name(exchange, item) for item in items]
        if len(set(names)) < len(names) or not set(names) <= set(asked):
            self.malformed(exchange)
        for item in items:
            if exchange.session.alive:
                exchange.brought += 1
                exchange.keeper.set_pulled(exchange.session, item)  # RCN-046
        if exchange.over:
            return
        if not items:
            self.end(exchange)
        else:
            self.fetch(exchange, [each for each in wanted if each not in names])  # RCN-047

    def name(self, exchange, item):
        """The id of an item, or its short id under the salt; None for what has none."""
        try:
            fields = read_strict("Envelope", item)
        except Coded:
            return None
        if fields["key_type"] > 255:
            return None
        parts = fields["context"], fields["key_type"], fields["public_key"], fields["payload"]
        id = identity.envelope_id(self.node.network_id, *parts)
        return short_id(exchange.salt, id) if exchange.salt else id
