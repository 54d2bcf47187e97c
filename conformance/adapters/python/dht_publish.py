"""What the application asks of a node of the DHT, and what the node publishes (chapter 08, Publishing)."""

import addresses
import dht
import identity
from errors import Coded
from lookups import FIND_NODE, GET_PROVIDERS, GET_VALUE
from wire import encode

ADD_PROVIDER, PUT_VALUE = 78, 86


def u64(number):
    return number.to_bytes(8, "big")


class Published:
    """What the node publishes itself; `values` stand first in the outcome."""

    def __init__(self, kind, body, lifetime, values):
        self.kind = kind
        self.body = body
        self.lifetime = lifetime
        self.values = values
        self.timer = None
        self.withdrawn = False
        self.due = 0  # when it is published anew at the latest
        self.taken = False  # by somebody, ever
        self.untaken = 0  # publications in a row that nobody took


class Publishing:
    """A part of Dht."""

    def command(self, token, name, args):
        return getattr(self, name.replace("dht.", "do_"))(token, *args)

    def room_for_lookup(self):
        if len(self.lookups) >= self.parameters["dht.lookups_max"]:
            raise Coded("E_DHT_QUOTA")

    def do_lookup(self, token, target):
        self.room_for_lookup()

        def done(lookup):
            values = [u64(figure) for figure in lookup.figures()]
            for each in lookup.nearest():
                values += [each.id, self.texts(each.places)]
            self.node.outcome(token, "", values)

        self.look(target, FIND_NODE, done, paths=1)

    def texts(self, places):
        return "\n".join(addresses.text(each) for each in places)

    def do_providers(self, token, key):
        self.room_for_lookup()

        def done(lookup):
            values = [u64(figure) for figure in lookup.figures()]
            for signer, envelope in lookup.records.items():
                fields = envelope.fields
                places = [each for each in fields["addresses"] if addresses.admissible(self.policy, each)]
                values += [signer, self.texts(places), u64(fields["created_ms"])]
            self.node.outcome(token, "", values)

        self.look(key, GET_PROVIDERS, done, wide=True)

    def do_get(self, token, key):
        self.room_for_lookup()

        def done(lookup):
            values = [u64(figure) for figure in lookup.figures()]
            winners = lookup.winners()
            values += [winners[0].namespace, u64(winners[0].sequence)] if winners else ["", u64(0)]
            self.node.outcome(token, "", values + [value.content for value in winners])

        self.look(key, GET_VALUE, done, wide=True)

    def do_provide(self, token, key, short):
        lifetime = self.parameters["dht.short_ttl_ms" if short else "dht.provider_ttl_ms"]
        if not self.own_addresses():
            raise Coded("E_DHT_FORM")
        self.publish(token, key, Published(ADD_PROVIDER, lambda: self.own_record(key, lifetime), lifetime, []))

    def own_addresses(self):
        return [each for each in self.node.listens if addresses.admissible(self.policy, each)][:4]

    def own_record(self, key, lifetime):
        """DHT-092, DHT-094."""
        places = [dht.encode_address(each) for each in self.own_addresses()]
        payload = encode(
            "ProviderRecord", version=1, key=key, addresses=places, created_ms=self.node.wall, ttl_ms=lifetime
        )
        envelope = identity.seal(self.node.network_id, "provider", self.node.identity_seed, payload)
        return encode("AddProvider", provider=envelope)

    def do_unprovide(self, token, key):
        published = self.published.get(key)
        if published is None or published.kind != ADD_PROVIDER:
            return [u64(0)]
        self.withdraw(key)
        return [u64(1)]

    def do_put(self, token, namespace, salt, sequence, data, expected_next):
        node, content = self.node, data
        if namespace != "hash":
            payload = encode(
                "ValueRecord", version=1, namespace=namespace, salt=salt, sequence=sequence, data=data
            )
            content = identity.seal(node.network_id, "value", node.identity_seed, payload)
        value = dht.Value(self.parameters, node.network_id, namespace, content)
        lifetime = self.parameters["dht.provider_ttl_ms"]

        def body():
            expected = 0 if published.taken else expected_next  # DHT-097
            return encode(
                "PutValue", namespace=namespace, content=content, ttl_ms=lifetime, expected_next=expected
            )

        published = Published(PUT_VALUE, body, lifetime, [value.key])
        self.publish(token, value.key, published)

    def withdraw(self, key):
        published = self.published.pop(key)
        published.withdrawn = True
        if published.timer:
            published.timer[0] = None

    def publish(self, token, key, published):
        self.room_for_lookup()
        if key in self.published:
            self.withdraw(key)
        if len(self.published) >= self.parameters["dht.published_max"]:
            raise Coded("E_DHT_QUOTA")
        self.published[key] = published
        self.publish_now(key, published, token)

    def publish_now(self, key, published, token):
        p = self.parameters
        published.timer = None

        def found(lookup):
            if published.withdrawn:
                return ended(0, 0)  # DHT-093
            nearest = lookup.nearest()
            nodes = [each for each in lookup.answered() if each in nearest or lookup.in_region(each)]  # DHT-090
            middle = published.lifetime * p["dht.republish_percent"] // 100
            spread = middle * p["dht.republish_jitter_percent"] // 200
            published.due = self.node.now + middle + self.node.random.randint(-spread, spread)  # DHT-091
            counts = {"stored": 0, "waiting": len(nodes)}

            def told(fields, at):
                counts["waiting"] -= 1
                counts["stored"] += fields is not None and fields["code"] == 0
                if counts["waiting"] == 0:
                    ended(counts["stored"], len(nodes))

            body = published.body()
            for each in nodes:
                self.ask(each.id, each.places, published.kind, body, told)
            if not nodes:
                ended(0, 0)

        def ended(stored, asked):
            if token is not None:
                self.node.outcome(token, "", published.values + [u64(stored), u64(asked)])
            if published.withdrawn:
                return
            wait = published.due - self.node.now
            if stored:
                published.taken, published.untaken = True, 0
            else:  # DHT-096
                wait = min(wait, p["dht.publish_retry_ms"] << published.untaken)
                published.untaken = min(published.untaken + 1, 40)
            published.timer = self.node.after(max(1, wait), lambda: self.publish_now(key, published, None))

        self.look(key, FIND_NODE, found, wide=True)
