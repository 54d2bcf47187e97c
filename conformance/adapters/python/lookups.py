"""Lookups on disjoint paths (chapter 08, Lookups)."""

import dht
from wire import encode

FIND_NODE, GET_PROVIDERS, GET_VALUE = 70, 74, 82
NEW, ASKED, ANSWERED, FAILED, ELSEWHERE = range(5)  # ELSEWHERE: another path has asked it


class Candidate:
    def __init__(self, id, places, depth, initial=False):
        self.id = id
        self.places = places  # addresses
        self.depth = depth
        self.initial = initial  # one with which the lookup began
        self.state = NEW


class Path:
    def __init__(self, share):
        self.share = share  # how many nodes it may still ask
        self.candidates = {}

    def asked(self):
        return sum(each.state == ASKED for each in self.candidates.values())


class Lookup:
    """`wide` lookups go on through the region (DHT-077). `done` gets the lookup when it has ended."""

    def __init__(self, machine, target, question, paths, wide, done):
        self.machine = machine
        self.node = machine.node
        self.parameters = machine.parameters
        self.target = target
        self.question = question
        self.wide = wide
        self.done = done
        self.region = machine.region()
        self.paths = [Path(self.parameters["dht.lookup_queries_max"] // paths) for _ in range(paths)]
        self.depths = {}  # of each contact, by who first named it
        self.asked = {}  # id -> its Candidate that was asked last
        self.records = {}  # signer -> envelope of its newest record
        self.values = []
        self.running = self.ended = False
        for place, contact in enumerate(machine.table.nearest(target)[: machine.table.k]):
            self.depths[contact.id] = 0
            path = self.paths[place % paths]
            path.candidates[contact.id] = Candidate(contact.id, contact.listens, 0, initial=True)

    def distance(self, candidate):
        return dht.distance(candidate.id, self.target)

    def in_region(self, candidate):
        return self.distance(candidate) < self.region

    # --- going on ----------------------------------------------------------------------------------

    def run(self):
        """Asks whom it has to ask; asking may answer at once, hence the loop."""
        if self.running or self.ended:
            return
        self.running, progress = True, True
        while progress:
            progress = False
            for path in self.paths:
                while path.asked() < self.parameters["dht.alpha"] and (candidate := self.next(path)):
                    self.ask(path, candidate)
                    progress = True
        self.running = False
        if not any(path.asked() for path in self.paths):
            self.ended = True
            self.done(self)

    def next(self, path):
        """DHT-073, DHT-074, DHT-077, DHT-078."""
        if path.share == 0:
            return None
        live = sorted((each for each in path.candidates.values() if each.state != FAILED), key=self.distance)
        for place, candidate in enumerate(live):
            due = place < self.machine.table.k or (self.wide and self.in_region(candidate))
            if candidate.state != NEW or not (due or (candidate.initial and len(self.paths) > 1)):
                continue
            other = self.asked.get(candidate.id)  # DHT-071
            if other is None or (other.state == FAILED and other.places != candidate.places):
                return candidate
            candidate.state = FAILED if other.state == FAILED else ELSEWHERE
            return self.next(path)
        return None

    def ask(self, path, candidate):
        candidate.state = ASKED
        self.asked[candidate.id] = candidate
        path.share -= 1
        self.put(path, candidate, self.question)

    def put(self, path, candidate, kind):
        if kind == FIND_NODE:
            body = self.machine.find_node(self.target)
        else:
            body = encode("GetProviders" if kind == GET_PROVIDERS else "GetValue", key=self.target)
        self.machine.ask(
            candidate.id, candidate.places, kind, body, lambda fields, at: self.replied(path, candidate, kind, fields, at)
        )

    def replied(self, path, candidate, kind, fields, at):
        if fields is None:
            again = kind == FIND_NODE and kind != self.question  # it has answered the question itself
            self.end(candidate, ANSWERED if again else FAILED)
            return self.run()
        found = fields.get("providers") or fields.get("values") or []
        for each in found:
            self.take_record(each) if kind == GET_PROVIDERS else self.take_value(each)
        for contact in fields["contacts"]:
            self.take_contact(path, candidate, contact, at)
        if found:
            self.put(path, candidate, FIND_NODE)  # DHT-079
        else:
            self.end(candidate, ANSWERED)
        self.run()

    def end(self, candidate, state):
        candidate.state = state
        if state == FAILED:
            for path in self.paths:
                twin = path.candidates.get(candidate.id)
                if twin and twin.state == ELSEWHERE:
                    twin.state = NEW  # looked at again: other addresses, or failed as well

    # --- what replies bring ------------------------------------------------------------------------

    def take_contact(self, path, namer, contact, at):
        """DHT-013, DHT-076, DHT-081, DHT-083."""
        id = contact["peer_id"]
        places = self.machine.usable(contact["addresses"], at)
        if id == self.node.peer_id or not places or id in path.candidates:
            return
        self.depths.setdefault(id, namer.depth + 1)
        path.candidates[id] = Candidate(id, places, self.depths[id])
        if len(path.candidates) > self.parameters["dht.shortlist_max"]:
            droppable = [each for each in path.candidates.values() if each.state == NEW and not each.initial]
            if droppable:
                del path.candidates[max(droppable, key=self.distance).id]

    def take_record(self, data):
        """DHT-084."""
        try:
            envelope = dht.provider(self.parameters, self.node.network_id, self.node.wall, None, data)
        except dht.Coded:
            return
        if envelope.fields["key"] != self.target:
            return
        known = self.records.get(envelope.origin)
        if known is None or known.fields["created_ms"] < envelope.fields["created_ms"]:
            self.records[envelope.origin] = envelope

    def take_value(self, fields):
        """DHT-085."""
        try:
            value = dht.Value(self.parameters, self.node.network_id, fields["namespace"], fields["content"])
        except dht.Coded:
            return
        if value.key == self.target and all(each.content != value.content for each in self.values):
            self.values.append(value)

    # --- the result (DHT-086) ----------------------------------------------------------------------

    def answered(self):
        """Everybody who answered, the nearest first."""
        some = {each.id: each for path in self.paths for each in path.candidates.values() if each.state == ANSWERED}
        return sorted(some.values(), key=self.distance)

    def nearest(self):
        return self.answered()[: self.machine.table.k]

    def figures(self):
        """hops, depth, nodes asked."""
        depths = [each.depth for each in self.answered()]
        return [max(depths) + 1 if depths else 0, depths[0] if depths else 0, len(self.asked)]  # the nearest first

    def winners(self):
        """Of the values that came."""
        if not self.values:
            return []
        if self.values[0].namespace == "mutable":
            return [max(self.values, key=lambda value: (value.sequence, [-byte for byte in value.hash]))]
        return sorted(self.values, key=lambda value: value.hash)[:2]
