"""Datagrams (chapter 03): their bytes here, their traffic in class Datagrams."""

from collections import OrderedDict

import addresses
import identity
from crypto import ed25519_public, ed25519_sign, hmac_sha256, sha256
from errors import Coded, Refused
from rates import Bucket, admit
from wire import SCHEMAS, frame, lp, next_frame, read_body

BYTES_MAX, HEADER, PROOF = 1232, 20, 96
RETRY = 8
SCHEMAS["Retry"] = {}
TRAVELS = {  # kind -> (length at most, "question", "proven", "answer" or "retry", needs)
    RETRY: (64, "retry", None),
    52: (2048, "proven", "records/1"),
    54: (30000, "answer", "records/1"),
    70: (192, "proven", "dht/1"),
    72: (1116, "answer", "dht/1"),
    74: (64, "proven", "dht/1"),
    76: (1116, "answer", "dht/1"),
    78: (640, "proven", "dht/1"),
    80: (64, "answer", "dht/1"),
    82: (128, "proven", "dht/1"),
    84: (1116, "answer", "dht/1"),
    86: (1116, "proven", "dht/1"),
    88: (64, "answer", "dht/1"),
    90: (192, "question", "dht/1"),
    92: (64, "answer", "dht/1"),
}


def tag(network_id):
    return sha256(b"carillon/v1/datagram\x00" + lp(network_id))[:4]


def signed(network_id, cookie, framed):
    return identity.signing_bytes(network_id, "datagram", cookie + framed)


def encode(network_id, cookie, token, framed, seed=None):
    """WIR-100; with a seed, the proof of its key stands behind the frame."""
    out = tag(network_id) + cookie + token + framed
    if seed:
        out += ed25519_public(seed) + ed25519_sign(seed, signed(network_id, cookie, framed))
    return out


class Datagram:
    """One that WIR-101 to WIR-107 let pass; else Coded. The proof is not yet checked."""

    def __init__(self, network_id, data, offered=None):
        self.network_id = network_id
        if len(data) > BYTES_MAX or len(data) <= HEADER:
            raise Coded("E_DATAGRAM_SIZE")  # WIR-101, WIR-102
        if data[:4] != tag(network_id):
            raise Coded("E_DATAGRAM_TAG")  # WIR-103
        self.cookie, self.token = data[4:12], data[12:20]
        try:
            self.kind, self.request_id, self.body, length, end = next_frame(data, HEADER)
        except Coded:
            raise Coded("E_DATAGRAM_FORM") from None  # WIR-104
        longest, self.role, needs = TRAVELS.get(self.kind, (0, None, None))
        if self.role is None or (needs and offered is not None and needs not in offered):
            raise Coded("E_DATAGRAM_KIND")  # WIR-105
        if length > longest or self.request_id == 0:
            raise Coded("E_DATAGRAM_FORM")  # WIR-106
        self.frame, self.proof = data[HEADER:end], data[end:]
        if len(self.proof) != (PROOF if self.role == "answer" else 0):
            raise Coded("E_DATAGRAM_FORM")  # WIR-107
        self.public_key = self.proof[:32]

    def check_proof(self):
        message = signed(self.network_id, self.cookie, self.frame)
        if self.role == "answer" and not identity.verify(self.public_key, message, self.proof[32:]):
            raise Coded("E_DATAGRAM_PROOF")  # WIR-110


# --- traffic -----------------------------------------------------------------------------------


class Question:
    """One of the node's own, that waits for its answer."""

    def __init__(self, endpoint, peer, kind, request_id, framed, callback):
        self.endpoint = endpoint  # (IP address, port)
        self.peer = peer  # who is asked, or None when anybody may answer
        self.kind = kind
        self.request_id = request_id
        self.frame = framed
        self.callback = callback
        self.token = None  # with which it was sent last
        self.retried = False
        self.repeats = 0
        self.timers = []


class BucketSet:
    """The buckets of all datagrams that are vouched for, or of all others (WIR-150 to WIR-153)."""

    def __init__(self, parameters, now):
        self.parameters = parameters
        self.total = self.pair("total", now)
        self.places = {"address": OrderedDict(), "subnet": OrderedDict()}  # least recently used first

    def pair(self, what, now):
        rates = (self.parameters["datagram.%s_%s_per_s" % (what, unit)] for unit in ("messages", "bytes"))
        return tuple(Bucket(rate, now) for rate in rates)

    def charge(self, ip, size, now):
        pairs = [self.total]
        for what, key in (("address", ip), ("subnet", addresses.subnet(ip))):
            held = self.places[what]
            if key not in held:
                held[key] = self.pair(what, now)
            held.move_to_end(key)
            while len(held) > self.parameters["datagram.addresses_max"]:
                held.popitem(last=False)
            pairs.append(held[key])
        return admit([(bucket, cost) for pair in pairs for bucket, cost in zip(pair, (1, size))], now)


