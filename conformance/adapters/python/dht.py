"""The DHT (chapter 08): its rules as functions here, the machine in class Dht."""

import re

import addresses
import identity
from errors import Coded, Ruling
from wire import SCHEMAS, Field, encode, lp
from crypto import sha256


def _contact(most):
    return {1: Field("peer_id", "bytes", size=32), 2: Field("addresses", "Address", repeated=True, count=(1, most))}


CONTACTS = Field("contacts", "DhtContact", repeated=True, count=(0, 20))
SCHEMAS.update(
    {
        "DhtContact": _contact(8),
        "DhtAsker": _contact(2),
        "FindNode": {1: Field("target", "bytes", size=32), 2: Field("asker", "DhtAsker")},
        "FindNodeReply": {1: CONTACTS},
        "GetProviders": {1: Field("key", "bytes", size=32)},
        "GetProvidersReply": {1: Field("providers", "bytes", repeated=True, count=(0, 5)), 2: CONTACTS},
        "AddProvider": {1: Field("provider", "bytes")},
        "AddProviderReply": {1: Field("code", "u32")},
        "GetValue": {
            1: Field("key", "bytes", size=32),
            2: Field("have", "bytes", repeated=True, size=32, count=(0, 2)),
        },
        "Value": {1: Field("namespace", "text"), 2: Field("content", "bytes")},
        "GetValueReply": {1: Field("values", "Value", repeated=True, count=(0, 2)), 2: CONTACTS},
        "PutValue": {
            1: Field("namespace", "text"),
            2: Field("content", "bytes"),
            3: Field("ttl_ms", "u64"),
            4: Field("expected_next", "u64"),
        },
        "PutValueReply": {1: Field("code", "u32"), 2: Field("sequence", "u64")},
        "DhtPing": {},
        "DhtPong": {},
        "ProviderRecord": {
            1: Field("version", "u32"),
            2: Field("key", "bytes"),
            3: Field("addresses", "Address", repeated=True),
            4: Field("created_ms", "u64"),
            5: Field("ttl_ms", "u64"),
        },
        "ValueRecord": {
            1: Field("version", "u32"),
            2: Field("namespace", "text"),
            3: Field("salt", "bytes"),
            4: Field("sequence", "u64"),
            5: Field("data", "bytes"),
        },
    }
)
identity.PAYLOADS["provider", 1] = "ProviderRecord"
identity.PAYLOADS["value", 1] = "ValueRecord"
APP = re.compile(r"app/[a-z0-9-]{1,32}")


# --- distance ----------------------------------------------------------------------------------


def distance(a, b):
    return int.from_bytes(a, "big") ^ int.from_bytes(b, "big")


def bucket(a, b):
    return distance(a, b).bit_length() - 1


