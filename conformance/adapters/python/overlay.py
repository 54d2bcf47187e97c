"""The overlay (chapter 09): its rules as functions here, the roles and Routes in class Overlay."""

import re

import identity
from errors import Ruling
from wire import SCHEMAS, Field

SCHEMAS.update(
    {
        "SendPayload": {
            1: Field("version", "u32"),
            2: Field("created_ms", "u64"),
            3: Field("topic", "text"),
            4: Field("sequence", "u64"),
            5: Field("recipient", "bytes"),
            6: Field("data", "bytes"),
        }
    }
)
identity.PAYLOADS["send", 1] = "SendPayload"
APP_TOPIC = re.compile(r"app/[a-z0-9-]{1,32}")
NAIVE, KADEMLIA, SUPERNODE = range(3)


def number(id):
    return int.from_bytes(id, "big")


def distance(a, b):
    return number(a) ^ number(b)


def bucket(a, b):
    return distance(a, b).bit_length() - 1


def by_bucket(own, message, peers):
    """The peers of each bucket by their keys, the farthest bucket first."""
    buckets = {}
    for peer in sorted(peers, key=lambda peer: distance(own, peer) ^ number(message)):
        buckets.setdefault(bucket(own, peer), []).append(peer)
    return [buckets[index] for index in sorted(buckets, reverse=True)]


def choose(rule, count, own, message, peers):
    """OVL-004 and OVL-037."""
    if rule == "first":
        return sorted(peers, key=lambda peer: distance(own, peer) ^ number(message))[:count]
    groups = by_bucket(own, message, peers)
    if rule == "buckets":
        return [peer for group in groups for peer in group[:count]]
    turns = [group[turn] for turn in range(max(map(len, groups), default=0)) for group in groups if turn < len(group)]
    return turns[:count]


def score(uptime, rate, delivered, failed, connections, least_uptime, least_rate, least_connections):
    """OVL-012."""

    def part(value, least):
        return min(1000, 1000 * value // (2 * least))

    reliability = 1000 - 1000 * failed // max(1, delivered + failed)
    weighed = 25 * part(uptime, least_uptime) + 30 * part(rate, least_rate)
    return (weighed + 30 * reliability + 15 * part(connections, least_connections)) // 100


def wish(state, size, kademlia_at, supernode_at, band):
    """OVL-005 without its dwell time; `state` is None at the start."""
    if size >= supernode_at:
        return SUPERNODE
    if state is None:
        return KADEMLIA if size >= kademlia_at else NAIVE
    if state == SUPERNODE and 100 * size >= supernode_at * (100 - band):
        return SUPERNODE
    if state == NAIVE:
        return KADEMLIA if size >= kademlia_at else NAIVE
    return NAIVE if 100 * size < kademlia_at * (100 - band) else KADEMLIA


def next_hop(own, target, via, supernodes, came_from, sessions):
    """OVL-051, or None."""
    open_to = [peer for peer in sessions if peer != came_from]
    for peer in [target] + via:
        if peer in open_to:
            return peer
    if open_to:
        nearest = min(open_to, key=lambda peer: distance(peer, target))
        if distance(nearest, target) < distance(own, target):
            return nearest
    attached = [peer for peer in supernodes if peer in open_to]
    return min(attached, key=lambda peer: distance(peer, target)) if attached else None


class Examined:
    """A Route that OVL-040 to OVL-043 let pass; else a Ruling."""

    def __init__(self, parameters, hops, target, data):
        if len(data) > parameters["overlay.send_bytes_max"]:
            raise Ruling("reject", "E_SIZE")  # OVL-040
        if hops > parameters["overlay.route_hops_max"]:
            raise Ruling("ignore", "E_HOPS")  # OVL-041
        self.parameters = parameters
        self.envelope = identity.Envelope(data, "send")  # OVL-042
        self.fields = self.envelope.fields
        if self.fields["recipient"] != target or not APP_TOPIC.fullmatch(self.fields["topic"]):
            raise Ruling("reject", "E_RECIPIENT")  # OVL-043

    def check_time(self, wall_ms):
        ahead = self.fields["created_ms"] - wall_ms
        if ahead > self.parameters["clock.future_ms_max"] or -ahead > self.parameters["clock.past_ms_max"]:
            raise Ruling("ignore", "E_TIME")  # OVL-045
