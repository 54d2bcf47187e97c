"""Records: what nodes say of themselves (chapter 06). The form of records is in record_form.py."""

from collections import OrderedDict

import identity
import record_form as form
from errors import Coded, Refused, Ruling
from node import register
from rates import Bucket, admit
from record_table import Table
from wire import encode, frame

PUSH, REQUEST, REPLY = 50, 52, 54
MOST, LENGTH_MAX = 32, 30000
SETTABLE = (form.SNAPSHOT_HASHES, form.LEDGER_RANGE)
UNSTAKED = bytes(32)  # stands for every origin without stake
ALWAYS = {(form.CONTACT, 0), (form.HEALTH, 0), (form.VERSION, 0)}


class LinkState:
    """What records know of one session."""

    def __init__(self):
        self.pushes = OrderedDict()  # label -> held record that waits to be pushed
        self.back = {}  # label -> when it was pushed by REC-053 or REC-054
        self.brought = None  # largest instance of the peer's own records that came here


class Own:
    """A label that the node says something under."""

    def __init__(self):
        self.body = None  # strict bytes, where the application gives them; None: nothing is said
        self.published = None  # when the last record of it was made in this instance
        self.timer = None


class Records:
    SET, SET_NAME = 1, "records"  # as chapter 07 knows what is held here

    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.table = Table(node, self.parameters, self.protected)
        self.links = {}  # session -> LinkState
        self.buckets = {}  # origin, or UNSTAKED -> Bucket (REC-085)
        self.instance = node.wall
        self.started = node.now
        self.sequence = node.random.getrandbits(32)
        self.made = (-1, -1)  # the largest (instance, sequence) of records made here
        self.superseded = None  # the largest instance of another copy's records, while it reigns
        self.taking_up = None  # timer
        self.own = {}  # (kind, index) -> Own
        for kind, index in sorted(ALWAYS):
            self.say(kind, index, b"")  # made anew with each record

    def staked(self, origin):
        return origin in self.node.stakes

    def protected(self, held):
        if held.record.origin == self.node.peer_id:
            return True
        peers = (session.peer_id for session in self.node.links.values())
        return held.record.kind == form.CONTACT and held.record.origin in peers

    # --- links ---------------------------------------------------------------------------------

    def opened(self, session):
        if "records/1" not in session.capabilities:
            return
        self.links[session] = LinkState()
        contact = self.table.get((self.node.peer_id, form.CONTACT, 0))
        if contact and self.superseded is None:
            self.push(session, contact)  # REC-043

    def closed(self, session):
        self.links.pop(session, None)
        self.table.forget_link(session)

    # --- frames in -----------------------------------------------------------------------------

    def receive(self, session, kind, request_id, fields):
        if kind == REQUEST:
            self.node.send(session, REPLY, request_id, self.answer(fields["labels"]))
            return
        for data in fields["records"]:
            if session.alive:
                self.take(session, data, pushed=True)

    def answer_datagram(self, kind, fields, endpoint, room):
        return self.answer(fields["labels"], room)

    def answer(self, labels, room=LENGTH_MAX - 16):
        """The body of a RecordReply (REC-070 to REC-072)."""
        found = OrderedDict()
        for label in labels:
            origin, kind, index = label["origin"], label["kind"], label["index"]
            if kind == 0:
                named = sorted(held.record.label for held in self.table.of(origin))
            else:
                named = [(origin, kind, index)]
            for each in named:
                held = self.table.get(each)
                if held:
                    found[each] = held.record.data
        out = b""
        for data in list(found.values())[:MOST]:
            more = out + encode("RecordReply", records=[data])
            if len(more) > room:
                break
            out = more
        return out

    def take(self, session, data, pushed):
        """Judges an envelope from a peer; True when it is accepted."""
        try:
            record = form.Record(self.parameters, self.node.network_id, data)
            state = self.links.get(session)
            if record.origin == session.peer_id and state:
                state.brought = max(record.instance, state.brought or 0)
            self.judge(session, record, pushed)
        except Ruling as ruling:
            if ruling.verdict == "reject":
                self.node.scores.add(session, invalid=1)  # REC-031
            return False
        self.accept(session, record, pushed)
        return True

    def judge(self, session, record, pushed):
        """REC-020 to REC-027; REC-010 to REC-019 stand in record_form.py."""
        own = record.origin == self.node.peer_id
        held, wall = self.table.get(record.label), self.node.wall
        if held and held.record.id == record.id:
            held.links.add(session)
        if held and record.rank() <= held.record.rank():
            if record.rank() < held.record.rank():
                self.push_back(session, held)
            raise Ruling("ignore", "E_RECORD_OLD")  # REC-020
        if own and (record.instance, record.sequence) <= self.made:
            raise Ruling("ignore", "E_RECORD_OLD")
        if pushed and not own and record.origin != session.peer_id:
            form.check_past(self.parameters, record, wall)
        form.check_future(self.parameters, record, wall)
        form.check_over(self.parameters, record, self.staked(record.origin), wall)
        buckets = [] if own else self.quota(record.origin)
        if not all(bucket.holds(1, self.node.now) for bucket in buckets):
            raise Ruling("ignore", "E_ORIGIN_RATE")  # REC-024
        if record.kind != form.CONTACT and not held:
            others = [each for each in self.table.of(record.origin) if each.record.kind != form.CONTACT]
            if len(others) >= self.parameters["records.labels_max"]:
                raise Ruling("ignore", "E_RECORD_ROOM")  # REC-025
        record.check_signature()
        if not self.table.make_room(record):
            raise Ruling("ignore", "E_RECORD_ROOM")  # REC-027
        admit([(bucket, 1) for bucket in buckets], self.node.now)

    def quota(self, origin):
        now, p = self.node.now, self.parameters
        if len(self.buckets) > 4096:  # a full bucket is as good as none
            self.buckets = {k: b for k, b in self.buckets.items() if b.refill(now) < b.capacity}
        out = [self.buckets.setdefault(origin, Bucket(p["records.origin_per_s"], now))]
        if not self.staked(origin):
            out.append(self.buckets.setdefault(UNSTAKED, Bucket(p["records.unstaked_per_s"], now)))
        return out

    def accept(self, session, record, pushed):
        held = self.table.put(record, {session})
        numbers = (record.kind, record.index, record.instance, record.sequence, record.wallclock_ms)
        self.node.notice("records.accepted", [record.origin] + [each.to_bytes(8, "big") for each in numbers])
        if record.origin == self.node.peer_id:
            self.yield_to(record)
        else:
            for other, state in self.links.items():  # REC-054
                if other.peer_id == record.origin and state.brought is not None and state.brought < record.instance:
                    state.back[record.label] = self.node.now
                    self.push(other, held)
        if pushed:
            self.spread(held)

    # --- pushing -------------------------------------------------------------------------------

    def spread(self, held):
        """REC-060: once for each record, so never on more links than REC-062 allows."""
        if not self.may_spread(held):
            return
        record = held.record
        eligible = [s for s in self.links if s not in held.links and s.peer_id != record.origin]
        wanted = min(len(eligible), self.parameters["records.push_fanout"])
        for session in self.node.random.sample(eligible, wanted):
            self.push(session, held)

    def may_spread(self, held):
        """REC-065."""
        age = self.node.wall - held.record.wallclock_ms
        return held.record.origin == self.node.peer_id or age <= self.parameters["records.push_window_ms"]

    def push(self, session, held):
        held.links.add(session)
        self.links[session].pushes[held.record.label] = held

    def push_back(self, session, held):
        """REC-053."""
        state = self.links.get(session)
        if state is None or held.record.origin != session.peer_id:
            return
        last = state.back.get(held.record.label)
        if last is None or self.node.now - last > self.parameters["records.push_window_ms"]:
            state.back[held.record.label] = self.node.now
            self.push(session, held)

    def flush(self, session):
        """Sends the records that wait; the size of a frame that the peer's buckets hold back, or None."""
        state = self.links.get(session)
        while state and state.pushes:
            for label, held in list(state.pushes.items()):
                told_back = held.record.origin == session.peer_id
                if self.table.get(label) is not held or not (told_back or self.may_spread(held)):
                    del state.pushes[label]  # replaced, over, or too old by now
            batch = list(state.pushes)[:MOST]
            if not batch:
                return None
            body = encode("RecordPush", records=[state.pushes[label].record.data for label in batch])
            push = frame(PUSH, 0, body)
            if not self.node.may_send(session, "data", len(push)):
                return len(push)
            for label in batch:
                del state.pushes[label]
            self.node.emit(session, push)
        return None

    # --- own records ---------------------------------------------------------------------------

    def ttl(self, kind):
        return self.parameters["records.health_ttl_ms" if kind == form.HEALTH else "records.ttl_ms"]

    def place(self):
        """Role and supernodes, as the contact record says them (OVL-062)."""
        overlay = self.node.machines.get("overlay/1")
        if overlay is None:
            return 0, []
        return overlay.roles.role, [session.peer_id for session in overlay.roles.attachments()][:3]

    def settle(self):
        role, via = self.place()
        self.say(form.CONTACT, 0, bytes([role]) + b"".join(via) if role else b"")

    def own_body(self, kind):
        if kind == form.VERSION:
            return encode("VersionRecord", implementation="carillon-python", version="0.1.0", spec_revision="0.1")
        if kind == form.HEALTH:
            return encode("HealthRecord", sessions=len(self.node.links), uptime_ms=self.node.now - self.started)
        region = self.parameters["topology.region"]
        role, via = self.place()
        said = dict(roles=self.node.roles, region="" if region == "unknown" else region, via=via, overlay_role=role)
        addresses = list(self.node.listens)
        while True:
            texts = [form.body_bytes("Address", each) for each in addresses]
            body = encode("ContactRecord", addresses=texts, capabilities=self.node.offers(), **said)
            if len(self.envelope(form.CONTACT, 0, body, self.sequence)) <= self.parameters["records.record_bytes_max"]:
                return body
            addresses.pop()  # REC-040

    def envelope(self, kind, index, body, sequence):
        wallclock_ms = max(self.node.wall, self.instance)  # REC-042
        payload = form.write(kind, index, self.instance, sequence, wallclock_ms, self.ttl(kind), body)
        return identity.seal(self.node.network_id, "record", self.node.identity_seed, payload)

    def say(self, kind, index, body):
        """What the node says under a label changes; None: it says it no more."""
        own = self.own.setdefault((kind, index), Own())
        changed, own.body = body != own.body, body
        if own.timer:
            if not changed:
                return
            own.timer[0] = None
        if self.superseded is not None or body is None:
            return
        pause = 0
        if own.published is not None:
            pause = max(0, own.published + self.parameters["records.update_ms_min"] - self.node.now)  # REC-049
        if pause:
            own.timer = self.node.after(pause, lambda: self.publish(kind, index))
        else:
            self.publish(kind, index)

    def publish(self, kind, index):
        own, node = self.own[(kind, index)], self.node
        if self.superseded is not None or own.body is None:
            return
        if own.timer:
            own.timer[0] = None
        self.sequence += 1
        self.made = self.instance, self.sequence
        body = self.own_body(kind) if (kind, index) in ALWAYS else own.body
        record = form.Record(self.parameters, node.network_id, self.envelope(kind, index, body, self.sequence))
        own.published = node.now
        effective = min(record.ttl_ms, form.limit(self.parameters, self.staked(node.peer_id)))
        renewal = node.random.randint(effective // 3, max(effective // 3, effective // 2 - 1))  # REC-045, REC-048
        renewal = max(renewal, self.parameters["records.update_ms_min"])
        own.timer = node.after(renewal, lambda: self.publish(kind, index))
        if self.table.make_room(record):
            self.spread(self.table.put(record, set()))

    # --- superseded ----------------------------------------------------------------------------

    def yield_to(self, record):
        """REC-050 to REC-052."""
        if self.superseded is None:
            self.node.notice("records.superseded", [n.to_bytes(8, "big") for n in (record.instance, record.sequence)])
            for own in self.own.values():
                if own.timer:
                    own.timer[0] = None
                own.timer = None
        self.superseded = max(self.superseded or 0, record.instance)
        self.wait_to_take_up()

    def wait_to_take_up(self):
        if self.taking_up:
            self.taking_up[0] = None
        ends = [self.superseded + 1]
        ends += [held.over_at for held in self.table.of(self.node.peer_id) if not self.is_made(held.record)]
        self.taking_up = self.node.after(max(0, max(ends) - self.node.wall), self.take_up)

    def is_made(self, record):
        return (record.instance, record.sequence) <= self.made

    def take_up(self):
        self.taking_up = self.superseded = None
        self.instance = self.node.wall
        for kind, index in sorted(self.own):
            own = self.own[(kind, index)]
            own.published = None
            self.publish(kind, index)

    # --- the application -----------------------------------------------------------------------

    def command(self, token, name, args):
        if name == "records.set":
            return self.set(*args)
        if name == "records.get":
            held = self.table.get(tuple(args))
            return [held.record.data] if held else []
        if name == "records.list":
            out = []
            for held in sorted(self.table.all(), key=lambda held: held.record.label):
                r = held.record
                numbers = (r.kind, r.index, r.instance, r.sequence, r.wallclock_ms)
                out += [r.origin] + [each.to_bytes(8, "big") for each in numbers]
            return out
        return self.fetch(token, args[0])

    def set(self, kind, index, *bodies):
        if len(bodies) > 1:
            raise Refused("wrong number of arguments")
        if kind not in SETTABLE or index > form.INDEX_MAX[kind]:
            raise Coded("E_RECORD_FORM")
        if bodies:
            envelope = self.envelope(kind, index, bodies[0], 2**64 - 1)
            others = [label for label, own in self.own.items() if own.body is not None and label[0] != form.CONTACT]
            full = (kind, index) not in others and len(others) >= self.parameters["records.labels_max"]
            try:
                form.Record(self.parameters, self.node.network_id, envelope)
            except Ruling:
                full = True
            if full:
                raise Coded("E_RECORD_FORM")
        self.say(kind, index, bodies[0] if bodies else None)
        return []

    def fetch(self, token, origin):
        """Asks a session's peer for all records of the origin, the origin itself if it is there."""
        sessions = sorted(self.links, key=lambda session: session.peer_id != origin)
        if not sessions:
            return [bytes(8)]
        session = sessions[0]

        def answered(fields):
            accepted = 0
            for data in fields["records"] if fields else []:
                if session.alive and self.asked_for(data, origin):
                    accepted += self.take(session, data, pushed=False)  # REC-030
            self.node.outcome(token, "", [accepted.to_bytes(8, "big")])

        body = encode("RecordRequest", labels=[encode("RecordLabel", origin=origin)])
        self.node.ask(session, REQUEST, body, self.parameters["session.pong_timeout_ms"], answered)
        return None

    def asked_for(self, data, origin):
        """REC-073; what is no record at all is judged as such."""
        try:
            return form.Record(self.parameters, self.node.network_id, data).origin == origin
        except Ruling:
            return True

    # --- as a set of chapter 07 ----------------------------------------------------------------

    def set_items(self):
        """id -> time of each item."""
        return {held.record.id: held.record.wallclock_ms for held in self.table.all()}

    def set_item(self, id):
        """The bytes of an item, or None."""
        held = self.table.find(id)
        return held.record.data if held else None

    def set_pulled(self, session, data):
        """Judges what was fetched (RCN-046)."""
        self.take(session, data, pushed=False)


register(
    "records/1",
    "records.mode",
    Records,
    {
        PUSH: ("RecordPush", "data", 30000, "notice", "records/1"),
        REQUEST: ("RecordRequest", "inventory", 2048, "request", "records/1"),
        REPLY: ("RecordReply", "sync", 30000, "reply", "records/1"),
    },
    {REQUEST: REPLY},
    {
        "records.set": ("u64", "u64", "bytes*"),
        "records.get": ("32", "u64", "u64"),
        "records.list": (),
        "records.fetch": ("32",),
    },
)
