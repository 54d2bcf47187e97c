"""Messages for one node (chapter 09, Routes)."""

import addresses
import identity
import overlay
from errors import Coded, Ruling
from gossip import Memory
from record_form import CONTACT
from wire import encode

ROUTE = 104
DIAL_MS = 5000


class Waiting:
    """A message of the application without a way."""

    def __init__(self, token, target, id, data):
        self.token = token
        self.target = target
        self.id = id
        self.data = data
        self.timer = None


class Routes:
    def __init__(self, node, attachments):
        self.node = node
        self.parameters = node.parameters
        self.attachments = attachments  # gives the sessions with the supernodes of this node
        self.taken = Memory(node, node.parameters["gossip.seen_ttl_ms"])
        self.waiting = []
        self.sequence = node.random.getrandbits(63)

    def contact_record(self, peer):
        records = self.node.machines.get("records/1")
        held = records.table.get((peer, CONTACT, 0)) if records else None
        return held.record.body if held else None

    def hop(self, target, came_on):
        """A session, or None (OVL-051)."""
        sessions = {each.peer_id: each for each in self.node.links.values() if "overlay/1" in each.capabilities}
        record = self.contact_record(target)
        supernodes = [each.peer_id for each in self.attachments()]
        came_from = came_on.peer_id if came_on else None
        next = overlay.next_hop(self.node.peer_id, target, record["via"] if record else [], supernodes, came_from, sessions)
        return sessions.get(next)

    def send(self, session, target, hops, data):
        self.node.send(session, ROUTE, 0, encode("Route", target=target, hops=hops, envelope=data))

    def came(self, session, fields):
        """The verdict of OVL-040 to OVL-047, then OVL-048 to OVL-053; whether the Route was passed on."""
        node, target = self.node, fields["target"]
        try:
            route = overlay.Examined(self.parameters, fields["hops"], target, fields["envelope"])
            id = route.envelope.id(node.network_id)
            if id in self.taken:
                raise Ruling("ignore", "E_DUPLICATE")  # OVL-044
            route.check_time(node.wall)
            route.envelope.check_signature(node.network_id)  # OVL-046
            if route.envelope.origin == node.peer_id:
                raise Ruling("ignore", "E_DUPLICATE")  # OVL-047
        except Ruling as ruling:
            if ruling.verdict == "reject":
                node.scores.add(session, invalid=1)  # OVL-055
            return False
        if len(self.taken.times) >= self.parameters["overlay.route_seen_max"]:
            return False  # OVL-054
        self.taken.add(id)
        if target == node.peer_id:
            node.notice("overlay.received", [route.envelope.origin, route.fields["topic"], route.fields["data"]])
            return False
        if fields["hops"] >= self.parameters["overlay.route_hops_max"]:
            return False
        next = self.hop(target, session)
        if next:
            self.send(next, target, fields["hops"] + 1, fields["envelope"])
        return next is not None

    # --- the application ---------------------------------------------------------------------------

    def submit(self, token, target, topic, data):
        node = self.node
        if target == node.peer_id:
            raise Coded("E_SELF")
        if not overlay.APP_TOPIC.fullmatch(topic):
            raise Coded("E_TOPIC")
        if len(data) > self.parameters["overlay.send_bytes_max"]:
            raise Coded("E_SIZE")
        payload = encode(
            "SendPayload", version=1, created_ms=node.wall, topic=topic, sequence=self.sequence, recipient=target, data=data
        )
        envelope = identity.seal(node.network_id, "send", node.identity_seed, payload)
        if len(envelope) > self.parameters["overlay.send_bytes_max"]:
            raise Coded("E_SIZE")
        next = self.hop(target, None)
        if next is None and len(self.waiting) >= self.parameters["overlay.sends_max"]:
            raise Coded("E_BUSY")
        self.sequence += 1
        message = Waiting(token, target, identity.Envelope(envelope, "send").id(node.network_id), envelope)
        if next:
            self.taken.add(message.id)
            self.send(next, target, 0, envelope)
            return []
        message.timer = node.after(self.parameters["overlay.send_timeout_ms"], lambda: self.no_route(message))
        self.waiting.append(message)
        self.look_for(target)
        return None

    def no_route(self, message):
        self.waiting.remove(message)
        self.node.outcome(message.token, "E_NO_ROUTE", [])  # OVL-058

    def look_for(self, target):
        """OVL-059; or the DHT is asked, and asks the target when it has found it."""
        record, dht = self.contact_record(target), self.node.machines.get("dht/1")
        known = dht.table.find(target) if dht else None
        places = (record["addresses"] if record else []) + (known.listens if known else [])
        self.dial(target, places)
        if dht and not places:
            dht.look(target, 70, lambda lookup: self.found(target, lookup), paths=1)

    def dial(self, target, places):
        webs = [each for each in places if each["transport"] in (addresses.WS, addresses.WSS) and addresses.well_formed(each)]
        if webs:
            self.node.dial(addresses.text(webs[0]), target, DIAL_MS, lambda session: None)
        return bool(webs)

    def found(self, target, lookup):
        if any(each.target == target for each in self.waiting) and self.node.session_of(target) is None:
            for path in lookup.paths:
                if target in path.candidates and self.dial(target, path.candidates[target].places):
                    return

    def retry(self):
        """Whenever there may be a way: a session has begun, or an attachment."""
        for message in list(self.waiting):
            next = self.hop(message.target, None)
            if next:
                self.waiting.remove(message)
                message.timer[0] = None
                self.taken.add(message.id)
                self.send(next, message.target, 0, message.data)
                self.node.outcome(message.token, "", [])
