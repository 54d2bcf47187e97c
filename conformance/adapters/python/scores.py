"""What each peer has given and cost (chapter 05, Flood control and score)."""

from collections import Counter


class Record:
    """The counts of one peer; they outlive its session (GSP-092)."""

    def __init__(self):
        self.first = 0.0  # F
        self.invalid = 0.0  # I
        self.behaviour = 0.0  # B
        self.overruns = 0  # every 50th is one more of B
        self.ended = None  # when the session ended; None while there is one

    def idle(self):
        return not (self.first or self.invalid or self.behaviour)


class Scores:
    def __init__(self, node):
        self.node = node
        self.parameters = node.parameters
        self.records = {}  # by PeerId
        self.sessions = Counter()  # by address
        self.beat = None

    def record(self, session):
        if session.peer_id not in self.records:
            self.records[session.peer_id] = Record()
            self.records[session.peer_id].ended = None if session.alive else self.node.now
        return self.records[session.peer_id]

    def score(self, session):
        p = self.parameters
        crowd = max(0, self.sessions[session.address] - p["score.colocation_threshold"])
        return self.points(self.record(session)) - p["score.colocation_weight"] * crowd**2

    def points(self, record):
        p = self.parameters
        return (
            p["score.first_weight"] * min(record.first, p["score.first_max"])
            - p["score.invalid_weight"] * record.invalid**2
            - p["score.behaviour_weight"] * max(0, record.behaviour - p["score.behaviour_threshold"]) ** 2
        )

    def may_gossip(self, session):
        return self.score(session) >= self.parameters["score.gossip_min"]

    def graylisted(self, session):
        return self.score(session) < self.parameters["score.graylist_min"]

    def add(self, session, first=0, invalid=0, behaviour=0):
        record = self.record(session)
        record.first += first
        record.invalid += invalid
        record.behaviour += behaviour
        if invalid + behaviour and "overlay/1" in self.node.machines:
            self.node.machines["overlay/1"].failed(session, invalid + behaviour)
        if self.beat is None:
            self.beat = self.node.on_beat(self.parameters["score.decay_interval_ms"], self.decay)
        if session.alive and self.graylisted(session):
            self.node.close(session, "E_SCORE")  # GSP-090

    def overrun(self, session):
        record = self.record(session)
        record.overruns += 1
        if record.overruns % 50 == 0:
            self.add(session, behaviour=1)

    def opened(self, session):
        self.forget_old()
        self.record(session).ended = None
        self.sessions[session.address] += 1

    def ended(self, session):
        self.sessions[session.address] -= 1
        if not self.sessions[session.address]:
            del self.sessions[session.address]
        if any(other.peer_id == session.peer_id for other in self.node.links.values()):
            return
        self.record(session).ended = self.node.now
        self.forget_old()
        retained = [peer for peer, record in self.records.items() if record.ended is not None]
        if len(retained) > self.parameters["score.retained_max"]:
            del self.records[max(retained, key=lambda peer: self.points(self.records[peer]))]

    def decay(self):
        self.beat = None
        p = self.parameters
        for record in self.records.values():
            record.first = _fade(record.first, p["score.first_decay"])
            record.invalid = _fade(record.invalid, p["score.invalid_decay"])
            record.behaviour = _fade(record.behaviour, p["score.behaviour_decay"])
        self.forget_old()
        if not all(record.idle() for record in self.records.values()):
            self.beat = self.node.on_beat(p["score.decay_interval_ms"], self.decay)
        for session in list(self.node.links.values()):
            if session.alive and self.graylisted(session):
                self.node.close(session, "E_SCORE")

    def forget_old(self):
        limit = self.node.now - self.parameters["score.retain_ms"]
        for peer, record in list(self.records.items()):
            if record.ended is not None and (record.idle() or record.ended < limit):
                del self.records[peer]


def _fade(count, factor):
    count *= factor
    return 0.0 if count < 0.01 else count
