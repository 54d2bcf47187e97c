"""Roles, attachments and what is observed of peers (chapter 09)."""

from collections import OrderedDict

import addresses
import overlay
from dht import encode_address
from wire import encode

NONE, LEAF, CANDIDATE, SUPERNODE = range(4)
NAMES = ("none", "leaf", "candidate", "supernode")
ROLE, ATTACH, ATTACHED, DETACH = 96, 98, 100, 102
ALTERNATIVES_MAX, DIAL_MS = 8, 5000


class Seen:
    """What the node knows of the peer of one overlay session."""

    def __init__(self, now):
        self.since = now
        self.role = NONE
        self.beat_bytes = self.rate = self.delivered = self.failed = 0
        self.origins = set()
        self.taken = False  # as a supernode (OVL-030)
        self.asked = self.attached = self.leaf = False
        self.heard = now  # a Push or an Ihave, or the begin of the attachment
        self.others = 0  # messages that other links brought since


class Window:
    """The node's own measures of one `overlay.window_ms`."""

    def __init__(self, start):
        self.start = start
        self.rate = self.delivered = self.failed = 0


class Roles:
    def __init__(self, node):
        self.node = node
        self.parameters = {key[8:]: value for key, value in node.parameters.items() if key.startswith("overlay.")}
        self.role = NONE
        self.seen = {}  # session -> Seen
        self.windows = [Window(node.now)]  # the newest first
        self.beat_bytes = 0
        self.first_session = None
        self.since = node.now  # of the role
        self.due = self.unfit_since = None
        self.refused = None  # when the node refused an Attach last
        self.aside = {}  # PeerId -> end
        self.alternatives = OrderedDict()  # PeerId -> (addresses, when they were named)

    # --- measures ----------------------------------------------------------------------------------

    def beat(self):
        p, now = self.parameters, self.node.now
        if now - self.windows[0].start >= p["window_ms"]:
            self.windows = [Window(now), self.windows[0]]
        self.windows[0].rate = max(self.windows[0].rate, self.beat_bytes * 1000 // p["beat_ms"])
        self.beat_bytes = 0
        for seen in self.seen.values():
            seen.rate = max(seen.rate, seen.beat_bytes * 1000 // p["beat_ms"])
            seen.beat_bytes = 0
        self.aside = {peer: end for peer, end in self.aside.items() if end > now}
        if self.role == NONE:
            return
        for session, seen in list(self.seen.items()):
            self.judge(session, seen)
        self.move()
        self.leave_silent()
        self.maintain()

    def own_score(self):
        p = self.parameters
        uptime = 0 if self.first_session is None else self.node.now - self.first_session
        rate = max(window.rate for window in self.windows)
        delivered, failed = (sum(getattr(each, name) for each in self.windows) for name in ("delivered", "failed"))
        least = p["uptime_ms_min"], p["bytes_per_s_min"], p["connections_min"]
        measures = uptime, rate, len(self.node.links)
        score = overlay.score(uptime, rate, delivered, failed, len(self.node.links), *least)
        return score, all(measure >= bound for measure, bound in zip(measures, least))

    def fit(self):
        score, enough = self.own_score()
        return enough and score >= self.parameters["promote_min"]

    def needed(self):
        recent = self.refused is not None and self.node.now - self.refused <= self.parameters["candidate_ms"]
        return recent or len(self.attachments()) < self.parameters["supernodes_per_leaf"]

    def unfit(self):
        few = 2 * len(self.node.links) < self.parameters["connections_min"]
        return few or self.own_score()[0] < self.parameters["demote_min"]

    def move(self):
        """OVL-013 to OVL-018."""
        now, wait = self.node.now, self.parameters["candidate_ms"]
        if self.role == LEAF and self.fit():
            self.become(CANDIDATE)
        elif self.role == CANDIDATE:
            if not self.fit():
                self.become(LEAF)
            elif not self.needed():
                self.due = None
            elif self.due is None:
                self.due = now + self.node.random.randint(wait, 2 * wait)
            elif now >= max(self.due, self.since + wait):
                self.become(SUPERNODE)
        elif self.role == SUPERNODE:
            if not self.unfit():
                self.unfit_since = None
            elif self.unfit_since is None:
                self.unfit_since = now
            elif now - self.unfit_since >= wait:
                self.become(LEAF)

    def become(self, role):
        if role == self.role:
            return
        before, self.role = self.role, role
        self.since, self.due, self.unfit_since = self.node.now, None, None
        for session in list(self.seen):
            self.say_role(session)  # OVL-011
        if before == SUPERNODE:
            for session in self.leaves():
                self.seen[session].leaf = False
                self.detach(session)  # OVL-019
        if role in (SUPERNODE, NONE):
            for session in self.attachments():
                self.seen[session].attached = False
                self.detach(session)
        self.node.notice("overlay.role", [NAMES[role]])

    def say_role(self, session):
        self.node.send(session, ROLE, 0, encode("Role", role=self.role))

    # --- observation -------------------------------------------------------------------------------

    def observed(self, seen):
        p = self.parameters
        least = p["observe_ms"], p["observe_bytes_per_s"], p["observe_origins"]
        uptime = self.node.now - seen.since
        return overlay.score(uptime, seen.rate, seen.delivered, seen.failed, len(seen.origins), *least)

    def judge(self, session, seen):
        """OVL-030 to OVL-032."""
        score = self.observed(seen)
        if seen.role != SUPERNODE or score < self.parameters["revoke_min"]:
            seen.taken = False
        elif score >= self.parameters["accept_min"] and seen.delivered >= self.parameters["observe_messages"]:
            seen.taken = True

    def role_came(self, session, role):
        seen, before = self.seen[session], self.seen[session].role
        seen.role = role if role <= SUPERNODE else NONE  # OVL-039
        if seen.role != SUPERNODE:
            seen.taken = False
            if seen.attached or seen.asked:
                seen.attached = False
                self.set_aside(session)
        elif before != SUPERNODE:
            self.aside.pop(session.peer_id, None)
        self.maintain()

    # --- attachment, as a leaf -----------------------------------------------------------------------

    def attachments(self):
        return [session for session, seen in self.seen.items() if seen.attached]

    def leaves(self):
        return [session for session, seen in self.seen.items() if seen.leaf]

    def set_aside(self, session):
        pause = self.parameters["retry_ms"]
        self.aside[session.peer_id] = self.node.now + self.node.random.randint(pause + 1, 2 * pause)

    def maintain(self):
        """OVL-025, OVL-026, OVL-029."""
        if self.role not in (LEAF, CANDIDATE):
            return
        while sum(seen.attached or seen.asked for seen in self.seen.values()) < self.parameters["supernodes_per_leaf"]:
            free = [
                (session, seen)
                for session, seen in self.seen.items()
                if not (seen.attached or seen.asked) and self.aside.get(session.peer_id, 0) <= self.node.now
            ]
            best = [each for each in free if each[1].role == SUPERNODE] or [
                each for each in free if each[1].role == CANDIDATE
            ]
            if not best:
                return self.dial_alternative()
            self.attach(max(best, key=lambda each: self.observed(each[1]))[0])

    def attach(self, session):
        seen = self.seen[session]
        seen.asked = True

        def answered(fields):
            seen.asked = False
            if not session.alive:
                return
            if fields is None or not fields["accepted"]:
                seen.failed += fields is None
                self.remember(fields["alternatives"] if fields else [])
                self.set_aside(session)
            elif self.role not in (LEAF, CANDIDATE) or seen.role not in (CANDIDATE, SUPERNODE):
                self.detach(session)
            else:
                seen.attached, seen.heard, seen.others = True, self.node.now, 0
            self.maintain()

        self.node.ask(session, ATTACH, b"", self.parameters["attach_timeout_ms"], answered)

    def leave_silent(self):
        """OVL-027."""
        p, now = self.parameters, self.node.now
        for session in self.attachments():
            seen, state = self.seen[session], self.node.gossip.links.get(session)
            pruned = state and any(end > now for end in state.pruned.values())
            if now - seen.heard >= p["silent_ms"] and seen.others >= p["silent_messages"] and not pruned:
                seen.attached = False
                self.detach(session)
                self.set_aside(session)

    def remember(self, contacts):
        for contact in contacts:
            places = [each for each in contact["addresses"][:8] if addresses.well_formed(each)]
            webs = [each for each in places if each["transport"] in (addresses.WS, addresses.WSS)]
            if webs and contact["peer_id"] != self.node.peer_id:
                self.alternatives[contact["peer_id"]] = webs, self.node.now
                self.alternatives.move_to_end(contact["peer_id"])
        while len(self.alternatives) > self.parameters["contacts_max"]:
            self.alternatives.popitem(last=False)

    def dial_alternative(self):
        while self.alternatives:
            peer, (webs, named) = self.alternatives.popitem()
            if self.node.now - named <= self.parameters["retry_ms"] and self.node.session_of(peer) is None:
                self.node.dial(addresses.text(webs[0]), peer, DIAL_MS, lambda session: None)
                return

    # --- attachment, as whoever is asked -------------------------------------------------------------

    def attach_came(self, session, request_id):
        """OVL-020 to OVL-024."""
        others = [each for each in self.leaves() if each is not session]
        accepted = self.role == SUPERNODE and len(others) < self.parameters["leaves_max"]
        if accepted:
            self.seen[session].leaf = True
        else:
            self.refused = self.node.now
        named = [] if accepted else self.named(session)
        self.node.send(session, ATTACHED, request_id, encode("Attached", accepted=accepted, alternatives=named))

    def named(self, session):
        out = []
        for other, seen in self.seen.items():
            places = [encode_address(each) for each in other.listens[:8] if addresses.well_formed(each)]
            if seen.taken and other is not session and places and len(out) < ALTERNATIVES_MAX:
                out.append(encode("Contact", peer_id=other.peer_id, addresses=places))
        return out

    def detach(self, session):
        self.node.send(session, DETACH, 0, encode("Detach", alternatives=self.named(session)))

    def detach_came(self, session, contacts):
        seen = self.seen[session]
        seen.leaf = False
        if seen.attached or seen.asked:
            self.remember(contacts)
        if seen.attached:
            seen.attached = False
            self.set_aside(session)
        self.maintain()
