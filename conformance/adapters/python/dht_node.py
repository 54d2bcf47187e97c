"""A node of the DHT: its contacts, checks, lookups and hints (chapter 08). Its other parts stand in dht_*.py."""

from collections import OrderedDict, deque

import addresses
import dht
from dht_answer import Answering
from dht_ask import Asking
from dht_publish import Publishing, u64
from dht_store import Store
from errors import Coded
from lookups import FIND_NODE, Lookup
from node import register
from wire import encode

PING = 90


class Dht(Asking, Answering, Publishing):
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

    # --- lookups -----------------------------------------------------------------------------------

    def size(self):
        return dht.estimate(self.table.k, self.samples)

    def region(self):
        size = self.size()
        return self.parameters["dht.region_nodes"] * 2**256 // size if size else 2**256

    def find_node(self, target):
        mine = [each for each in self.node.listens if addresses.admissible(self.policy, each)][:2]
        return encode("FindNode", target=target, **({"asker": dht.encode_contact(self.node.peer_id, mine)} if mine else {}))

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
