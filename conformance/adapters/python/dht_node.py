"""A node of the DHT: its table, answers, checks, lookups and what it publishes (chapter 08)."""

from collections import OrderedDict, deque

import addresses
import dht
import identity
from dht_store import Store
from errors import Coded
from lookups import FIND_NODE, GET_PROVIDERS, GET_VALUE, Lookup
from node import register
from wire import encode

ADD_PROVIDER, PUT_VALUE, PING = 78, 86, 90
BODY_MAX, CONTACTS_MAX, PROVIDERS_MAX = 1100, 20, 5
CODES = {
    "": 0, "E_SIZE": 64, "E_STRUCTURE": 65, "E_KEY_TYPE": 66, "E_PAYLOAD_VERSION": 67, "E_CONTEXT": 68, "E_SIGNATURE": 72,
    "E_DHT_FORM": 80, "E_DHT_TTL": 81, "E_DHT_SENDER": 82, "E_DHT_NAMESPACE": 83, "E_DHT_SEQUENCE": 84, "E_DHT_QUOTA": 85,
}  # fmt: skip


def encode_address(address):
    present = {name: address[name] for name in ("ip4", "ip6", "dns") if address[name]}
    return encode("Address", port=address["port"], transport=address["transport"], **present)


def encode_contact(id, places):
    return encode("DhtContact", peer_id=id, addresses=[encode_address(each) for each in places])


def u64(number):
    return number.to_bytes(8, "big")


