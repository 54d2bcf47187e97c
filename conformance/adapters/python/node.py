"""A node without sockets: clock, links, frames, rates, Ping, GoAway (chapters 03 and 04).

Everything happens inside one call: an input, or a timer that Advance fires. What the node does is
appended to `effects` as (time, kind, fields). Sessions start established; the handshake is not here.
"""

import heapq
import itertools
import random

import addresses
import crypto
from datagrams import Datagrams
from errors import Coded, Refused, Unsupported
from gossip import Gossip, publishable
from identity import peer_id
from parameters import CLASSES, configuration
from rates import Bucket, admit
from scores import Scores
from wire import encode, frame, next_frame, read_body

CODES = {  # those that travel (chapter 20)
    name: number
    for number, name in enumerate(
        "E_SHUTDOWN E_VARINT E_FRAME_LENGTH E_FRAME_SIZE E_UNKNOWN_KIND E_REQUEST_ID E_MALFORMED E_LIMIT E_RATE"
        " E_SCORE E_PING_TIMEOUT E_DUPLICATE_SESSION E_BUSY E_VERSION E_SELF E_PEER_MISMATCH E_BANNED"
        " E_SUBNET E_BUDGET E_REGION E_EVICTED E_PRUNED".split(),
        start=1,
    )
}

PING, PONG, GOAWAY, PUSH, PRUNE, GRAFT, IHAVE, IWANT, IDONTWANT = 2, 4, 6, 32, 36, 38, 40, 42, 44
KINDS = {  # body, class, length at most, role, capability needed
    PING: ("Ping", "control", 64, "request", None),
    PONG: ("Pong", "control", 64, "reply", None),
    GOAWAY: ("GoAway", "control", 64, "notice", None),
    PUSH: ("Push", "data", 65516, "notice", "gossip/1"),
    PRUNE: ("Prune", "control", 1280, "notice", "gossip/1"),
    GRAFT: ("Graft", "control", 1280, "notice", "gossip/1"),
    IHAVE: ("Ihave", "inventory", 35072, "notice", "gossip/1"),
    IWANT: ("Iwant", "inventory", 35072, "notice", "gossip/1"),
    IDONTWANT: ("Idontwant", "inventory", 18432, "notice", "gossip/1"),
}
CAPABILITIES = ["gossip/1"]  # and those of the machines below
MACHINES = {}  # capability -> (parameter that turns it on, class); each module registers its own
COMMANDS = {}  # command -> (capability, kinds of arguments as in functions.py)
ANSWERS = {PING: PONG}  # request -> reply


def register(capability, mode, machine, kinds, answers, commands):
    """Adds a further chapter: its frame kinds, which of them answer which, and its commands."""
    CAPABILITIES.append(capability)
    CAPABILITIES.sort()
    MACHINES[capability] = mode, machine
    KINDS.update(kinds)
    ANSWERS.update(answers)
    COMMANDS.update({name: (capability, arguments) for name, arguments in commands.items()})


def session_capabilities(ours, theirs):
    """SES-022, and direct/1 out of it where gossip/1 is in it."""
    common = [each for each in ours if each in theirs]
    return [each for each in common if each != "direct/1" or "gossip/1" not in common]


class Dial:
    def __init__(self, address=None, expected=None, callback=None, timer=None, wanted=True):
        self.wanted = wanted  # by the operator or chapter 10, and not for a question alone
        self.address = address
        self.expected = expected
        self.callback = callback
        self.timer = timer or [None]

    def end(self, session):
        """Once; a connection that comes later is taken all the same."""
        self.timer[0] = None
        callback, self.callback = self.callback, None
        if callback:
            callback(session)


class Session:
    def __init__(self, node, link, outbound, address, peer, capabilities, listens=(), roles=1):
        self.roles = roles
        self.transient = False  # dialled for a question only
        self.used = node.now  # last frame of a class other than control
        self.link = link
        self.listens = listens  # listen addresses of the hello, as fields of Address
        self.dialled = None  # the address that was dialled for it
        self.asks = {}  # request id -> (kind of the reply, callback, timeout timer)
        self.outbound = outbound
        self.address = address
        self.peer_id = peer
        self.capabilities = capabilities
        self.opened = node.now
        self.alive = True
        self.received = node.buckets()
        self.sent = node.buckets()  # the other side's, as far as they can be known (SES-065)
        self.waiting = {name: [] for name in CLASSES}  # frames that these buckets hold back
        self.drain = None  # the timer that tries again
        self.overruns = {name: (0, 0) for name in CLASSES}  # count, time of the last
        self.pings = {}  # request id -> (nonce, timeout timer) of Pings that wait
        self.pinged = {}  # request id -> when
        self.next_request = 1
        self.nonce = node.random.getrandbits(64)  # counts up from here: never twice (SES-056)
        self.ping_timer = None


