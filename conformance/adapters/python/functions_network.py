"""The functions of Evaluate for datagrams, the DHT, the mempool, the overlay and topology."""

import addresses
import datagrams
import dht
import overlay
import topology
from errors import Coded, Refused
from functions import CONFORMANCE, _verdict, function, u64
from pool import Pool, Transaction

POLICIES = tuple(addresses.ADMISSIBLE)


def ids(data):
    if len(data) % 32:
        raise Refused("ids of 32 bytes stand end to end")
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def whole(data):
    """A u64 where nothing may stand in its place."""
    if len(data) not in (0, 8):
        raise Refused("an integer is not 8 bytes long")
    return int.from_bytes(data, "big") if data else None


# --- datagrams ---------------------------------------------------------------------------------

function("datagram.tag", "network")(datagrams.tag)


@function("datagram.encode", "network", "8", "8", "bytes", "bytes")
def _(network_id, cookie, token, framed, seed):
    if len(seed) not in (0, 32):
        raise Refused("a seed is 32 bytes long")
    return datagrams.encode(network_id, cookie, token, framed, seed)


@function("datagram.decode", "network", "bytes")
def _(network_id, data):
    datagram = datagrams.Datagram(network_id, data)
    datagram.check_proof()
    out = [datagram.cookie, datagram.token, u64(datagram.kind), u64(datagram.request_id)]
    return out + [datagram.body, datagram.public_key]


# --- the DHT -----------------------------------------------------------------------------------


@function("dht.bucket", "32", "32")
def _(a, b):
    if a == b:
        raise Coded("E_SELF")
    return [dht.distance(a, b).to_bytes(32, "big"), u64(dht.bucket(a, b))]


@function("dht.closest", "32", "32*")
def _(target, *peers):
    return sorted(set(peers), key=lambda peer: dht.distance(peer, target))


def _policy(policy):
    if policy not in POLICIES:
        raise Refused("no policy " + policy)
    return policy


def _ip(ip):
    if len(ip) not in (4, 16):
        raise Refused("an IP address has 4 or 16 bytes")
    return ip


@function("dht.address", "text", "bytes")
def _(policy, ip):
    name = addresses.ip_class(_ip(ip))
    admissible = name in addresses.ADMISSIBLE[_policy(policy)]
    return [name, u64(admissible), u64(addresses.limits_hold(policy, ip)), addresses.subnet(ip)]


@function("dht.table", "32", "u64", "u64", "u64", "u64", "u64", "text", "bytes*")
def _(own, k, replacements_max, subnet_bucket_max, subnet_table_max, failures_max, policy, *events):
    table = dht.Table(own, k, replacements_max, subnet_bucket_max, subnet_table_max, failures_max, _policy(policy))
    for event in events:
        id, ip = event[1:33], event[33:]
        if len(id) != 32 or event[0] > 1 or len(ip) not in ((4, 16) if event[0] == 0 else (0,)):
            raise Refused("no such event")
        table.failed(id) if event[0] else table.seen(dht.Contact(id, ip))
    out = []
    for index, b in sorted(table.buckets.items()):
        if b.entries or b.cache:
            out += [bytes([index])] + [b"".join(each.id for each in some) for some in (b.entries, b.cache)]
    return out


@function("dht.provider", "network", "text", "u64", "bytes", "bytes")
def _(network_id, policy, wall_ms, sender, data):
    if len(sender) not in (4, 16, 32):
        raise Refused("a sender is a PeerId or an IP address")
    parameters = CONFORMANCE | {"dht.address_policy": _policy(policy)}
    envelope = dht.provider(parameters, network_id, wall_ms, sender, data)
    return [envelope.fields["key"], envelope.origin]


@function("dht.value", "network", "text", "bytes")
def _(network_id, namespace, content):
    value = dht.Value(CONFORMANCE, network_id, namespace, content)
    return [value.key, u64(value.sequence)]


@function("dht.keep", "network", "text", "u64", "bytes", "bytes*")
def _(network_id, namespace, expected_next, content, *stored):
    values = [dht.Value(CONFORMANCE, network_id, namespace, each) for each in (content,) + stored]
    return [value.content for value in dht.keep(values[0], values[1:], expected_next)]


@function("dht.list_text", "text")
def _(shown):
    return list(dht.list_text(shown))


@function("dht.size", "u64", "bytes*")
def _(k, *samples):
    counts, far = samples[0::2], samples[1::2]
    if len(counts) != len(far) or any(len(each) != 8 for each in counts) or any(len(each) != 32 for each in far):
        raise Refused("counts and distances come in pairs")
    numbers = [int.from_bytes(each, "big") for each in counts], [int.from_bytes(each, "big") for each in far]
    return u64(dht.estimate(k, list(zip(*numbers))))


# --- the mempool -------------------------------------------------------------------------------


def _offer(slot, nonce, balance, transactions):
    pool = Pool(CONFORMANCE, lambda account: (nonce, balance))
    codes = []
    for each in transactions:
        if len(each) != 104:
            raise Refused("a transaction is 104 bytes long")
        numbers = [int.from_bytes(each[at : at + 8], "big") for at in range(64, 104, 8)]
        codes.append(pool.admit(Transaction(each[:32], each[32:64], *numbers), slot))
    return pool, codes


