"""Who stays connected, who is dialled and who has to go, at a node (chapter 10). The rules are in topology.py."""

import addresses
import topology
from errors import Refused
from node import COMMANDS, MACHINES
from record_form import CONTACT

BAN_RETRY_MS_MAX = 3600000


class Peer:
    """What is remembered of a peer over its sessions (TOP-032)."""

    def __init__(self):
        self.uptime = 0  # of sessions that have ended
        self.ended = None  # None while there is a session
        self.smallest = None  # round trip
        self.round_trip = self.measured = None  # the latest, and when


class Candidate:
    def __init__(self, places, claimed, chosen):
        self.places = places  # WebSocket addresses
        self.claimed = claimed
        self.chosen = chosen  # by the node or its operator; not only come by itself
        self.answered = False
        self.failures = 0
        self.rest = 0  # end of the backoff


class View:
    """A session as the rules see it."""


class Topology:
    def __init__(self, node):
        self.node = node
        self.parameters = {key[9:]: value for key, value in node.parameters.items() if key.startswith("topology.")}
        self.policy = node.parameters["dht.address_policy"]
        self.active = self.parameters["mode"] == "active"
        self.peers = {}
        self.candidates = {}
        self.protected = set(node.protected)
        self.bans = {}  # PeerId -> end
        self.dials = {}  # PeerId -> address
        self.lookups = {}  # protected PeerId -> when it may be looked up again
        if self.active:
            node.after(self.parameters["round_ms"], self.round)
            node.after(self.parameters["prune_interval_ms"], self.prune_round)

    # --- views -------------------------------------------------------------------------------------

    def subnet(self, at):
        """A subnet, or "-" for none."""
        ip = at if isinstance(at, bytes) else addresses.parse_ip(at)
        if ip is None:
            return at
        return addresses.subnet(addresses.unmapped(ip)) if addresses.limits_hold(self.policy, ip) else "-"

    def claimed(self, peer):
        records = self.node.machines.get("records/1")
        held = records.table.get((peer, CONTACT, 0)) if records else None
        said = held.record.body["region"] if held else ""
        candidate = self.candidates.get(peer)
        return said or (candidate.claimed if candidate else "")

    def role(self, session):
        if session.peer_id in self.node.stakes:
            return "validator"
        return "validator-full" if session.roles & 4 else "full" if session.roles & 2 else "app"

    def view(self, session):
        now, out = self.node.now, View()
        peer = self.peers.get(session.peer_id) or Peer()
        out.session = session
        out.inbound = not session.outbound
        out.role = self.role(session)
        out.subnet = self.subnet(session.address)
        out.region = topology.region(self.parameters["region"], self.claimed(session.peer_id), peer.smallest)
        out.age = now - session.opened
        uptime = peer.uptime + out.age
        stale = peer.measured is None or now - peer.measured > (
            self.parameters["health_interval_ms"] + self.parameters["health_timeout_ms"]
        )
        out.latency = None if stale else peer.round_trip
        out.unused = now - session.used
        points = round(self.node.scores.score(session) * 1000)
        out.uptime = uptime
        out.score = topology.score(self.parameters, out.latency, 0, max(0, points), max(0, -points), uptime)
        out.marks = [name for name in ("protected",) if session.peer_id in self.protected]
        out.marks += ["banned"] if self.banned(session.peer_id) else []
        return out

    def counting(self, besides=None):
        some = [each for each in self.node.links.values() if not each.transient and each is not besides]
        return [self.view(each) for each in sorted(some, key=lambda each: each.peer_id)]

    def limits(self):
        p = self.parameters
        budgets = {role: p["budget_%s_percent" % role.replace("-", "_")] for role in topology.ROLES}
        return p | budgets | {"strategy": p["prune_strategy"]}

    # --- admission ---------------------------------------------------------------------------------

    def admit(self, session):
        """Whether the session stays; ends it, or one in whose place it comes."""
        new = self.view(session)
        new.age = new.uptime
        if session.transient and "banned" not in new.marks:
            if self.active and sum(each.transient for each in self.node.links.values()) > self.parameters["transient_max"]:
                self.end(session, "E_BUDGET")  # TOP-071
            return session.alive
        sessions = self.counting(session)
        decision, code, place = topology.admit(self.limits(), new, sessions)
        if decision == "evict":
            self.end(sessions[place].session, "E_EVICTED")
        elif decision == "reject":
            self.end(session, code)
        return session.alive

    def end(self, session, code):
        retry = self.parameters["refused_retry_ms"]  # TOP-017
        if code == "E_BANNED":
            retry = min(self.bans[session.peer_id] - self.node.now, BAN_RETRY_MS_MAX)
        peer = session.peer_id
        self.node.close(session, code, retry)
        self.node.notice("topology.refused", [peer, code])

    # --- sessions ----------------------------------------------------------------------------------

    def opened(self, session):
        self.peers.setdefault(session.peer_id, Peer()).ended = None
        if session.transient and self.active:
            self.node.after(self.parameters["transient_ms"], lambda: self.transient_over(session))
        if not session.outbound:
            self.heard(session.peer_id, session.listens)

    def transient_over(self, session):
        if session.alive and session.transient:
            self.end(session, "E_PRUNED")  # TOP-070

    def closed(self, session):
        peer, now = self.peers.get(session.peer_id), self.node.now
        if peer is None:
            return
        lasted = now - session.opened
        low = self.view(session).score < self.parameters["reconnect_score_min"]
        if self.node.session_of(session.peer_id) is None:
            peer.uptime += lasted
            peer.ended = now
            self.forget_peers()
            candidate = self.candidates.get(session.peer_id)
            if candidate is None or session.transient:
                return
            if low and not candidate.chosen and session.peer_id not in self.protected:
                del self.candidates[session.peer_id]  # TOP-052
                return
            if lasted >= self.parameters["newcomer_ms"]:
                candidate.failures = 0
            self.failed(session.peer_id)

    def forget_peers(self):
        left = {id: peer for id, peer in self.peers.items() if peer.ended is not None}
        for id, peer in left.items():
            if self.node.now - peer.ended >= self.parameters["remember_ms"]:
                del self.peers[id]
        left = {id: peer for id, peer in left.items() if id in self.peers}
        while len(left) > self.parameters["remembered_max"]:
            shortest = min(left, key=lambda id: left[id].uptime)
            del left[shortest], self.peers[shortest]

    def measured(self, session, round_trip):
        peer = self.peers.get(session.peer_id)
        if peer:
            peer.round_trip, peer.measured = round_trip, self.node.now
            peer.smallest = round_trip if peer.smallest is None else min(peer.smallest, round_trip)

    # --- candidates --------------------------------------------------------------------------------

    def heard(self, id, places, claimed="", chosen=False):
        webs = [each for each in places if each["transport"] in (addresses.WS, addresses.WSS) and addresses.well_formed(each)]
        if not webs or id == self.node.peer_id:
            return
        known = self.candidates.get(id)
        if known:
            known.places = webs + [each for each in known.places if each not in webs][: 8 - len(webs)]
            known.claimed = claimed or known.claimed
            known.chosen = known.chosen or chosen
            return
        if len(self.candidates) >= self.parameters["candidates_max"]:
            hearsay = [each for each, candidate in self.candidates.items() if not candidate.answered]
            if not hearsay:
                return  # TOP-045
            del self.candidates[hearsay[0]]
        self.candidates[id] = Candidate(webs, claimed, chosen)

    def failed(self, id):
        """TOP-050 to TOP-053."""
        candidate = self.candidates[id]
        candidate.failures += 1
        if candidate.failures >= self.parameters["reconnect_attempts_max"] and id not in self.protected:
            del self.candidates[id]
            return
        shortest, longest = topology.backoff(self.parameters, candidate.failures)
        candidate.rest = self.node.now + self.node.random.randint(shortest, longest)

    def banned(self, id):
        return self.bans.get(id, 0) > self.node.now

    def eligible(self, id, candidate):
        text = addresses.text(candidate.places[0])
        resting = any(self.node.rests.get(key, 0) > self.node.now for key in (id, text))
        busy = id in self.dials or self.node.session_of(id) or self.banned(id) or id == self.node.peer_id
        return not (busy or resting or candidate.rest > self.node.now)

    def subnet_full(self, candidate):
        """TOP-043."""
        at = self.subnet(addresses.host(candidate.places[0]))
        outbound = [self.subnet(each.address) for each in self.node.links.values() if each.outbound]
        dialled = [self.subnet(addresses.host(addresses.parse(text))) for text in self.dials.values()]
        return at != "-" and (outbound + dialled).count(at) >= self.parameters["subnet_outbound_max"]

    # --- dialling ----------------------------------------------------------------------------------

    def round(self):
        p = self.parameters
        self.node.after(p["round_ms"], self.round)
        for id in sorted(self.protected):
            self.look_up(id)
            if id in self.candidates and self.eligible(id, self.candidates[id]):
                self.dial(id)  # TOP-044
        for session in list(self.node.links.values()):
            if session.transient and self.lacking() > 0:
                session.transient = False
        while self.lacking() > 0 and self.room() and self.dial_one(self.short_regions()):
            pass
        if len(self.counting()) < p["connections_high"]:
            for region in self.short_regions():
                if self.room():
                    self.dial_one([region], only=True)

    def look_up(self, id):
        """TOP-054: of whom no address is known, or none that answers."""
        dht, candidate, now = self.node.machines.get("dht/1"), self.candidates.get(id), self.node.now
        silent = candidate is None or candidate.failures > 0
        busy = self.node.session_of(id) or self.banned(id) or id in self.dials or id == self.node.peer_id
        if dht is None or busy or not silent or self.lookups.get(id, 0) > now:
            return
        self.lookups[id] = now + self.parameters["want_ms"]

        def found(lookup):
            for path in lookup.paths:
                if id in path.candidates:
                    self.heard(id, path.candidates[id].places)

        dht.look(id, 70, found, paths=1)

    def lacking(self):
        p, sessions = self.parameters, self.counting()
        outbound = sum(not each.inbound for each in sessions) + len(self.dials)
        return max(p["outbound_min"] - outbound, p["connections_target"] - len(sessions) - len(self.dials))

    def room(self):
        return len(self.counting()) + len(self.dials) < self.parameters["connections_max"]

    def short_regions(self):
        """Regions below their floor (TOP-046)."""
        held = [each.region for each in self.counting()]
        for each in self.node.links.values():
            if (self.peers.get(each.peer_id) or Peer()).smallest is None:
                held.append(self.claimed(each.peer_id))
        held += [self.claimed(id) for id in self.dials]
        out = []
        for region in topology.REGIONS:
            bounds = topology.floor_and_ceiling(
                self.parameters["region"], region, self.parameters["connections_target"], 0
            )
            if bounds and held.count(region) < bounds[0]:
                out.append(region)
        return out

    def dial_one(self, regions, only=False):
        some = {id: each for id, each in self.candidates.items() if self.eligible(id, each)}
        free = {id: each for id, each in some.items() if not self.subnet_full(each) or id in self.protected}
        if not free and len(self.node.links) < self.parameters["connections_min"]:
            free = some
        wanted = [id for id in free if self.claimed(id) in regions]
        chosen = wanted or ([] if only else list(free))
        if not chosen or len(self.dials) >= self.parameters["dials_max"]:
            return False
        self.dial(chosen[self.node.random.randrange(len(chosen))])  # TOP-048
        return True

    def dial(self, id):
        """TOP-042."""
        if len(self.dials) >= self.parameters["dials_max"]:
            return
        candidate = self.candidates[id]
        candidate.chosen = True
        self.dials[id] = addresses.text(candidate.places[0])

        def ended(session):
            del self.dials[id]
            if id not in self.candidates:
                return
            if session:
                self.candidates[id].answered = True
            elif self.candidates[id].rest <= self.node.now:
                self.failed(id)

        self.node.dial(self.dials[id], id, self.parameters["dial_timeout_ms"], ended, wanted=True)

    # --- pruning -----------------------------------------------------------------------------------

    def prune_round(self):
        self.node.after(self.parameters["prune_interval_ms"], self.prune_round)
        sessions = self.counting()
        for place in topology.prune(self.limits(), sessions):
            self.end(sessions[place].session, "E_PRUNED")

    # --- commands ----------------------------------------------------------------------------------

    def command(self, token, name, args):
        id = args[0]
        if name == "topology.ban":
            self.ban(id, args[1])
        elif name == "topology.unban":
            self.bans.pop(id, None)
        elif name == "topology.unprotect":
            self.protected.discard(id)
        else:
            places = [addresses.parse(text) for text in args[1].split("\n")] if args[1] else []
            if None in places or any(each["transport"] == addresses.UDP for each in places):
                raise Refused("no address of a WebSocket")
            if name == "topology.protect":
                self.protected.add(id)
            self.heard(id, places, args[2] if len(args) > 2 else "", chosen=True)
        return []

    def ban(self, id, duration):
        """TOP-080 to TOP-083."""
        now = self.node.now
        self.bans = {peer: end for peer, end in self.bans.items() if end > now}
        if id not in self.bans and len(self.bans) >= self.parameters["bans_max"]:
            del self.bans[min(self.bans, key=lambda peer: (self.bans[peer], peer))]
        self.bans[id] = max(self.bans.get(id, 0), now + min(duration, self.parameters["ban_ms_max"]))
        session = self.node.session_of(id)
        if session and duration:
            self.end(session, "E_BANNED")


MACHINES["topology"] = None, Topology  # no capability: every node has it
COMMANDS.update(
    {
        "topology.ban": ("topology", ("32", "u64")),
        "topology.unban": ("topology", ("32",)),
        "topology.protect": ("topology", ("32", "text")),
        "topology.unprotect": ("topology", ("32",)),
        "topology.candidate": ("topology", ("32", "text", "text")),
    }
)
