"""Provider records and values that a node keeps for others (chapter 08)."""

import addresses
import dht
from errors import Coded


class Held:
    """One record or value; over at `until`, a time of the node's clock."""

    def __init__(self, key, item, data, until, subnet, created=0):
        self.key = key
        self.item = item  # the signer of a record, or a Value
        self.data = data
        self.until = until
        self.subnet = subnet
        self.created = created


class Store:
    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.records = {}  # key -> {signer: Held}
        self.values = {}  # key -> [Held], the winner first

    def all(self):
        for held in self.records.values():
            yield from held.values()
        for held in self.values.values():
            yield from held

    def forget(self):
        """What is over (DHT-047)."""
        now = self.node.now
        for held in [each for each in self.all() if each.until <= now]:
            self.drop(held)

    def drop(self, held):
        if isinstance(held.item, dht.Value):
            self.values[held.key].remove(held)
            self.values = {key: some for key, some in self.values.items() if some}
        else:
            del self.records[held.key][held.item]
            self.records = {key: some for key, some in self.records.items() if some}

    def make_room(self, new, leaving):
        """DHT-069; `leaving` goes in any case."""
        p = self.parameters
        held = [each for each in self.all() if each not in leaving]
        if not isinstance(new.item, dht.Value):
            if sum(each.key == new.key and not isinstance(each.item, dht.Value) for each in held) >= p[
                "dht.stored_per_key_max"
            ]:
                raise Coded("E_DHT_QUOTA")
        if sum(each.subnet == new.subnet for each in held) >= p["dht.stored_per_subnet_max"]:
            raise Coded("E_DHT_QUOTA")
        if len(held) >= p["dht.stored_max"]:
            farthest = max(held, key=lambda each: dht.distance(each.key, self.node.peer_id))
            if dht.distance(farthest.key, self.node.peer_id) <= dht.distance(new.key, self.node.peer_id):
                raise Coded("E_DHT_QUOTA")
            self.drop(farthest)

    def add_provider(self, data, sender, ip):
        """DHT-050 to DHT-057: nothing, or Coded."""
        self.forget()
        node = self.node
        envelope = dht.provider(self.parameters, node.network_id, node.wall, sender, data)
        fields, signer = envelope.fields, envelope.origin
        old = self.records.get(fields["key"], {}).get(signer)
        if old and fields["created_ms"] < old.created:
            raise Coded("E_DHT_SEQUENCE")  # DHT-056
        until = fields["created_ms"] + fields["ttl_ms"] - node.wall_start_ms
        new = Held(fields["key"], signer, data, until, addresses.subnet(ip), fields["created_ms"])
        self.make_room(new, [old])
        self.records.setdefault(new.key, {})[signer] = new

    def put_value(self, namespace, content, ttl_ms, expected_next, ip):
        """DHT-060 to DHT-068 and DHT-057: the sequence that is stored now, and the code."""
        self.forget()
        node, stored = self.node, []
        try:
            value = dht.Value(self.parameters, node.network_id, namespace, content)
            stored = self.values.get(value.key, [])
            if ttl_ms == 0:
                raise Coded("E_DHT_TTL")  # DHT-066
            kept = dht.keep(value, [each.item for each in stored], expected_next)
            until = node.now + min(ttl_ms, self.parameters["dht.ttl_ms_max"])
            again = next((each for each in stored if each.item.content == content), None)
            if again:
                again.until = max(again.until, until)
                return self.sequence(stored), ""
            new = Held(value.key, value, content, until, addresses.subnet(ip))
            leaving = [each for each in stored if each.item not in kept]
            self.make_room(new, leaving)
            left = [each for each in self.values.get(value.key, []) if each not in leaving] + [new]
            self.values[value.key] = sorted(left, key=lambda each: kept.index(each.item))
            return self.sequence(self.values[value.key]), ""
        except Coded as refusal:
            return self.sequence(stored), refusal.code

    def sequence(self, stored):
        return stored[0].item.sequence if stored else 0

    def providers(self, key):
        self.forget()
        return list(self.records.get(key, {}).values())

    def contents(self, key):
        self.forget()
        return self.values.get(key, [])
