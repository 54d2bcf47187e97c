"""Gossip (chapter 05): verdicts, active links, pushing, announcing and asking, pruning."""

import math
import re
from collections import OrderedDict, deque

import identity
from pool import has_body
from errors import Coded, Refused, Ruling
from rates import Bucket, Window, admit
from wire import encode, frame

UNSTAKED = bytes(32)  # stands for every origin without stake
TOPIC = re.compile(r"[a-z0-9/-]{1,64}")
SERVED = re.compile(r"app/[a-z0-9-]{1,32}")
PUSH, PRUNE, GRAFT, IHAVE, IWANT, IDONTWANT = 32, 36, 38, 40, 42, 44
PUSH_LENGTH_MAX, ITEMS_MAX, IDS_MAX, IDONTWANT_MAX, ORIGINS_MAX = 65516, 64, 1000, 512, 32


def active_size(network_size, smallest):
    """GSP-030; the logarithm of a whole number above 1 is never whole, so rounding cannot hurt."""
    return smallest if network_size < 2 else max(smallest, math.ceil(math.log(network_size) + 5))


# --- verdicts ----------------------------------------------------------------------------------


class Examined:
    """An envelope that GSP-010 to GSP-014 let pass."""

    def __init__(self, envelope):
        self.envelope = envelope
        self.created_ms = envelope.fields["created_ms"]
        self.data = envelope.fields.get("data")

    def check_time(self, parameters, wall_ms):
        if wall_ms - self.created_ms > parameters["clock.past_ms_max"]:
            raise Ruling("ignore", "E_TIME")  # GSP-016
        if self.created_ms - wall_ms > parameters["clock.future_ms_max"]:
            raise Ruling("ignore", "E_TIME")  # GSP-017

    def check_signature(self, network_id):
        self.envelope.check_signature(network_id)  # GSP-018


def examine(parameters, topic, hops, data, pool=False):
    """`pool` says whether the node serves topic `tx` as well (MEM-001 to MEM-004)."""
    transaction = pool and topic == "tx"
    if len(data) > parameters["mempool.transaction_bytes_max" if transaction else "gossip.message_bytes_max"]:
        raise Ruling("reject", "E_SIZE")  # GSP-010, MEM-002
    if hops > parameters["gossip.hops_max"]:
        raise Ruling("ignore", "E_STRUCTURE")  # GSP-011
    if not transaction and not SERVED.fullmatch(topic):
        raise Ruling("ignore", "E_TOPIC")  # GSP-012, MEM-004
    envelope = identity.Envelope(data, "transaction" if transaction else "app")  # GSP-013
    if transaction and not has_body(envelope.fields):
        raise Ruling("reject", "E_STRUCTURE")  # MEM-003
    if not transaction and envelope.fields["topic"] != topic:
        raise Ruling("reject", "E_TOPIC")  # GSP-014
    return Examined(envelope)


# --- state -------------------------------------------------------------------------------------


class Message:
    """One that the node accepted or published."""

    def __init__(self, id, topic, envelope, hops, hops_on, key, own, now):
        self.id = id
        self.topic = topic
        self.envelope = envelope
        self.hops = hops  # as it came
        self.hops_on = hops_on  # as sent on (GSP-043)
        self.key = key  # the origin for Prunes: its PeerId, or UNSTAKED
        self.own = own
        self.at = now
        self.announce_to = []


class Memory:
    """Ids with the time they came, kept for `ttl` ms, its last millisecond included. Exact."""

    def __init__(self, node, ttl):
        self.node = node
        self.ttl = ttl
        self.times = OrderedDict()

    def add(self, id):
        self.forget()
        self.times.setdefault(id, self.node.now)

    def __contains__(self, id):
        self.forget()
        return id in self.times

    def forget(self):
        while self.times and next(iter(self.times.values())) < self.node.now - self.ttl:
            self.times.popitem(last=False)