@function("mempool.admit", "u64", "u64", "u64", "bytes*")
def _(slot, nonce, balance, *transactions):
    return _offer(slot, nonce, balance, transactions)[1]


@function("mempool.order", "u64", "u64", "u64", "bytes*")
def _(slot, nonce, balance, *transactions):
    return [each.id for each in _offer(slot, nonce, balance, transactions)[0].ready()]


# --- the overlay -------------------------------------------------------------------------------


@function("overlay.bucket", "32", "32")
def _(a, b):
    if a == b:
        raise Refused("a node has no link with itself")
    return u64(overlay.bucket(a, b))


@function("overlay.choose", "text", "u64", "32", "32", "32*")
def _(rule, count, own, message, *peers):
    if rule not in ("buckets", "first", "turns") or count > 65536 or len(set(peers)) != len(peers):
        raise Refused("no such rule, or too many, or a PeerId twice")
    return overlay.choose(rule, count, own, message, peers)


@function("overlay.score", *["u64"] * 8)
def _(*numbers):
    if 0 in numbers[5:]:
        raise Refused("a least is at least 1")
    return u64(overlay.score(*numbers))


@function("overlay.auto", "u64", "u64", "u64", "u64", "u64*")
def _(kademlia_at, supernode_at, band, dwell, *looks):
    times, sizes = looks[0::2], looks[1::2]
    if len(times) != len(sizes) or any(a > b for a, b in zip(times, times[1:])):
        raise Refused("times and sizes come in pairs, times ascending")
    state, last, out = None, None, []
    for now, size in zip(times, sizes):
        wish = overlay.wish(state, size, kademlia_at, supernode_at, band)
        if state is None:
            state = wish
        elif wish != state and (last is None or now - last >= dwell):
            state, last = wish, now
        out.append(state)
    return bytes(out)


@function("overlay.next_hop", "32", "32", "bytes", "bytes", "bytes", "32*")
def _(own, target, via, supernodes, came_from, *sessions):
    if len(came_from) not in (0, 32):
        raise Refused("a PeerId is 32 bytes long")
    hop = overlay.next_hop(own, target, ids(via), ids(supernodes), came_from, sessions)
    return [hop] if hop else []


@function("overlay.judge", "network", "u64", "u64", "32", "bytes")
def _(network_id, wall_ms, hops, target, data):
    def check():
        route = overlay.Examined(CONFORMANCE, hops, target, data)
        route.check_time(wall_ms)
        route.envelope.check_signature(network_id)

    return _verdict(check)


# --- topology ----------------------------------------------------------------------------------


@function("topology.score", "bytes", "u64", "u64", "u64", "u64")
def _(round_trip, *more):
    return u64(topology.score(topology.MAIN, whole(round_trip), *more))


def _regions(*names):
    if any(name not in topology.REGIONS + ("unknown",) for name in names):
        raise Refused("no such region")


@function("topology.region", "text", "text", "bytes")
def _(own, claimed, round_trip):
    _regions(own, claimed)
    return topology.region(own, claimed, whole(round_trip))


@function("topology.share", "text", "text")
def _(own, other):
    bounds = topology.floor_and_ceiling(
        own, other, topology.MAIN["connections_target"], topology.MAIN["connections_max"]
    )
    if bounds is None:
        raise Refused("no such region")
    return [u64(bound) for bound in bounds]


@function("topology.backoff", "u64")
def _(failures):
    if failures == 0:
        raise Refused("failures are counted from 1")
    return [u64(bound) for bound in topology.backoff(topology.MAIN, failures)]


class Words:
    """Words with names; numbers but for those in `texts`, and None for `-`."""

    def __init__(self, text, names, texts):
        words = text.split(" ")
        if len(words) != len(names):
            raise Refused("wrong number of words")
        for name, word in zip(names, words):
            if name not in texts and word != "-" and not word.isdigit():
                raise Refused("not a number: " + word)
            setattr(self, name, word if name in texts else None if word == "-" else int(word))
        self.inbound = getattr(self, "direction", None) == "in"


TEXTS = ("mode", "region", "direction", "role", "subnet", "marks", "strategy")
ADMIT = (
    ("mode", "region", "connections_target", "connections_max", "outbound_min", "subnet_inbound_max")
    + topology.ROLES
    + ("newcomer_ms", "evict_margin")
)
PRUNE = ("strategy", "region", "connections_target", "connections_high", "prune_per_round_max", "outbound_min")


@function("topology.admit", "text", "text", "text*")
def _(limits, new, *sessions):
    names = ("direction", "role", "subnet", "region", "score", "age", "marks")
    limits, new = vars(Words(limits, ADMIT, TEXTS)), Words(new, names, TEXTS)
    decision, code, place = topology.admit(limits, new, [Words(each, names, TEXTS) for each in sessions])
    return [decision, code, b"" if place is None else u64(place)]


@function("topology.prune", "text", "text*")
def _(limits, *sessions):
    names = ("direction", "region", "score", "latency", "unused", "age", "marks")
    limits = vars(Words(limits, PRUNE + ("newcomer_ms",), TEXTS))
    return [u64(place) for place in topology.prune(limits, [Words(each, names, TEXTS) for each in sessions])]
