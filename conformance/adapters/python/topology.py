"""The rules of chapter 10 as functions: scores, regions, admission, pruning, backoff."""

from parameters import configuration

REGIONS = ("na", "eu", "as", "sa", "af", "oc")
ROUND_TRIPS = {  # the least and the greatest that is believed between two regions
    own: dict(zip(REGIONS, pairs))
    for own, pairs in {
        "na": ((0, 200), (40, 300), (50, 400), (10, 350), (60, 400), (80, 400)),
        "eu": ((40, 300), (0, 200), (10, 400), (50, 400), (2, 350), (120, 500)),
        "as": ((50, 400), (10, 400), (0, 250), (120, 500), (10, 450), (20, 350)),
        "sa": ((10, 350), (50, 400), (120, 500), (0, 200), (30, 500), (80, 500)),
        "af": ((60, 400), (2, 350), (10, 450), (30, 500), (0, 250), (60, 500)),
        "oc": ((80, 400), (120, 500), (20, 350), (80, 500), (60, 500), (0, 200)),
    }.items()
}
SHARES = {
    own: dict(zip(REGIONS, shares))
    for own, shares in {
        "na": (40, 23, 18, 9, 5, 5),
        "eu": (23, 40, 18, 5, 9, 5),
        "as": (20, 20, 40, 5, 5, 10),
        "sa": (25, 20, 10, 35, 5, 5),
        "af": (15, 30, 15, 5, 30, 5),
        "oc": (20, 15, 25, 5, 5, 30),
    }.items()
}
ROLES = ("validator", "validator-full", "full", "app")
STRATEGIES = ("lru", "reputation", "latency", "combined")
MAIN = {key[len("topology.") :]: value for key, value in configuration("main", {}).items() if key.startswith("topology.")}


def region(own, claimed, round_trip):
    """TOP-003; `round_trip` is the smallest one, or None."""
    if own not in REGIONS or claimed not in REGIONS or round_trip is None:
        return "unknown"
    least, greatest = ROUND_TRIPS[own][claimed]
    if round_trip < least:
        return own
    return "unknown" if round_trip > greatest else claimed


def floor_and_ceiling(own, other, target, most):
    """TOP-004, or None where there is neither."""
    if own not in REGIONS or other not in REGIONS:
        return None
    share = SHARES[own][other]
    return share * target // 200, -(-share * most // 100)


def score(p, round_trip, age, gained, lost, uptime):
    """TOP-030, TOP-031; round_trip is None when nothing was measured."""
    good, bad = p["latency_good_ms"], p["latency_bad_ms"]
    if round_trip is None or age > p["health_interval_ms"] + p["health_timeout_ms"] or round_trip >= bad:
        latency = 0
    elif round_trip <= good:
        latency = 1000000
    else:
        latency = 1000000 * (bad - round_trip) // (bad - good)
    delivery = min(1000000, max(0, 500000 + 50 * (gained - lost)))
    full, newcomer = p["uptime_full_ms"], p["newcomer_ms"]
    up = 1000000 * min(uptime, full) // full
    weighed = p["latency_percent"] * latency + p["delivery_percent"] * delivery + p["uptime_percent"] * up
    return weighed // 100 * min(uptime, newcomer) // newcomer


def backoff(p, failures):
    """TOP-050: the shortest and the longest."""
    longest = min(p["backoff_ms_max"], p["backoff_ms_min"] << min(failures - 1, 64))
    return -(-longest // 2), longest


# --- admission ---------------------------------------------------------------------------------


def admit(limits, new, sessions):
    """TOP-010 to TOP-023: (decision, code, place of the session that goes or None)."""
    if "banned" in new.marks:
        return "reject", "E_BANNED", None  # TOP-010
    if "protected" in new.marks:
        return "accept", "", None
    inbound = [each for each in sessions if each.inbound]
    if new.inbound and new.subnet != "-" and sum(each.subnet == new.subnet for each in inbound) >= limits["subnet_inbound_max"]:
        return "reject", "E_SUBNET", None  # TOP-011
    target_reached = len(sessions) >= limits["connections_target"]
    same_role = [each for each in sessions if each.role == new.role]
    budget = -(-limits[new.role] * limits["connections_max"] // 100)
    full = None  # among whom room may be made
    if new.inbound and len(inbound) >= limits["connections_max"] - limits["outbound_min"]:
        full = sessions  # TOP-012
    elif target_reached and len(same_role) >= budget:
        full = same_role  # TOP-013
    elif len(sessions) >= limits["connections_max"]:
        full = sessions  # TOP-014
    if full is not None:
        return make_room(limits, new, full, sessions)
    bounds = floor_and_ceiling(limits["region"], new.region, limits["connections_target"], limits["connections_max"])
    if target_reached and bounds and sum(each.region == new.region for each in sessions) >= bounds[1]:
        return "reject", "E_REGION", None  # TOP-015
    return "accept", "", None


def make_room(limits, new, candidates, sessions):
    may_go = [each for each in candidates if each.inbound and "protected" not in each.marks]  # TOP-022
    if limits["mode"] == "active" and may_go and new.age >= limits["newcomer_ms"]:
        worst = min(may_go, key=lambda each: (each.score, each.age, sessions.index(each)))
        if new.score >= worst.score + limits["evict_margin"]:
            return "evict", "", sessions.index(worst)  # TOP-020
    return "reject", "E_BUDGET", None


# --- pruning -----------------------------------------------------------------------------------


def prune(limits, sessions):
    """TOP-060 to TOP-067: the places of the sessions that go, in their order."""
    excess = min(len(sessions) - limits["connections_high"], limits["prune_per_round_max"])
    order = prune_order(limits["strategy"], sessions)
    outbound = [place for place, each in enumerate(sessions) if not each.inbound]
    anchors = sorted(outbound, key=lambda place: (-sessions[place].age, place))[: limits["outbound_min"]]
    gone = []
    while len(gone) < excess:
        may_go = [place for place in order if place not in gone and prunable(limits, sessions, place, anchors, gone)]
        if not may_go:
            break
        gone.append(may_go[0])
    return gone


def prune_order(strategy, sessions):
    places = range(len(sessions))

    def latency(place):
        return -(float("inf") if sessions[place].latency is None else sessions[place].latency)

    orders = {
        "lru": sorted(places, key=lambda place: (-sessions[place].unused, place)),
        "reputation": sorted(places, key=lambda place: (sessions[place].score, place)),
        "latency": sorted(places, key=lambda place: (latency(place), place)),
    }
    if strategy in orders:
        return orders[strategy]
    return sorted(places, key=lambda place: (sum(order.index(place) for order in orders.values()), place))


def prunable(limits, sessions, place, anchors, gone):
    each = sessions[place]
    if "protected" in each.marks or each.age < limits["newcomer_ms"] or place in anchors:
        return False  # TOP-063 to TOP-065
    bounds = floor_and_ceiling(limits["region"], each.region, limits["connections_target"], 0)
    left = sum(other.region == each.region for at, other in enumerate(sessions) if at not in gone)
    return bounds is None or left > bounds[0]
