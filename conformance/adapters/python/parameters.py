"""The parameters of chapter 19: presets, ranges and relations (PRM-001)."""

import json
import pathlib
import re

from errors import Refused

TABLE = pathlib.Path(__file__).resolve().parents[3] / "spec" / "parameters.json"
CLASSES = ("control", "consensus", "sync", "inventory", "data")


def _load():
    with open(TABLE, encoding="utf-8") as file:
        return {entry["name"]: entry for entry in json.load(file)["parameters"]}


ENTRIES = _load()


def _parse(entry, text):
    """A value of the parameter's unit and range, or None."""
    if entry["range"] == "-":
        return text if text in entry["unit"].split(", ") else None
    whole = entry["unit"] not in ("points", "factor")
    if not re.fullmatch(r"-?[0-9]+" if whole else r"-?[0-9]+(\.[0-9]+)?", text):
        return None
    value = int(text) if whole else float(text)
    low, high = re.fullmatch(r"(-?[0-9.]+)(?:-(-?[0-9.]+))?", entry["range"]).groups()
    return value if float(low) <= value <= float(high or low) else None


def _relations(p):
    ttl = p["gossip.seen_ttl_ms"]
    yield ttl >= p["clock.past_ms_max"] + p["clock.future_ms_max"]
    yield p["gossip.seen_origin_capacity"] * 1000 >= p["gossip.origin_per_s"] * (ttl + 2000)
    yield p["gossip.seen_unstaked_capacity"] * 1000 >= p["gossip.unstaked_per_s"] * (ttl + 2000)
    for name in CLASSES:
        yield 2 * p["rate." + name + ".bytes_per_s"] >= 65519
    yield p["gossip.message_bytes_max"] <= 65000
    yield p["gossip.wanted_per_link_max"] >= p["gossip.ihave_ids_per_heartbeat"]
    yield p["gossip.ihave_wait_ms"] < p["gossip.message_cache_ms"]
    yield p["score.graylist_min"] <= p["score.gossip_min"]
    yield p["session.half_open_per_address_max"] <= p["session.half_open_max"]
    yield p["session.pong_answer_ms_max"] < p["session.pong_timeout_ms"]
    yield p["records.update_ms_min"] < p["records.change_ms_max"]
    yield p["records.ttl_ms"] <= p["records.staked_ttl_ms"]
    yield p["records.health_ttl_ms"] <= p["records.staked_ttl_ms"]
    yield p["records.records_max"] >= p["records.origins_max"]
    yield p["reconcile.pause_ms_max"] < p["reconcile.round_ms_max"]
    yield p["reconcile.timeout_ms"] < p["reconcile.sketch_keep_ms"]
    yield p["reconcile.timeout_ms"] <= p["reconcile.exchange_ms_max"]
    for unit in ("messages", "bytes"):
        rates = [p["datagram.%s_%s_per_s" % (what, unit)] for what in ("address", "subnet", "total")]
        yield rates == sorted(rates)
    yield p["dht.shortlist_max"] >= 8 * p["dht.bucket_size"]
    yield p["dht.subnet_bucket_max"] <= p["dht.subnet_table_max"]
    yield p["dht.short_ttl_ms"] <= p["dht.provider_ttl_ms"] <= p["dht.ttl_ms_max"]
    yield p["dht.lookup_queries_max"] >= p["dht.paths"] * p["dht.bucket_size"]
    yield p["overlay.kademlia_at"] <= p["overlay.supernode_at"]
    yield p["overlay.demote_min"] <= p["overlay.promote_min"]
    yield p["overlay.revoke_min"] <= p["overlay.accept_min"]
    yield p["overlay.attach_timeout_ms"] <= p["overlay.failover_ms_max"]
    sessions = [p["topology.connections_" + name] for name in ("min", "target", "high", "max")]
    yield sessions == sorted(sessions)
    yield p["topology.outbound_min"] <= p["topology.connections_target"]
    yield sum(p["topology.%s_percent" % part] for part in ("latency", "delivery", "uptime")) == 100
    yield p["topology.latency_good_ms"] < p["topology.latency_bad_ms"]
    yield p["topology.newcomer_ms"] <= p["topology.uptime_full_ms"]
    yield p["topology.backoff_ms_min"] <= p["topology.backoff_ms_max"]
    yield p["topology.ban_ms"] <= p["topology.ban_ms_max"]


def configuration(preset, overrides):
    """A dictionary by configuration key, or Refused."""
    if preset not in ENTRIES["gossip.mode"]["values"]:
        raise Refused("no preset " + preset)
    values = {name: entry["values"][preset] for name, entry in ENTRIES.items()}
    for name, text in overrides.items():
        value = _parse(ENTRIES[name], text) if name in ENTRIES else None
        if value is None:
            raise Refused("no such parameter, or outside its range: " + name)
        values[name] = value
    if not all(_relations(values)):
        raise Refused("the parameters break a relation of chapter 19")
    return values