class LinkState:
    """What gossip knows of one session."""

    def __init__(self, node):
        parameters = node.parameters
        beat = parameters["gossip.heartbeat_ms"]
        self.known = Memory(node, parameters["gossip.seen_ttl_ms"])  # what the link is known to have
        self.pushes = deque()  # (Message, asked for) that wait to be sent
        self.idontwant = []
        self.iwant = []
        self.answered = {}  # id -> sends in answer to Iwants (GSP-053)
        self.wanted = set()  # ids announced here that wait for their messages (GSP-078)
        self.promises = {}  # id -> timer of an Iwant of ours
        self.asked = Memory(node, parameters["gossip.seen_ttl_ms"])  # ids of our Iwants
        self.muted = {}  # key -> end of the peer's Prune
        self.pruned = {}  # key -> end of our Prune
        self.ihave_ids = Window(parameters["gossip.ihave_ids_per_heartbeat"], beat)
        self.ihave_frames = Window(parameters["gossip.ihave_frames_per_heartbeat"], beat)
        self.iwant_ids = Window(parameters["gossip.iwant_ids_per_heartbeat"], beat)
        self.idontwant_ids = Window(parameters["gossip.idontwant_ids_per_heartbeat"], beat)
        # The same bounds on what we send: more would be ignored over there.
        self.own_ihave_ids = Window(parameters["gossip.ihave_ids_per_heartbeat"], beat)
        self.own_ihave_frames = Window(parameters["gossip.ihave_frames_per_heartbeat"], beat)
        self.own_iwant_ids = Window(parameters["gossip.iwant_ids_per_heartbeat"], beat)
        self.own_idontwant_ids = Window(parameters["gossip.idontwant_ids_per_heartbeat"], beat)


class Count:
    """Who brings the messages of one origin, since the last count (Pruning)."""

    def __init__(self):
        self.pushers = {}  # id of a counted message -> links that pushed a copy
        self.credits = OrderedDict()  # session -> credits
        self.origins = set()  # of the counted messages: more than one for the zero origin