class Dht:
    def __init__(self, node):
        self.node = node
        self.parameters = p = node.parameters
        names = "bucket_size", "replacements_max", "subnet_bucket_max", "subnet_table_max", "failures_max", "address_policy"
        self.table = dht.Table(node.peer_id, *[p["dht." + name] for name in names])
        self.policy = p["dht.address_policy"]
        self.store = Store(node)
        self.candidates = OrderedDict()  # id -> its addresses, oldest first
        self.candidate_timer = None
        self.checked = -1  # the bucket that was checked last
        self.lookups = []
        self.published = {}  # key -> Published
        self.samples = deque(maxlen=p["dht.estimate_samples"])
        self.dialling = {}  # PeerId -> callbacks
        self.dial_queue = deque()
        self.looked_around = False
        self.ready = False
        self.looked = {}  # bucket -> when it was looked up
        self.refreshing = False
        self.refresh_timer = None
        node.after(p["dht.check_ms"], self.check)
        if node.hints:
            node.after(0, self.bootstrap)

    # --- contacts ----------------------------------------------------------------------------------

    def usable(self, given, namer_at):
        """Addresses of a contact that may be asked: admissible, and local ones from local peers only."""
        local = addresses.is_local(namer_at)
        some = [each for each in given if addresses.admissible(self.policy, each)]
        some = [each for each in some if local or not addresses.is_local(addresses.host(each))]
        return some[: self.parameters["dht.contact_addresses_max"]]

    def speaks_from(self, given, at):
        """Those of its addresses whose host is the one from which it speaks."""
        some = [each for each in given if addresses.host(each) == at]
        return self.usable(some, at)

    def session_contact(self, session):
        """None of a client."""
        at = addresses.parse_ip(session.address)
        places = self.speaks_from(session.listens, at) if at else []
        return dht.Contact(session.peer_id, at, places) if places else None

    def seen(self, contact):
        if contact is None or not contact.listens:
            return
        self.candidates.pop(contact.id, None)
        self.table.seen(contact)
        self.node.machines["topology"].heard(contact.id, contact.listens)
        if not self.looked_around and self.table.nearest(self.node.peer_id):
            self.looked_around = True
            self.look(self.node.peer_id, FIND_NODE, self.looked_for_self)  # DHT-101
        elif self.ready:
            self.refresh()

    def opened(self, session):
        if "dht/1" in session.capabilities:
            self.seen(self.session_contact(session))  # DHT-021

    def closed(self, session):
        pass

    # --- checks (DHT-026, DHT-027, DHT-030) ----------------------------------------------------------

    def check(self):
        self.node.after(self.parameters["dht.check_ms"], self.check)
        used = sorted(index for index, b in self.table.buckets.items() if b.entries)
        if used:
            self.checked = next((index for index in used if index > self.checked), used[0])
            head = self.table.buckets[self.checked].entries[0]
            self.ask(head.id, head.listens, PING, b"", lambda fields, at: None)

    def candidate(self, id, places):
        if id in self.candidates or id == self.node.peer_id or self.table.find(id):
            return
        if len(self.candidates) < self.parameters["dht.candidates_max"]:
            self.candidates[id] = places
            if self.candidate_timer is None:
                self.candidate_timer = self.node.after(self.parameters["dht.candidate_ms"], self.check_candidate)

    def check_candidate(self):
        self.candidate_timer = None
        if self.candidates:
            id, places = self.candidates.popitem(last=False)
            self.ask(id, places, PING, b"", lambda fields, at: None)
            self.candidate_timer = self.node.after(self.parameters["dht.candidate_ms"], self.check_candidate)

    # --- questions ---------------------------------------------------------------------------------

    def ask(self, id, places, kind, body, callback):
        """The callback gets the fields of the reply and the IP address it came from, or None twice.
        An id of None: whoever answers at the address."""
        node, p = self.node, self.parameters

        def answered(contact, fields):
            if fields is None:
                if id is not None:
                    self.table.failed(id)  # DHT-028
                return callback(None, None)
            self.seen(contact)
            callback(fields, contact.at)

        udp = [each for each in places if each["transport"] == addresses.UDP and not isinstance(addresses.host(each), str)]
        if udp and node.datagrams.on:
            at = addresses.host(udp[0])

            def by_datagram(fields, peer):
                answered(dht.Contact(peer, at, self.speaks_from(places, at)), fields)

            node.datagrams.ask((at, udp[0]["port"]), id, kind, body, p["dht.datagram_timeout_ms"], by_datagram)
            return
        ends = node.now + p["dht.query_timeout_ms"]

        def over(session):
            if session is None or not session.alive or "dht/1" not in session.capabilities:
                return answered(None, None)
            contact = self.session_contact(session) or dht.Contact(id, addresses.parse_ip(session.address))
            node.ask(session, kind, body, max(1, ends - node.now), lambda fields: answered(contact, fields))

        session = node.session_of(id)
        webs = [each for each in places if each["transport"] in (addresses.WS, addresses.WSS)]
        if session or not webs:
            over(session)
        else:
            self.dial(id, addresses.text(webs[0]), ends, over)

    def dial(self, id, address, ends, callback):
        """DHT-088: waits for its turn, and for a dial of the same peer that is under way. The question
        fails at `ends`; the dial goes on and keeps its place until it is over itself."""
        waiter = {"callback": callback}

        def tell(session):
            timer[0] = None
            call = waiter.pop("callback", None)
            if call:
                call(session)

        timer = self.node.after(max(1, ends - self.node.now), lambda: tell(None))
        waiter["tell"] = tell
        if id in self.dialling:
            self.dialling[id].append(waiter)
        elif len(self.dialling) < self.parameters["dht.dials_max"]:
            self.start_dial(id, address, waiter)
        else:
            self.dial_queue.append((id, address, waiter))

    def start_dial(self, id, address, waiter):
        self.dialling[id] = [waiter]

        def ended(session):
            for each in self.dialling.pop(id):
                each["tell"](session)
            while self.dial_queue and len(self.dialling) < self.parameters["dht.dials_max"]:
                other, place, waits = self.dial_queue.popleft()
                session = self.node.session_of(other)
                if "callback" not in waits:
                    continue  # its time is over
                if session:
                    waits["tell"](session)
                elif other in self.dialling:
                    self.dialling[other].append(waits)
                else:
                    self.start_dial(other, place, waits)

        self.node.dial(address, id, self.parameters["dht.query_timeout_ms"], ended)

    # --- answers -----------------------------------------------------------------------------------

    def receive(self, session, kind, request_id, fields):
        at = addresses.parse_ip(session.address)
        body = self.answer(kind, fields, session.peer_id, session.peer_id, at)
        self.node.send(session, self.node.answers(kind), request_id, body)

    def answer_datagram(self, kind, fields, endpoint, room):
        at, asker = endpoint[0], fields.get("asker") or {"peer_id": None, "addresses": []}
        body = self.answer(kind, fields, asker["peer_id"], at, at)
        places = self.speaks_from(asker["addresses"], at)
        if places:
            self.candidate(asker["peer_id"], places)  # DHT-030
        return body

    def answer(self, kind, fields, asker, sender, at):
        """`sender` is who brings a record: a PeerId, or the IP address of a datagram."""
        if kind == FIND_NODE:
            return encode("FindNodeReply", contacts=self.contacts(fields["target"], asker, at))
        if kind == GET_PROVIDERS:
            return self.answer_providers(fields["key"], asker, at)
        if kind == GET_VALUE:
            return self.answer_value(fields["key"], fields["have"], asker, at)
        if kind == ADD_PROVIDER:
            try:
                self.store.add_provider(fields["provider"], sender, at)
                return b""
            except Coded as refusal:
                return encode("AddProviderReply", code=CODES[refusal.code])
        if kind == PUT_VALUE:
            names = "namespace", "content", "ttl_ms", "expected_next"
            sequence, code = self.store.put_value(*[fields[name] for name in names], at)
            return encode("PutValueReply", code=CODES[code], sequence=sequence)
        return b""  # DhtPong

    def contacts(self, target, asker, at):
        """DHT-040 to DHT-043, DHT-048."""
        named = []
        for contact in self.table.nearest(target):
            places = self.usable(contact.listens, at)
            if contact.id != asker and places:
                named.append((contact.id, places))
        named = named[: min(self.table.k, CONTACTS_MAX)]
        for most in range(self.parameters["dht.contact_addresses_max"], 0, -1):
            encoded = [encode_contact(id, places[:most]) for id, places in named]
            if len(encode("FindNodeReply", contacts=encoded)) <= BODY_MAX:
                return encoded
        while len(encode("FindNodeReply", contacts=encoded)) > BODY_MAX:
            encoded.pop()
        return encoded

    def answer_providers(self, key, asker, at):
        held = [each.data for each in self.store.providers(key)]
        if not held:
            # The same size as in a FindNodeReply: tags of one byte.
            return encode("GetProvidersReply", contacts=self.contacts(key, asker, at))
        self.node.random.shuffle(held)  # DHT-044
        chosen = []
        for data in held:
            if len(chosen) < PROVIDERS_MAX and len(encode("GetProvidersReply", providers=chosen + [data])) <= BODY_MAX:
                chosen.append(data)
        return encode("GetProvidersReply", providers=chosen)

    def answer_value(self, key, have, asker, at):
        held = [each.item for each in self.store.contents(key) if each.item.hash not in have]
        if not held:
            return encode("GetValueReply", contacts=self.contacts(key, asker, at))
        chosen = []
        for value in held:  # DHT-045
            encoded = encode("Value", namespace=value.namespace, content=value.content)
            if len(encode("GetValueReply", values=chosen + [encoded])) <= BODY_MAX:
                chosen.append(encoded)
        return encode("GetValueReply", values=chosen)

    # --- lookups -----------------------------------------------------------------------------------

    def size(self):
        return dht.estimate(self.table.k, self.samples)

    def region(self):
        size = self.size()
        return self.parameters["dht.region_nodes"] * 2**256 // size if size else 2**256

    def find_node(self, target):
        mine = [each for each in self.node.listens if addresses.admissible(self.policy, each)][:2]
        return encode("FindNode", target=target, **({"asker": encode_contact(self.node.peer_id, mine)} if mine else {}))

    def look(self, target, question, done, paths=None, wide=False):
        if target != self.node.peer_id:
            self.looked[dht.bucket(self.node.peer_id, target)] = self.node.now

        def ended(lookup):
            self.lookups.remove(lookup)
            found = lookup.nearest()
            if question == FIND_NODE and found:
                self.samples.append((len(found), lookup.distance(found[-1])))
            done(lookup)

        lookup = Lookup(self, target, question, paths or self.parameters["dht.paths"], wide, ended)
        self.lookups.append(lookup)
        lookup.run()

    def looked_for_self(self, lookup):
        self.node.notice("dht.ready", [u64(len(self.table.nearest(self.node.peer_id)))])
        self.ready = True
        self.refresh()

    def refresh(self):
        """DHT-102: one bucket after the other."""
        if self.refreshing:
            return
        nearest = self.table.nearest(self.node.peer_id)[:1]
        if self.refresh_timer:
            self.refresh_timer[0] = None
            self.refresh_timer = None
        if not nearest:
            return
        every = self.parameters["dht.refresh_ms"]
        first = dht.bucket(self.node.peer_id, nearest[0].id)
        due = {index: self.looked[index] + every if index in self.looked else 0 for index in range(first, 256)}
        index = min(due, key=lambda index: (due[index], -index))
        if due[index] > self.node.now:
            self.refresh_timer = self.node.after(due[index] - self.node.now, self.refresh)
            return
        self.refreshing = True
        chance = (1 << index) | self.node.random.getrandbits(index) if index else 1
        target = (int.from_bytes(self.node.peer_id, "big") ^ chance).to_bytes(32, "big")
        self.look(target, FIND_NODE, self.refreshed)

    def refreshed(self, lookup):
        self.refreshing = False
        self.refresh()

    # --- hints -------------------------------------------------------------------------------------

    def bootstrap(self):
        """DHT-103."""
        self.node.after(self.parameters["dht.bootstrap_retry_ms"], self.bootstrap)
        if self.table.nearest(self.node.peer_id):
            return
        for text in self.node.hints:
            if text.startswith("dns:"):
                self.node.resolve(text[len("dns:") :], self.list_came)
            else:
                self.hint(*self.read_hint(text))

    def read_hint(self, text):
        try:
            id, place = dht.list_text(text)
            return id, addresses.parse(place)
        except Coded:
            return None, addresses.parse(text)

    def list_came(self, texts):
        for text in texts[: self.parameters["dht.hints_max"]]:  # DHT-104
            try:
                id, place = dht.list_text(text)
            except Coded:
                continue
            self.hint(id, addresses.parse(place))

    def hint(self, id, address):
        if address is None or not addresses.admissible(self.policy, address) or id == self.node.peer_id:
            return
        if address["transport"] == addresses.UDP or id is not None:
            self.ask(id, [address], FIND_NODE, self.find_node(self.node.peer_id), lambda fields, at: None)
        else:
            ends = self.node.now + self.parameters["dht.query_timeout_ms"]
            self.dial(None, addresses.text(address), ends, lambda session: None)

    # --- commands and publishing ---------------------------------------------------------------------

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
        places = [encode_address(each) for each in self.own_addresses()]
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


_SIZES = ((70, "FindNode", 192, 1116), (74, "GetProviders", 64, 1116), (78, "AddProvider", 640, 64))
_SIZES += ((82, "GetValue", 128, 1116), (86, "PutValue", 1116, 64))
_KINDS = {90: ("DhtPing", "sync", 192, "request", "dht/1"), 92: ("DhtPong", "sync", 64, "reply", "dht/1")}
for _kind, _name, _question, _reply in _SIZES:
    _KINDS[_kind] = _name, "sync", _question, "request", "dht/1"
    _KINDS[_kind + 2] = _name + "Reply", "sync", _reply, "reply", "dht/1"
register(
    "dht/1",
    "dht.mode",
    Dht,
    _KINDS,
    {kind: kind + 2 for kind in (70, 74, 78, 82, 86, 90)},
    {
        "dht.lookup": ("32",),
        "dht.provide": ("32", "u64"),
        "dht.unprovide": ("32",),
        "dht.providers": ("32",),
        "dht.put": ("text", "bytes", "u64", "bytes", "u64"),
        "dht.get": ("32",),
    },
)
