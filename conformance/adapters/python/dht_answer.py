"""What a node of the DHT answers (chapter 08, Answers)."""

import addresses
import dht
from errors import Coded
from lookups import FIND_NODE, GET_PROVIDERS, GET_VALUE
from wire import encode

ADD_PROVIDER, PUT_VALUE = 78, 86
BODY_MAX, CONTACTS_MAX, PROVIDERS_MAX = 1100, 20, 5
CODES = {
    "": 0, "E_SIZE": 64, "E_STRUCTURE": 65, "E_KEY_TYPE": 66, "E_PAYLOAD_VERSION": 67, "E_CONTEXT": 68, "E_SIGNATURE": 72,
    "E_DHT_FORM": 80, "E_DHT_TTL": 81, "E_DHT_SENDER": 82, "E_DHT_NAMESPACE": 83, "E_DHT_SEQUENCE": 84, "E_DHT_QUOTA": 85,
}  # fmt: skip


class Answering:
    """A part of Dht."""

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
            encoded = [dht.encode_contact(id, places[:most]) for id, places in named]
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