class Node:
    def __init__(
        self, seed, identity_seed, network_id, preset, overrides, wall_start_ms, stakes, roles=1, listens=(), hints=(), ledger=None, protected=()
    ):
        if len(seed) != 32 or len(identity_seed) != 32:
            raise Refused("a seed is not 32 bytes long")
        if not 1 <= len(network_id) <= 32:
            raise Refused("a network id is not 1 to 32 bytes long")
        if any(len(peer) != 32 for peer, _ in stakes) or len(dict(stakes)) != len(stakes):
            raise Refused("the stake table names a PeerId twice or one that is not 32 bytes long")
        self.parameters = configuration(preset, overrides)
        if self.parameters["gossip.mode"] == "off":
            raise Unsupported("gossip.mode off needs direct/1")
        self.identity_seed = identity_seed
        self.public_key = crypto.ed25519_public(identity_seed)
        self.peer_id = peer_id(1, self.public_key)
        self.network_id = network_id
        self.wall_start_ms = wall_start_ms
        self.roles = roles
        self.listens = listens  # what the hello says, as fields of Address
        self.ledger = ledger  # (when slot 0 begins, account -> (next nonce, balance), leaders by slot)
        self.protected = protected  # PeerIds that the operator names
        self.hints = hints  # where the first peers are, as texts
        self.dial_numbers = itertools.count(1)
        self.stakes = {peer: amount for peer, amount in stakes if amount > 0}
        self.random = random.Random(seed)  # goes on over Restart, so nothing is chosen twice
        self.now = 0
        self.used_links = set()
        self.effects = []
        self.boot()

    # --- life ----------------------------------------------------------------------------------

    def boot(self):
        """Everything volatile; what lasts is the identity, the configuration and the clock."""
        self.running = True
        self.timers = []  # heap of (when, order, [callback]); a cancelled one is [None]
        self.order = itertools.count()
        self.links = {}  # link -> Session
        self.scores = Scores(self)
        self.names = {}  # DNS name -> who waits for its texts
        self.dials = {}  # number -> Dial
        self.rests = {}  # PeerId or address -> end of the rest that its GoAway asked for (SES-071)
        self.datagrams = Datagrams(self)
        self.gossip = Gossip(self)
        self.machines = {}
        for capability, (mode, machine) in MACHINES.items():
            if mode is None or capability in self.offers():
                self.machines[capability] = machine(self)

    def offers(self):
        """SES-028."""
        on = [each for each in CAPABILITIES if each not in MACHINES or self.parameters[MACHINES[each][0]] == "on"]
        return [each for each in on if each != "mempool/1" or self.ledger]  # no pool without a ledger

    def crash(self):
        self._need_running()
        self.timers, self.links, self.machines, self.running = [], {}, {}, False

    def restart(self):
        if self.running:
            raise Refused("the node runs")
        self.boot()

    def _need_running(self):
        if not self.running:
            raise Refused("the node is down")

    @property
    def wall(self):
        return self.wall_start_ms + self.now

    def buckets(self):
        rate = self.parameters
        return {
            name: tuple(Bucket(rate["rate.%s.%s_per_s" % (name, unit)], self.now) for unit in ("messages", "bytes"))
            for name in CLASSES
        }

    # --- clock ---------------------------------------------------------------------------------

    def after(self, delay, callback):
        timer = [callback]
        heapq.heappush(self.timers, (self.now + delay, next(self.order), timer))
        return timer

    def on_beat(self, period, callback):
        """At the next whole multiple of the period."""
        return self.after(period - self.now % period, callback)

    def next_wake(self):
        while self.timers and self.timers[0][2][0] is None:
            heapq.heappop(self.timers)
        return self.timers[0][0] if self.timers else None

    def advance(self, to_ms, until):
        """`until` is "wake", "effect" or "target". A wake is all that falls due in one millisecond."""
        if to_ms < self.now:
            raise Refused("the clock does not go back")
        while (wake := self.next_wake()) is not None and wake <= to_ms:
            self.now, before = wake, len(self.effects)
            while self.next_wake() == wake:
                heapq.heappop(self.timers)[2][0]()
                self.settle()
            if until == "wake" or (until == "effect" and len(self.effects) > before):
                return
        self.now = to_ms

    def settle(self):
        """After each input and timer: choose active links, send what has gathered."""
        self.gossip.settle()
        if "records/1" in self.machines:
            self.machines["records/1"].settle()
        for session in list(self.links.values()):
            self.flush(session)

    # --- links ---------------------------------------------------------------------------------

    def open(self, link, outbound, address, public_key, offered, listens=(), dial_number=0, roles=1):
        self._need_running()
        if dial_number and dial_number not in self.dials:
            raise Refused("no such dial")
        if link in self.used_links:
            raise Refused("the link's number was used before")
        if len(public_key) != 32:
            raise Refused("a public key is not 32 bytes long")
        self.used_links.add(link)
        peer = peer_id(1, public_key)
        session = Session(self, link, outbound, address, peer, session_capabilities(self.offers(), offered), listens, roles)
        twin = next((other for other in self.links.values() if other.peer_id == peer), None)
        full = len(self.links) >= self.parameters["session.sessions_max"]
        self.links[link] = session
        self.scores.opened(session)
        bits = self.parameters["identity.puzzle_bits"]
        dial = self.dials.pop(dial_number, Dial())
        session.dialled, session.transient = dial.address, not dial.wanted
        if dial.expected and peer != dial.expected:
            self.close(session, "E_PEER_MISMATCH")  # SES-018
        elif peer == self.peer_id:
            self.close(session, "E_SELF")
        elif bits and int.from_bytes(crypto.sha256(peer), "big") >> (256 - bits):
            self.close(session, "E_PUZZLE")  # IDN-070
        elif self.scores.graylisted(session):
            self.close(session, "E_SCORE")  # GSP-092
        elif twin and not self._second_stays(twin, session):
            self.close(session, "E_DUPLICATE_SESSION")
        elif full and not twin:
            self.close(session, "E_BUSY")  # SES-043
        else:
            if twin:
                self.close(twin, "E_DUPLICATE_SESSION")
            if self.machines["topology"].admit(session):
                self._begin(session)
        dial.end(session if session.alive else None)
        self.settle()

    def _begin(self, session):
        session.ping_timer = self.after(self.parameters["session.ping_interval_ms"], lambda: self._ping(session))
        self.gossip.opened(session)
        for machine in self.machines.values():
            if session.alive:
                machine.opened(session)

    def _second_stays(self, first, second):
        """SES-040 to SES-042."""
        if first.outbound == second.outbound:
            return True
        if self.now - first.opened >= self.parameters["session.handshake_timeout_ms"]:
            return True
        return second.outbound == (self.peer_id < second.peer_id)  # the smaller PeerId dialled

    def session_of(self, peer):
        return next((session for session in self.links.values() if session.peer_id == peer), None)

    def dial(self, address, expected, timeout_ms, callback, wanted=False):
        """Asks for a connection; the callback gets the session, or None."""
        if any(self.rests.get(key, 0) > self.now for key in (address, expected)):
            return callback(None) if callback else None  # SES-071
        number = next(self.dial_numbers)
        timer = self.after(timeout_ms, lambda: self.dials[number].end(None)) if callback else [None]
        self.dials[number] = Dial(address, expected, callback, timer, wanted)
        self.effects.append((self.now, "dial", {"dial": number, "address": address}))
        return number

    def connect(self, address, expected):
        """The operator asks for a session."""
        self._need_running()
        parsed = addresses.parse(address)
        if parsed is None or parsed["transport"] == addresses.UDP or len(expected) not in (0, 32):
            raise Refused("no address of a WebSocket, or no PeerId")
        self.dial(address, expected, 0, None, wanted=True)
        self.settle()

    def dial_failed(self, number):
        self._need_running()
        if number not in self.dials:
            raise Refused("no such dial")
        self.dials.pop(number).end(None)
        self.settle()

    def datagram(self, remote, data):
        self._need_running()
        self.datagrams.receive(remote, data)
        self.settle()

    def resolve(self, name, callback):
        """Asks for the TXT records of a name; the callback gets their texts, once."""
        self.names[name] = callback
        self.effects.append((self.now, "resolve", {"name": name}))

    def resolved(self, name, texts):
        self._need_running()
        if name not in self.names:
            raise Refused("nobody asked for the name")
        self.names.pop(name)(texts)
        self.settle()

    def kind_row(self, kind):
        return KINDS[kind]

    def answers(self, kind):
        return ANSWERS[kind]

    def closed(self, link):
        self._drop(self._session(link))
        self.settle()

    def close(self, session, code, retry_after_ms=0):
        """Close with a code: a GoAway if the code may travel, then the end (CNV-011, ERR-001)."""
        if not session.alive:
            return
        if code in CODES:
            self.emit(session, frame(GOAWAY, 0, encode("GoAway", code=CODES[code], retry_after_ms=retry_after_ms)))
        self._hang_up(session)

    def _hang_up(self, session):
        self.effects.append((self.now, "close", {"link": session.link}))
        self._drop(session)

    def _drop(self, session):
        session.alive = False
        del self.links[session.link]
        for timer in [session.ping_timer, session.drain] + [timer for _, timer in session.pings.values()]:
            if timer:
                timer[0] = None
        self.gossip.closed(session)
        self.scores.ended(session)
        for machine in self.machines.values():
            machine.closed(session)
        asks, session.asks = session.asks, {}
        for _, callback, timer in asks.values():
            timer[0] = None
            callback(None)

    def _session(self, link):
        self._need_running()
        if link not in self.links:
            raise Refused("no such link")
        return self.links[link]

    # --- frames in -----------------------------------------------------------------------------

    def receive(self, link, plaintext):
        session = self._session(link)
        try:
            if not plaintext:
                raise Coded("E_FRAME_LENGTH")  # WIR-021
            at = 0
            while at < len(plaintext) and session.alive:  # WIR-035, WIR-036
                kind, request_id, body, length, end = next_frame(plaintext, at)
                self._frame(session, kind, request_id, body, length, end - at)
                at = end
        except Coded as fault:
            self.close(session, fault.code)
        self.settle()

    def _frame(self, session, kind, request_id, body, length, size):
        name, klass, longest, role, needs = KINDS.get(kind, (None, "data", None, None, None))
        if needs and needs not in session.capabilities:
            name = None  # WIR-028
        if name is None:
            if kind % 2 == 0:
                raise Coded("E_UNKNOWN_KIND")  # WIR-027
            self._charge(session, "data", size)  # WIR-026
            return
        if length > longest:
            raise Coded("E_FRAME_SIZE")  # WIR-029
        if (request_id == 0) != (role == "notice"):
            raise Coded("E_REQUEST_ID")  # WIR-030, WIR-031
        if kind != GOAWAY and not self._charge(session, klass, size):
            return  # SES-061
        if klass != "control":
            session.used = self.now
        if role == "reply" and not self._waits(session, kind, request_id):
            return  # WIR-032; charged, as everything that is ignored (chapter 01)
        fields = read_body(name, body)
        if kind == PING:
            self.send(session, PONG, request_id, encode("Pong", nonce=fields["nonce"]))
        elif kind == PONG:
            self._pong(session, request_id, fields["nonce"])
        elif kind == GOAWAY:
            rest = min(fields["retry_after_ms"], self.parameters["session.goaway_retry_ms_max"])  # SES-072
            for key in (session.peer_id, session.dialled):
                self.rests[key] = self.now + rest
            self._hang_up(session)  # SES-070
        elif role == "reply":
            _, callback, timer = session.asks.pop(request_id)
            timer[0] = None
            callback(fields)
        elif needs in self.machines:
            self.machines[needs].receive(session, kind, request_id, fields)
        else:
            if "overlay/1" in self.machines:
                self.machines["overlay/1"].frame_came(session, kind, len(body))
            self.gossip.receive(session, kind, fields)

    def _waits(self, session, kind, request_id):
        if kind == PONG:
            return request_id in session.pings
        return request_id in session.asks and session.asks[request_id][0] == kind

    def _charge(self, session, klass, size):
        messages, bytes_ = session.received[klass]
        if admit([(messages, 1), (bytes_, size)], self.now):
            return True
        count, last = session.overruns[klass]
        if self.now - last >= self.parameters["session.rate_overrun_reset_ms"]:
            count = 0
        session.overruns[klass] = (count + 1, self.now)
        if count + 1 > self.parameters["session.rate_overrun_max"]:
            raise Coded("E_RATE")  # SES-063
        self.scores.overrun(session)
        return False

    # --- Ping and Pong -------------------------------------------------------------------------

    def _ping(self, session):
        nonce = session.nonce.to_bytes(8, "big")
        session.nonce = (session.nonce + 1) % 2**64
        request_id = session.next_request
        session.next_request += 1
        timeout = self.after(
            self.parameters["session.pong_timeout_ms"], lambda: self.close(session, "E_PING_TIMEOUT")
        )
        session.pings[request_id] = (nonce, timeout)
        session.pinged[request_id] = self.now
        self.send(session, PING, request_id, encode("Ping", nonce=nonce))
        session.ping_timer = self.after(self.parameters["session.ping_interval_ms"], lambda: self._ping(session))

    def _pong(self, session, request_id, nonce):
        expected, timeout = session.pings[request_id]
        if nonce == expected:  # SES-055
            timeout[0] = None
            self.machines["topology"].measured(session, self.now - session.pinged[request_id])
            del session.pings[request_id], session.pinged[request_id]

    # --- frames out ----------------------------------------------------------------------------

    def send(self, session, kind, request_id, body):
        """Queues a frame; the next flush sends it, or as much later as the peer's buckets ask."""
        session.waiting[KINDS[kind][1]].append(frame(kind, request_id, body))

    def ask(self, session, kind, body, timeout_ms, callback):
        """Puts a request; the callback gets the fields of the reply, or None when none comes."""
        if len(session.asks) >= self.parameters["session.questions_max"]:
            callback(None)
            return
        request_id = session.next_request
        session.next_request += 1
        timer = self.after(timeout_ms, lambda: session.asks.pop(request_id)[1](None))
        session.asks[request_id] = ANSWERS[kind], callback, timer
        self.send(session, kind, request_id, body)

    def command(self, token, name, args):
        """What the local application asks by name; the outcome comes at once or later."""
        self._need_running()
        capability = COMMANDS[name][0]
        if capability not in self.machines:
            raise Refused("the node does not offer " + capability)
        try:
            values = self.machines[capability].command(token, name, args)
        except Coded as error:
            self.outcome(token, error.code, [])
        else:
            if values is not None:
                self.outcome(token, "", values)
        self.settle()

    def outcome(self, token, error, values):
        values = [value.encode() if isinstance(value, str) else value for value in values]
        self.effects.append((self.now, "outcome", {"token": token, "error": error, "values": values}))

    def notice(self, name, values):
        values = [value.encode() if isinstance(value, str) else value for value in values]
        self.effects.append((self.now, "notice", {"notice": name, "values": values}))

    def may_send(self, session, klass, size):
        messages, bytes_ = session.sent[klass]
        passes = admit([(messages, 1), (bytes_, size)], self.now)
        if passes and klass != "control":
            session.used = self.now
        return passes

    def flush(self, session):
        held = []  # (class, size) of what has to wait
        for klass in CLASSES:
            queue = session.waiting[klass]
            while queue and self.may_send(session, klass, len(queue[0])):
                self.emit(session, queue.pop(0))
            if queue:
                held.append((klass, len(queue[0])))
        for queue in [self.gossip] + [each for each in self.machines.values() if hasattr(each, "flush")]:
            size = queue.flush(session)
            if size:
                held.append(("data", size))
        if session.drain:
            session.drain[0] = None
            session.drain = None
        if held:
            wait = min(self._wait(session, *each) for each in held)
            session.drain = self.after(max(1, wait), lambda: None)  # settle() follows every timer

    def _wait(self, session, klass, size):
        messages, bytes_ = session.sent[klass]
        return max(messages.wait(1, self.now), bytes_.wait(size, self.now))

    def emit(self, session, plaintext):
        self.effects.append((self.now, "frame", {"link": session.link, "plaintext": plaintext}))

    # --- the application -----------------------------------------------------------------------

    def publish(self, topic, data):
        self._need_running()
        publishable(self, topic, data)
        self.gossip.publish(topic, data)
        self.settle()