class Datagrams:
    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.on = self.parameters["datagram.mode"] == "on"
        self.questions = {}  # cookie -> Question
        self.tokens = OrderedDict()  # endpoint -> (token, when it came)
        self.secret = node.random.randbytes(32)
        self.vouched = BucketSet(self.parameters, node.now)
        self.others = BucketSet(self.parameters, node.now)
        self.unproven_proofs = Bucket(self.parameters["datagram.unproven_proofs_per_s"], node.now)

    # --- tokens: a hash of address, port, and a secret and number of their time --------------------

    def token(self, endpoint, period):
        ip, port = endpoint
        made = hmac_sha256(self.secret, b"%d %d %b" % (period, port, ip))[:8]
        return made if any(made) else b"carillon"

    def period(self):
        return self.node.now // self.parameters["datagram.token_ms"]

    def proves(self, endpoint, token):
        """WIR-128 to WIR-130."""
        return token in [self.token(endpoint, period) for period in (self.period(), self.period() - 1)]

    # --- in ----------------------------------------------------------------------------------------

    def receive(self, remote, data):
        endpoint = addresses.parse_endpoint(remote)
        if endpoint is None or isinstance(endpoint[0], str):
            raise Refused("no address of a datagram: " + remote)
        if not self.on:
            return
        endpoint = addresses.unmapped(endpoint[0]), endpoint[1]
        try:
            datagram = Datagram(self.node.network_id, data, self.node.offers())
            if datagram.role in ("answer", "retry"):
                self.reply(endpoint, datagram, len(data))
            else:
                self.question(endpoint, datagram, len(data))
        except Coded:
            pass  # dropped: nobody is told (WIR-113)

    def charge(self, endpoint, size, vouched):
        buckets = self.vouched if vouched else self.others
        if not buckets.charge(endpoint[0], size, self.node.now):
            raise Coded("E_RATE")  # WIR-109

    def question(self, endpoint, datagram, size):
        node = self.node
        proven = self.proves(endpoint, datagram.token)
        self.charge(endpoint, size, proven)
        if not proven and datagram.role == "proven":
            return self.send_retry(endpoint, datagram)  # WIR-124
        name, needs = node.kind_row(datagram.kind)[0], TRAVELS[datagram.kind][2]
        fields = read_body(name, datagram.body)  # WIR-112
        if not proven and not self.may_answer_unproven(datagram, size):
            return self.send_retry(endpoint, datagram)
        reply = node.answers(datagram.kind)
        head = frame(reply, datagram.request_id, bytes(BYTES_MAX))[:-BYTES_MAX]  # of a frame that is long
        room = BYTES_MAX - HEADER - PROOF - len(head)
        body = node.machines[needs].answer_datagram(datagram.kind, fields, endpoint, room)
        framed = frame(reply, datagram.request_id, body)
        self.send(endpoint, datagram.cookie, self.token(endpoint, self.period()), framed, node.identity_seed)

    def may_answer_unproven(self, datagram, size):
        """WIR-122 and WIR-152, for the one question of such a kind: a DhtPing, whose answer is known."""
        answer = HEADER + len(frame(92, datagram.request_id, b"")) + PROOF
        return answer <= size and admit([(self.unproven_proofs, 1)], self.node.now)

    def send_retry(self, endpoint, datagram):
        framed = frame(RETRY, datagram.request_id, b"")
        self.send(endpoint, datagram.cookie, self.token(endpoint, self.period()), framed)

    def reply(self, endpoint, datagram, size):
        question = self.questions.get(datagram.cookie)
        if question is None or question.endpoint != endpoint or question.request_id != datagram.request_id:
            raise Coded("E_DATAGRAM_UNASKED")  # WIR-108
        if datagram.kind not in (RETRY, self.node.answers(question.kind)):
            raise Coded("E_DATAGRAM_UNASKED")
        self.charge(endpoint, size, True)
        if datagram.role == "retry":
            self.remember(endpoint, datagram.token)
            if not question.retried:  # WIR-141, WIR-142
                question.retried = True
                self.put(datagram.cookie, question, datagram.token)
            return
        datagram.check_proof()
        peer = identity.peer_id(1, datagram.public_key)
        if question.peer not in (None, peer):
            raise Coded("E_PEER_MISMATCH")  # WIR-111
        fields = read_body(self.node.kind_row(datagram.kind)[0], datagram.body)  # WIR-112
        self.remember(endpoint, datagram.token)
        self.end(datagram.cookie, fields, peer)

    def remember(self, endpoint, token):
        if any(token):
            self.tokens[endpoint] = token, self.node.now
            self.tokens.move_to_end(endpoint)
            while len(self.tokens) > self.parameters["datagram.tokens_max"]:
                self.tokens.popitem(last=False)

    # --- out ---------------------------------------------------------------------------------------

    def ask(self, endpoint, peer, kind, body, timeout_ms, callback):
        """The callback gets the fields of the answer and the PeerId that proved it, or None twice."""
        if not self.on or len(self.questions) >= self.parameters["datagram.questions_max"]:
            return callback(None, None)
        cookie = self.node.random.randbytes(8)
        while cookie in self.questions:
            cookie = self.node.random.randbytes(8)
        question = Question(endpoint, peer, kind, 1, frame(kind, 1, body), callback)
        self.questions[cookie] = question
        token, came = self.tokens.get(endpoint, (bytes(8), 0))
        if self.node.now - came >= self.parameters["datagram.token_ms"]:
            token = bytes(8)  # WIR-145
        self.put(cookie, question, token)
        question.timers.append(self.node.after(timeout_ms, lambda: self.end(cookie, None, None)))
        self.repeat_later(cookie, question)

    def repeat_later(self, cookie, question):
        def again():
            if cookie in self.questions and question.repeats < self.parameters["datagram.retransmits_max"]:
                question.repeats += 1
                self.put(cookie, question, question.token)
                self.repeat_later(cookie, question)

        question.timers.append(self.node.after(self.parameters["datagram.retransmit_ms"], again))

    def put(self, cookie, question, token):
        question.token = token
        self.send(question.endpoint, cookie, token, question.frame)

    def end(self, cookie, fields, peer):
        question = self.questions.pop(cookie)
        for timer in question.timers:
            timer[0] = None
        question.callback(fields, peer)

    def send(self, endpoint, cookie, token, framed, seed=None):
        data = encode(self.node.network_id, cookie, token, framed, seed)
        to = addresses.endpoint(*endpoint)
        self.node.effects.append((self.node.now, "datagram", {"remote_address": to, "data": data}))