class Gossip:
    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.links = {}  # session -> LinkState, for gossip links only
        self.others = {}  # session without gossip -> LinkState
        self.active = []
        self.rotation = None
        self.beat = None
        self.seen = Memory(node, self.parameters["gossip.seen_ttl_ms"])  # accepted (GSP-015, GSP-029)
        self.published = Memory(node, self.parameters["gossip.seen_ttl_ms"])
        self.flood = {}  # origin, or UNSTAKED for the common one -> Bucket
        self.store = OrderedDict()  # id -> Message, for Iwants
        self.stored_bytes = 0
        self.fresh = []  # messages to announce at the next heartbeat
        self.wanted = {}  # id -> announcers not yet asked
        self.counts = OrderedDict()  # key -> Count, least recently used first
        self.sequence = node.random.getrandbits(63)

    def key(self, origin):
        return origin if origin in self.node.stakes else UNSTAKED

    # --- links ---------------------------------------------------------------------------------

    def opened(self, session):
        if "gossip/1" in session.capabilities:
            self.links[session] = LinkState(self.node)

    def closed(self, session):
        state = self.links.pop(session, None)
        self.others.pop(session, None)
        if state is None:
            return
        if session in self.active:
            self.active.remove(session)
        for count in self.counts.values():
            count.credits.pop(session, None)
        for sources in self.wanted.values():
            if session in sources:
                sources.remove(session)

    def eligible(self):
        return [session for session in self.links if self.node.scores.may_gossip(session)]

    def size(self):
        """GSP-030, with the estimate of chapter 08 where no size is configured (DHT-111)."""
        known, machine = self.parameters["gossip.network_size"], self.node.machines.get("dht/1")
        return active_size(known or (machine.size() if machine else 0), self.parameters["gossip.active_min"])

    def settle(self):
        """GSP-031: fill the active links, and drop those that lost the right. Then queue ids."""
        eligible = self.eligible()
        self.active = [session for session in self.active if session in eligible]
        others = [session for session in eligible if session not in self.active]
        size = self.size()
        del self.active[size:]
        while others and len(self.active) < size:
            self.active.append(others.pop(self.node.random.randrange(len(others))))
        if others and self.rotation is None:
            self.rotation = self.node.after(self.parameters["gossip.rotation_ms"], self.rotate)
        for session, state in self.links.items():
            granted = state.own_idontwant_ids.take(len(state.idontwant), self.node.now) if state.idontwant else 0
            self.send_ids(session, IDONTWANT, "Idontwant", state.idontwant[:granted], IDONTWANT_MAX)
            self.send_ids(session, IWANT, "Iwant", state.iwant, IDS_MAX)
            state.idontwant, state.iwant = [], []

    def send_ids(self, session, kind, name, ids, most, **more):
        for i in range(0, len(ids), most):
            self.node.send(session, kind, 0, encode(name, ids=ids[i : i + most], **more))

    def rotate(self):
        """GSP-032."""
        self.rotation = None
        others = [session for session in self.eligible() if session not in self.active]
        if others and self.active:
            out = self.node.random.randrange(len(self.active))
            self.active[out] = others[self.node.random.randrange(len(others))]

    # --- frames in -----------------------------------------------------------------------------

    def receive(self, session, kind, fields):
        state, now = self.links[session], self.node.now
        if kind in (PUSH, IHAVE) and not TOPIC.fullmatch(fields["topic"]):
            raise Coded("E_MALFORMED")  # GSP-001
        if kind == PUSH:
            for item in fields["items"]:
                if session.alive:
                    self.judge(session, fields["topic"], item["hops"], item["envelope"])
        elif kind == PRUNE:
            backoff = min(fields["backoff_ms"], self.parameters["gossip.prune_backoff_ms_max"])
            for origin in fields["origins"]:
                if origin == UNSTAKED or origin in self.node.stakes:  # GSP-065
                    state.muted[origin] = max(state.muted.get(origin, 0), now + backoff)  # GSP-061
        elif kind == GRAFT:
            for origin in fields["origins"]:
                state.muted.pop(origin, None)
        elif kind == IDONTWANT:
            for id in fields["ids"][: state.idontwant_ids.take(len(fields["ids"]), now)]:
                state.known.add(id)
        elif self.node.scores.may_gossip(session):  # GSP-094
            (self.on_ihave if kind == IHAVE else self.on_iwant)(session, state, fields)

    def state(self, session):
        """What is known of a session; of one without gossip it is kept for its transactions alone."""
        if session in self.links:
            return self.links[session]
        if session.alive and session not in self.others:
            self.others[session] = LinkState(self.node)
        return self.others.get(session) or LinkState(self.node)

    def knowledge(self, session):
        """The ids that the session's peer is known to have."""
        return self.state(session).known

    def takes(self, session, topic):
        """MEM-026."""
        return topic != "tx" or "mempool/1" in session.capabilities

    def serves(self, topic):
        return SERVED.fullmatch(topic) or (topic == "tx" and "mempool/1" in self.node.machines)

    def judge(self, session, topic, hops, data):
        node, now, state = self.node, self.node.now, self.state(session)
        pool = node.machines.get("mempool/1")
        try:
            message = examine(self.parameters, topic, hops, data, pool is not None)
            envelope = message.envelope
            id = envelope.id(node.network_id)
            key = self.key(envelope.origin)
            # Pushed in time, whatever it is worth. The timer stays: if what came is not accepted,
            # the next announcer is asked.
            state.promises.pop(id, None)
            if id in self.seen:
                state.known.add(id)
                self.credit(self.counts.get(key), session, id)
                raise Ruling("ignore", "E_DUPLICATE")  # GSP-015
            message.check_time(self.parameters, node.wall)
            message.check_signature(node.network_id)
            state.known.add(id)
            if envelope.origin == node.peer_id:
                raise Ruling("ignore", "E_DUPLICATE")  # GSP-019
            if not self.flood_lets_pass(envelope.origin):
                raise Ruling("ignore", "E_ORIGIN_RATE")  # GSP-020
            code = pool.offer(id, data, envelope) if topic == "tx" else ""
            if code:
                self.give_back(envelope.origin)
                raise Ruling("ignore", code)  # MEM-010 to MEM-016
        except Ruling as ruling:
            if ruling.verdict == "reject":
                node.scores.add(session, invalid=1)
            return
        hops_on = min(hops + 1, self.parameters["gossip.hops_max"])
        self.accept(session, state, Message(id, topic, data, hops, hops_on, key, False, now), message)

    def flood_lets_pass(self, origin):
        now, per_second = self.node.now, self.parameters["gossip.origin_per_s"]
        if len(self.flood) > 4096:  # a full bucket is as good as none
            self.flood = {k: b for k, b in self.flood.items() if b.refill(now) < b.capacity}
        wanted = [self.flood.setdefault(origin, Bucket(per_second, now))]
        if origin not in self.node.stakes:
            wanted.append(self.flood.setdefault(UNSTAKED, Bucket(self.parameters["gossip.unstaked_per_s"], now)))
        return admit([(bucket, 1) for bucket in wanted], now)

    def give_back(self, origin):
        """The charge of a message that was not accepted."""
        for key in (origin, UNSTAKED):
            if key == origin or origin not in self.node.stakes:
                self.flood[key].take(-1)

    def accept(self, session, state, message, examined):
        node = self.node
        self.seen.add(message.id)
        origin = examined.envelope.origin
        if message.topic != "tx":  # MEM-027
            delivery = {"topic": message.topic, "id": message.id, "origin": origin, "data": examined.data}
            node.effects.append((node.now, "deliver", delivery))  # GSP-022
        self.wanted.pop(message.id, None)
        for other in self.links.values():
            other.wanted.discard(message.id)
        self.count(session, message, origin)
        if message.id in state.asked and state.pruned.get(message.key, 0) > node.now:
            del state.pruned[message.key]
            node.send(session, GRAFT, 0, encode("Graft", origins=[message.key]))  # GSP-075
        if len(message.envelope) >= self.parameters["gossip.idontwant_bytes_min"]:
            for other in self.eager(message.id, session):
                if message.id not in self.links[other].known and self.takes(other, message.topic):
                    self.links[other].idontwant.append(message.id)  # GSP-069
        overlay = node.machines.get("overlay/1")
        if overlay:
            overlay.accepted(session, origin)
        self.spread(message, session)
        node.scores.add(session, first=1)

    # --- pushing -------------------------------------------------------------------------------

    def publish(self, topic, data):
        node = self.node
        envelope = own_envelope(node, topic, self.sequence, data)
        self.sequence += 1
        id = identity.Envelope(envelope, "app").id(node.network_id)
        self.published.add(id)
        self.spread(Message(id, topic, envelope, 0, 0, self.key(node.peer_id), True, node.now))

    def fits(self, topic, data):
        try:
            publishable(self.node, topic, data)
            return True
        except Refused:
            return False

    def submitted(self, id, topic, envelope, origin):
        """What the application brought, whoever signed it."""
        self.seen.add(id)
        own = origin == self.node.peer_id
        self.spread(Message(id, topic, envelope, 0, 0, self.key(origin), own, self.node.now))

    def eager(self, id, came_on=None):
        """On which links a message is pushed at once: the active ones, or what chapter 09 chooses."""
        overlay = self.node.machines.get("overlay/1")
        return overlay.eager(id, came_on) if overlay else self.active

    def spread(self, message, came_on=None):
        self.store[message.id] = message
        self.stored_bytes += len(message.envelope)
        while self.stored_bytes > self.parameters["gossip.message_cache_bytes_max"] or (
            next(iter(self.store.values())).at < self.node.now - self.parameters["gossip.message_cache_ms"]
        ):
            self.stored_bytes -= len(self.store.popitem(last=False)[1].envelope)
        if message.hops < self.parameters["gossip.hops_max"]:  # GSP-044
            for session in self.eager(message.id, came_on):
                if self.takes(session, message.topic) and self.may_push(self.links[session], message):
                    self.links[session].pushes.append((message, False))
        message.announce_to = [session for session in self.links if self.takes(session, message.topic)]
        self.fresh.append(message)
        self.want_heartbeat()

    def may_push(self, state, message):
        muted = not message.own and state.muted.get(message.key, 0) > self.node.now  # GSP-060, GSP-064
        return message.id not in state.known and not muted

    def flush(self, session):
        """Sends the Pushes that wait; the size of one that the peer's buckets hold back, or None."""
        state, node = self.links.get(session), self.node
        while state and state.pushes:
            message, asked = state.pushes[0]
            if not asked and not self.may_push(state, message):
                state.pushes.popleft()
                continue
            room = min(session.sent["data"][1].room(node.now), PUSH_LENGTH_MAX)
            body, taken, batch = encode("Push", topic=message.topic), 0, 0
            size = len(body) + 10
            while taken < min(ITEMS_MAX, len(state.pushes)):
                each, each_asked = state.pushes[taken]
                if each.topic != message.topic or (taken and not each_asked and not self.may_push(state, each)):
                    break
                item = encode("Push", items=[encode("PushItem", hops=each.hops_on, envelope=each.envelope)])
                batch += len(each.envelope)
                if taken and size + len(item) > room:
                    break
                if message.topic == "tx" and batch > self.parameters["mempool.batch_bytes_max"]:
                    break  # MEM-032
                body, size, taken = body + item, size + len(item), taken + 1
            push = frame(PUSH, 0, body)
            if not node.may_send(session, "data", len(push)):
                return len(push)
            for _ in range(taken):
                state.known.add(state.pushes.popleft()[0].id)
            node.emit(session, push)
            if "overlay/1" in node.machines:
                node.machines["overlay/1"].push_left(len(body))
        return None

    # --- heartbeat: announcing and pruning -----------------------------------------------------

    def want_heartbeat(self):
        if self.beat is None:
            self.beat = self.node.on_beat(self.parameters["gossip.heartbeat_ms"], self.heartbeat)

    def heartbeat(self):
        self.beat = None
        fresh, later = self.fresh, {}
        for session, state in self.links.items():
            if not self.node.scores.may_gossip(session):
                continue
            by_topic, now = {}, self.node.now
            for message in fresh:
                if session not in message.announce_to or message.id in state.known:
                    continue
                new_frame = message.topic not in by_topic
                if (new_frame and not state.own_ihave_frames.take(1, now)) or not state.own_ihave_ids.take(1, now):
                    later[message.id] = message  # more than the peer takes in one window
                    continue
                state.known.add(message.id)  # GSP-051
                by_topic.setdefault(message.topic, []).append(message.id)
            for topic, ids in by_topic.items():
                self.send_ids(session, IHAVE, "Ihave", ids, IDS_MAX, topic=topic)
        self.fresh = list(later.values())
        self.prune()
        if self.fresh:
            self.want_heartbeat()

    # --- asking --------------------------------------------------------------------------------

    def on_ihave(self, session, state, fields):
        now = self.node.now
        ids = fields["ids"]
        if not state.ihave_frames.take(1, now):
            return
        for id in ids[: state.ihave_ids.take(len(ids), now)]:  # GSP-059
            state.known.add(id)
            if id in self.seen or id in self.published or not self.serves(fields["topic"]):
                continue
            if not self.takes(session, fields["topic"]):
                continue
            sources = self.wanted.get(id)
            if len(state.wanted) >= self.parameters["gossip.wanted_per_link_max"]:
                continue  # GSP-078
            if sources is None:
                self.wanted[id] = [session]
                state.wanted.add(id)
                self.node.after(self.parameters["gossip.ihave_wait_ms"], lambda id=id: self.ask(id))
            elif session not in sources and len(sources) < self.parameters["gossip.sources_max"]:
                sources.append(session)
                state.wanted.add(id)

    def ask(self, id):
        """GSP-055, GSP-058: the next announcer, or nobody is left."""
        sources = self.wanted.get(id)
        if sources is None:
            return
        while sources:
            session = sources[0]
            state = self.links[session]
            if not state.own_iwant_ids.take(1, self.node.now):  # it would be ignored: a little later
                self.node.after(self.parameters["gossip.heartbeat_ms"] // 4, lambda: self.ask(id))
                return
            sources.pop(0)
            state.iwant.append(id)
            state.asked.add(id)
            state.promises[id] = self.node.after(
                self.parameters["gossip.iwant_timeout_ms"], lambda: self.not_answered(session, state, id)
            )
            return
        del self.wanted[id]
        for state in self.links.values():
            state.wanted.discard(id)

    def not_answered(self, session, state, id):
        if state.promises.pop(id, None):
            self.node.scores.add(session, behaviour=1)  # GSP-095
        self.ask(id)

    def on_iwant(self, session, state, fields):
        now = self.node.now
        ids = fields["ids"][: state.iwant_ids.take(len(fields["ids"]), now)]  # GSP-054
        if len(state.answered) > 8192:
            state.answered = {id: sends for id, sends in state.answered.items() if id in self.store}
        overlay = self.node.machines.get("overlay/1")
        for id in dict.fromkeys(ids):
            message = self.store.get(id)
            if overlay:
                overlay.iwant_came(message is not None, message is None and id in state.known)
            if message is None or now - message.at > self.parameters["gossip.message_cache_ms"]:
                continue
            if not self.takes(session, message.topic):
                continue
            sends = state.answered.get(id, 0)
            if sends < self.parameters["gossip.iwant_sends_max"]:  # GSP-053
                state.answered[id] = sends + 1
                state.pushes.append((message, True))

    # --- pruning -------------------------------------------------------------------------------

    def count(self, session, message, origin):
        count = self.counts.setdefault(message.key, Count())
        self.counts.move_to_end(message.key)
        while len(self.counts) > self.parameters["gossip.prune_origins_tracked_max"]:
            self.counts.popitem(last=False)
        count.pushers[message.id] = []
        count.origins.add(origin)
        self.credit(count, session, message.id)

    def credit(self, count, session, id):
        """A copy came: the first and the second link that push a message earn a credit."""
        if count is None or session not in self.links or session in count.pushers.get(id, [session]):
            return
        count.pushers[id].append(session)
        count.credits.setdefault(session, 0)
        count.credits.move_to_end(session)
        if len(count.pushers[id]) <= 2:
            count.credits[session] += 1
        while len(count.credits) > self.parameters["gossip.prune_links_tracked_max"]:
            count.credits.popitem(last=False)

    def prune(self):
        stakes, now = self.node.stakes, self.node.now
        backoff = self.parameters["gossip.prune_ms"]
        prunes = {}  # session -> origins
        for key, count in list(self.counts.items()):
            if len(count.pushers) < self.parameters["gossip.prune_after"]:
                continue
            del self.counts[key]
            smaller = min(stakes.get(self.node.peer_id, 0), stakes.get(key, 0))
            order = sorted(count.credits, key=lambda s: (-count.credits[s], -stakes.get(s.peer_id, 0), s.peer_id))
            kept = kept_stake = 0
            for session in order:
                enough = kept_stake * 100 >= self.parameters["gossip.prune_stake_percent"] * smaller
                if kept < self.parameters["gossip.prune_keep_min"] or not enough:
                    kept, kept_stake = kept + 1, kept_stake + stakes.get(session.peer_id, 0)
                elif session.peer_id not in count.origins:  # GSP-074
                    self.links[session].pruned[key] = now + backoff
                    prunes.setdefault(session, []).append(key)
        for session, keys in prunes.items():
            for i in range(0, len(keys), ORIGINS_MAX):  # GSP-076
                body = encode("Prune", origins=keys[i : i + ORIGINS_MAX], backoff_ms=backoff)
                self.node.send(session, PRUNE, 0, body)


# --- helpers -----------------------------------------------------------------------------------


def own_envelope(node, topic, sequence, data):
    payload = encode("AppPayload", version=1, created_ms=node.wall, topic=topic, sequence=sequence, data=data)
    return identity.seal(node.network_id, "app", node.identity_seed, payload)


def publishable(node, topic, data):
    if not SERVED.fullmatch(topic):
        raise Refused("the node does not serve the topic")
    if len(data) + 256 > 65000 or len(own_envelope(node, topic, 2**64 - 1, data)) > node.parameters["gossip.message_bytes_max"]:
        raise Refused("the message would be too long")
