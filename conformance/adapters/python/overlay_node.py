"""The overlay at a node: which links a message is pushed on, strategy, frames and commands (chapter 09)."""

import overlay
from errors import Coded
from gossip import SERVED
from node import register
from roles import ATTACH, ATTACHED, DETACH, LEAF, NONE, ROLE, SUPERNODE, Roles, Seen
from routes import ROUTE, Routes
from wire import SCHEMAS, Field

STRATEGIES = ("naive", "kademlia", "supernode")
PUSH, IHAVE = 32, 40
SCHEMAS.update(
    {
        "Contact": {1: Field("peer_id", "bytes", size=32), 2: Field("addresses", "Address", repeated=True)},
        "Role": {1: Field("role", "u32")},
        "Attach": {},
        "Attached": {1: Field("accepted", "u64"), 2: Field("alternatives", "Contact", repeated=True, count=(0, 8))},
        "Detach": {1: Field("alternatives", "Contact", repeated=True, count=(0, 8))},
        "Route": {1: Field("target", "bytes", size=32), 2: Field("hops", "u32"), 3: Field("envelope", "bytes")},
    }
)


class Overlay:
    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.roles = Roles(node)
        self.routes = Routes(node, self.roles.attachments)
        self.auto = self.parameters["overlay.strategy"] == "auto"
        self.strategy = self.wish(None) if self.auto else self.parameters["overlay.strategy"]
        self.switched = None
        if self.strategy == "supernode":
            self.roles.role = LEAF
        if self.strategy != "off":
            self.node.after(self.parameters["overlay.beat_ms"], self.beat)

    # --- strategy ----------------------------------------------------------------------------------

    def wish(self, state):
        dht = self.node.machines.get("dht/1") if hasattr(self.node, "machines") else None
        size = (dht.size() if dht else 0) or self.parameters["gossip.network_size"]
        bounds = (self.parameters["overlay." + name] for name in ("kademlia_at", "supernode_at", "band_percent"))
        return STRATEGIES[overlay.wish(state, size, *bounds)]

    def beat(self):
        self.node.after(self.parameters["overlay.beat_ms"], self.beat)
        if self.auto:
            self.change(self.wish(STRATEGIES.index(self.strategy)))
        self.roles.beat()
        self.routes.retry()

    def change(self, wish):
        """OVL-005, OVL-006."""
        now = self.node.now
        early = self.switched is not None and now - self.switched < self.parameters["overlay.dwell_ms"]
        if wish == self.strategy or early:
            return
        self.strategy, self.switched = wish, now
        self.node.notice("overlay.strategy", [wish])
        self.roles.become(LEAF if wish == "supernode" else NONE)
        self.roles.maintain()

    # --- eager links (OVL-001 to OVL-004, OVL-033 to OVL-037) -----------------------------------------

    def eager(self, id, came_on):
        gossip = self.node.gossip
        if self.strategy == "off":
            return gossip.active
        eligible = gossip.eligible()
        if self.strategy == "naive":
            return eligible
        if self.strategy == "kademlia":
            return self.choose("buckets", self.parameters["overlay.bucket_links"], id, eligible)
        seen = self.roles.seen
        if self.roles.role == SUPERNODE:
            leaves = [each for each in eligible if each in seen and seen[each].leaf]
            rest = [each for each in eligible if each not in leaves]
            taken = [each for each in rest if each in seen and seen[each].taken]
            rule = "turns" if self.parameters["overlay.mesh"] == "kademlia" else "first"
            count = self.parameters["overlay.mesh_fanout"]
            mesh = self.choose(rule, count, id, taken)
            return leaves + mesh + self.choose(rule, count - len(mesh), id, [each for each in rest if each not in taken])
        up = [each for each in eligible if each in seen and seen[each].attached and seen[each].taken]
        return ([] if came_on in up else up) if up else gossip.active

    def choose(self, rule, count, id, sessions):
        by_peer = {each.peer_id: each for each in sessions}
        return [by_peer[peer] for peer in overlay.choose(rule, count, self.node.peer_id, id, list(by_peer))]

    # --- sessions and frames -----------------------------------------------------------------------

    def opened(self, session):
        if self.roles.first_session is None:
            self.roles.first_session = self.node.now
        if "overlay/1" in session.capabilities:
            self.roles.seen[session] = Seen(self.node.now)
            if self.roles.role != NONE:
                self.roles.say_role(session)  # OVL-010
            self.routes.retry()

    def closed(self, session):
        if self.roles.seen.pop(session, None):
            self.roles.maintain()

    def receive(self, session, kind, request_id, fields):
        if kind == ROLE:
            self.roles.role_came(session, fields["role"])
        elif kind == ATTACH:
            self.roles.attach_came(session, request_id)
        elif kind == DETACH:
            self.roles.detach_came(session, fields["alternatives"])
        elif self.routes.came(session, fields):
            self.roles.windows[0].delivered += 1

    # --- what gossip tells ---------------------------------------------------------------------------

    def frame_came(self, session, kind, size):
        seen = self.roles.seen.get(session)
        if kind == PUSH:
            self.roles.beat_bytes += size
            if seen:
                seen.beat_bytes += size
        if seen and kind in (PUSH, IHAVE):
            seen.heard, seen.others = self.node.now, 0

    def push_left(self, size):
        self.roles.beat_bytes += size

    def iwant_came(self, answered, missed):
        self.roles.windows[0].delivered += answered
        self.roles.windows[0].failed += missed

    def accepted(self, session, origin):
        for other, seen in self.roles.seen.items():
            if other is not session:
                seen.others += 1
            else:
                seen.delivered += 1
                if len(seen.origins) < 2 * self.parameters["overlay.observe_origins"]:
                    seen.origins.add(origin)

    def failed(self, session, count):
        if session in self.roles.seen:
            self.roles.seen[session].failed += int(count)

    # --- commands ----------------------------------------------------------------------------------

    def command(self, token, name, args):
        if name == "overlay.send":
            return self.routes.submit(token, *args)
        topic, data = args
        if not SERVED.fullmatch(topic):
            raise Coded("E_TOPIC")
        if not self.node.gossip.fits(topic, data):
            raise Coded("E_SIZE")
        self.node.gossip.publish(topic, data)  # OVL-038
        return []


register(
    "overlay/1",
    "overlay.mode",
    Overlay,
    {
        ROLE: ("Role", "control", 64, "notice", "overlay/1"),
        ATTACH: ("Attach", "control", 64, "request", "overlay/1"),
        ATTACHED: ("Attached", "control", 17408, "reply", "overlay/1"),
        DETACH: ("Detach", "control", 17408, "notice", "overlay/1"),
        ROUTE: ("Route", "data", 40960, "notice", "overlay/1"),
    },
    {ATTACH: ATTACHED},
    {"overlay.broadcast": ("text", "bytes"), "overlay.send": ("32", "text", "bytes")},
)