def estimate(k, samples):
    """DHT-110; samples are (count, distance)."""
    full = [(count, far) for count, far in samples if count == k]
    if full:
        far = sum(far for _, far in full)
        return min(2**32, 1 + 2**256 * (sum(count for count, _ in full) - 1) // far) if far else 2**32
    return 1 + max(count for count, _ in samples) if samples else 0


# --- messages --------------------------------------------------------------------------------


def encode_address(address):
    present = {name: address[name] for name in ("ip4", "ip6", "dns") if address[name]}
    return encode("Address", port=address["port"], transport=address["transport"], **present)


def encode_contact(id, places):
    return encode("DhtContact", peer_id=id, addresses=[encode_address(each) for each in places])


# --- the table ---------------------------------------------------------------------------------


class Contact:
    def __init__(self, id, at, listens=()):
        self.id = id
        self.at = at  # the IP address from which it answered
        self.listens = listens  # its addresses
        self.failures = 0


class Bucket:
    def __init__(self):
        self.entries = []
        self.cache = []


class Table:
    def __init__(self, own, k, replacements_max, subnet_bucket_max, subnet_table_max, failures_max, policy):
        self.own = own
        self.k = k
        self.replacements_max = replacements_max
        self.subnet_bucket_max = subnet_bucket_max
        self.subnet_table_max = subnet_table_max
        self.failures_max = failures_max
        self.policy = policy
        self.buckets = {}  # index -> Bucket

    def seen(self, contact):
        """DHT-020."""
        if contact.id == self.own:
            return
        b = self.buckets.setdefault(bucket(self.own, contact.id), Bucket())
        known = next((each for each in b.entries if each.id == contact.id), None)
        if known:
            b.entries.remove(known)
            known.failures = 0
            known.at, known.listens = contact.at, contact.listens
            b.entries.append(known)
            return
        b.cache = [each for each in b.cache if each.id != contact.id]
        if addresses.limits_hold(self.policy, contact.at):
            subnet = addresses.subnet(contact.at)

            def of_subnet(contacts):
                return sum(addresses.subnet(each.at) == subnet for each in contacts)

            if of_subnet(b.entries + b.cache) >= self.subnet_bucket_max:
                return
            if sum(of_subnet(each.entries + each.cache) for each in self.buckets.values()) >= self.subnet_table_max:
                return
        if len(b.entries) < self.k:
            b.entries.append(contact)
        else:
            b.cache.append(contact)
            del b.cache[: max(0, len(b.cache) - self.replacements_max)]

    def failed(self, id):
        """DHT-028."""
        b = self.buckets.get(bucket(self.own, id)) if id != self.own else None
        if b is None:
            return
        b.cache = [each for each in b.cache if each.id != id]
        for contact in [each for each in b.entries if each.id == id]:
            contact.failures += 1
            if contact.failures >= self.failures_max:
                b.entries.remove(contact)
                if b.cache:
                    newest = b.cache.pop()
                    newest.failures = 0
                    b.entries.append(newest)

    def nearest(self, target):
        contacts = [contact for b in self.buckets.values() for contact in b.entries]
        return sorted(contacts, key=lambda contact: distance(contact.id, target))

    def find(self, id):
        b = self.buckets.get(bucket(self.own, id)) if id != self.own else None
        return next((each for each in b.entries if each.id == id), None) if b else None


# --- records and values ------------------------------------------------------------------------


def _opened(network_id, context, data):
    """DHT-051, DHT-064: the envelope, or the code of its verdict."""
    try:
        envelope = identity.Envelope(data, context)
        envelope.check_signature(network_id)
        return envelope
    except Ruling as ruling:
        raise Coded(ruling.code) from None


def provider(parameters, network_id, wall_ms, sender, data):
    """DHT-051 to DHT-055: the envelope of a record in order. The sender is a PeerId, or an IP address,
    or None where nobody brings it (DHT-084)."""
    envelope = _opened(network_id, "provider", data)
    fields, policy = envelope.fields, parameters["dht.address_policy"]
    given = fields["addresses"]
    if len(fields["key"]) != 32 or not 1 <= len(given) <= 4 or not all(map(addresses.well_formed, given)):
        raise Coded("E_DHT_FORM")  # DHT-052
    if sender is not None:
        if len(sender) == 32 and sender != envelope.origin:
            raise Coded("E_DHT_SENDER")  # DHT-053
        if len(sender) != 32 and all(addresses.host(each) != sender for each in given):
            raise Coded("E_DHT_SENDER")
    if not any(addresses.admissible(policy, each) for each in given):
        raise Coded("E_DHT_FORM")  # DHT-054
    created, ttl = fields["created_ms"], fields["ttl_ms"]
    if not 0 < ttl <= parameters["dht.ttl_ms_max"] or created + ttl <= wall_ms:
        raise Coded("E_DHT_TTL")
    if created - wall_ms > parameters["dht.future_ms_max"]:
        raise Coded("E_DHT_TTL")  # DHT-055
    return envelope


def value_key(namespace, name):
    """DHT-061."""
    return sha256(b"carillon/v1/dht-value\x00" + lp(namespace.encode()) + lp(name))


class Value:
    """A content that DHT-062 to DHT-065 let pass; else Coded."""

    def __init__(self, parameters, network_id, namespace, content):
        self.namespace = namespace
        self.content = content
        self.hash = sha256(content)
        self.sequence = 0
        if len(content) > parameters["dht.value_bytes_max"]:
            raise Coded("E_SIZE")  # DHT-062
        is_app = APP.fullmatch(namespace) is not None
        if namespace not in ("hash", "mutable") and not is_app:
            raise Coded("E_DHT_NAMESPACE")  # DHT-063
        if namespace == "hash":
            self.key = value_key(namespace, content)
            return
        envelope = _opened(network_id, "value", content)  # DHT-064
        fields = envelope.fields
        if fields["namespace"] != namespace or len(fields["salt"]) > 64:
            raise Coded("E_DHT_FORM")
        if is_app and (not fields["salt"] or fields["sequence"]):
            raise Coded("E_DHT_FORM")  # DHT-065
        self.sequence = fields["sequence"]
        self.key = value_key(namespace, fields["salt"] if is_app else envelope.origin + fields["salt"])


def keep(new, stored, expected_next):
    """DHT-067, DHT-068: the values that are kept, the winner first."""
    if any(each.content == new.content for each in stored) and new.namespace != "mutable":
        return stored
    if new.namespace == "mutable":
        now = stored[0].sequence if stored else None
        if expected_next and (now is None or expected_next != now + 1):
            raise Coded("E_DHT_SEQUENCE")
        if stored and (new.sequence < now or (new.sequence == now and new.content != stored[0].content)):
            raise Coded("E_DHT_SEQUENCE")
        return [new]
    kept = sorted(stored + [new], key=lambda each: each.hash)[:2]
    if new not in kept:
        raise Coded("E_DHT_SEQUENCE")
    return kept


# --- texts of lists ----------------------------------------------------------------------------


def list_text(shown):
    """DHT-100: PeerId and the text of the address."""
    head, at, place = shown.partition("@")
    try:
        if not head.startswith("crl=") or not at or addresses.parse(place) is None:
            raise Coded("E_STRUCTURE")
        return identity.parse_peer_id(head[len("crl=") :]), place
    except Coded:
        raise Coded("E_DHT_FORM") from None
