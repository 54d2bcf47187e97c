"""What a record may say, and which of two is newer (chapter 06, to REC-019)."""

import re

import identity
from errors import Coded, Ruling
from wire import SCHEMAS, Field, encode, read_strict

CONTACT, SNAPSHOT_HASHES, LEDGER_RANGE, HEALTH, VERSION = range(1, 6)
BODIES = {
    CONTACT: ("contact", "ContactRecord"),
    SNAPSHOT_HASHES: ("snapshot_hashes", "SnapshotHashesRecord"),
    LEDGER_RANGE: ("ledger_range", "LedgerRangeRecord"),
    HEALTH: ("health", "HealthRecord"),
    VERSION: ("node_version", "VersionRecord"),
}
SCHEMAS.update(
    {
        "Record": {
            1: Field("version", "u32"),
            2: Field("kind", "enum", enum=5),
            3: Field("index", "u32"),
            4: Field("instance", "u64"),
            5: Field("sequence", "u64"),
            6: Field("wallclock_ms", "u64"),
            7: Field("ttl_ms", "u64"),
            8: Field("contact", "ContactRecord", oneof=True),
            9: Field("snapshot_hashes", "SnapshotHashesRecord", oneof=True),
            10: Field("ledger_range", "LedgerRangeRecord", oneof=True),
            11: Field("health", "HealthRecord", oneof=True),
            12: Field("node_version", "VersionRecord", oneof=True),
        },
        "ContactRecord": {
            1: Field("addresses", "Address", repeated=True),
            2: Field("roles", "u32"),
            3: Field("region", "text"),
            4: Field("capabilities", "text", repeated=True),
            5: Field("via", "bytes", repeated=True),
            6: Field("overlay_role", "enum", enum=3),
        },
        "SnapshotHash": {1: Field("slot", "u64"), 2: Field("hash", "bytes")},
        "SnapshotHashesRecord": {
            1: Field("full", "SnapshotHash"),
            2: Field("incremental", "SnapshotHash", repeated=True),
        },
        "LedgerRangeRecord": {1: Field("first_slot", "u64"), 2: Field("last_slot", "u64")},
        "HealthRecord": {
            1: Field("sessions", "u32"),
            2: Field("load_permille", "u32"),
            3: Field("sync_slot", "u64"),
            4: Field("uptime_ms", "u64"),
        },
        "VersionRecord": {
            1: Field("implementation", "text"),
            2: Field("version", "text"),
            3: Field("spec_revision", "text"),
        },
        "RecordLabel": {
            1: Field("origin", "bytes", size=32),
            2: Field("kind", "u32"),
            3: Field("index", "u32"),
        },
        "RecordPush": {1: Field("records", "bytes", repeated=True, count=(1, 32))},
        "RecordRequest": {1: Field("labels", "RecordLabel", repeated=True, count=(1, 32))},
        "RecordReply": {1: Field("records", "bytes", repeated=True, count=(0, 32))},
    }
)
identity.PAYLOADS[("record", 1)] = "Record"

CAPABILITY = re.compile(r"[a-z0-9-]{1,32}/(0|[1-9][0-9]{0,4})")  # a zero alone leads nothing
DNS = re.compile(r"[a-z0-9.-]{1,253}")
REGION = re.compile(r"[a-z0-9-]{0,16}")
PRINTABLE = re.compile(r"[\x20-\x7e]{1,32}")
INDEX_MAX = {CONTACT: 0, SNAPSHOT_HASHES: 15, LEDGER_RANGE: 15, HEALTH: 0, VERSION: 0}


def capabilities_in_order(texts):
    """SES-021."""
    ascending = all(a.encode() < b.encode() for a, b in zip(texts, texts[1:]))
    return len(texts) <= 64 and ascending and all(CAPABILITY.fullmatch(each) for each in texts)


def address_in_form(address):
    """SES-024, by the words of common.proto; one host at most is set."""
    host = len(address["ip4"]) == 4 or len(address["ip6"]) == 16 or DNS.fullmatch(address["dns"])
    return bool(host) and 1 <= address["port"] <= 65535


# --- form --------------------------------------------------------------------------------------


def in_form(fields):
    """REC-012 to REC-019, for the fields of a strictly encoded Record."""
    kind = fields["kind"]
    if kind not in BODIES or not _present(fields[BODIES[kind][0]]):
        return False  # REC-012
    body = fields[BODIES[kind][0]]
    if fields["index"] > INDEX_MAX[kind] or fields["instance"] > fields["wallclock_ms"]:
        return False  # REC-013, REC-014
    return {CONTACT: _contact, SNAPSHOT_HASHES: _snapshots, LEDGER_RANGE: _range, HEALTH: _health, VERSION: _version}[
        kind
    ](body)


def _present(body):
    return isinstance(body, dict)


def _contact(body):
    """REC-015."""
    via = body["via"]
    return (
        len(body["addresses"]) <= 8
        and all(map(address_in_form, body["addresses"]))
        and bool(REGION.fullmatch(body["region"]))
        and len(body["capabilities"]) <= 32
        and capabilities_in_order(body["capabilities"])
        and len(via) <= 3
        and all(len(each) == 32 for each in via)
        and len(set(via)) == len(via)
    )


def _snapshots(body):
    """REC-016."""
    if not _present(body["full"]) or len(body["incremental"]) > 16:
        return False
    all_of_them = [body["full"]] + body["incremental"]
    slots = [each["slot"] for each in all_of_them]
    return all(len(each["hash"]) == 32 for each in all_of_them) and all(a < b for a, b in zip(slots, slots[1:]))


def _range(body):
    return body["last_slot"] >= body["first_slot"]  # REC-017


def _health(body):
    return body["load_permille"] <= 1000  # REC-018


def _version(body):
    return all(PRINTABLE.fullmatch(body[name]) for name in ("implementation", "version", "spec_revision"))  # REC-019


# --- records -----------------------------------------------------------------------------------


class Record:
    """An envelope that REC-010 to REC-019 let pass; its signature is not yet checked."""

    def __init__(self, parameters, network_id, data):
        if len(data) > parameters["records.record_bytes_max"]:
            raise Ruling("reject", "E_SIZE")  # REC-010
        envelope = identity.Envelope(data, "record")  # REC-011
        if not in_form(envelope.fields):
            raise Ruling("reject", "E_RECORD_FORM")
        self.data = data
        self.envelope = envelope
        self.network_id = network_id
        self.id = envelope.id(network_id)
        self.origin = envelope.origin
        self.kind = envelope.fields["kind"]
        self.index = envelope.fields["index"]
        self.instance = envelope.fields["instance"]
        self.sequence = envelope.fields["sequence"]
        self.wallclock_ms = envelope.fields["wallclock_ms"]
        self.ttl_ms = envelope.fields["ttl_ms"]
        self.body = envelope.fields[BODIES[self.kind][0]]
        self.label = self.origin, self.kind, self.index

    def rank(self):
        """REC-002: the larger one is newer."""
        return self.instance, self.sequence, self.id

    def check_signature(self):
        self.envelope.check_signature(self.network_id)  # REC-026


def limit(parameters, staked):
    return parameters["records.staked_ttl_ms" if staked else "records.unstaked_ttl_ms"]


def over(parameters, wallclock_ms, ttl_ms, staked, wall):
    """REC-003."""
    return wall > wallclock_ms + min(ttl_ms, limit(parameters, staked))


def check_over(parameters, record, staked, wall):
    if over(parameters, record.wallclock_ms, record.ttl_ms, staked, wall):
        raise Ruling("ignore", "E_RECORD_OVER")  # REC-023


def check_past(parameters, record, wall):
    if wall - record.wallclock_ms > parameters["records.push_window_ms"]:
        raise Ruling("ignore", "E_TIME")  # REC-021


def check_future(parameters, record, wall):
    if record.wallclock_ms - wall > parameters["records.push_window_ms"]:
        raise Ruling("ignore", "E_TIME")  # REC-022


def write(kind, index, instance, sequence, wallclock_ms, ttl_ms, body):
    """The bytes of a Record; `body` is the strict encoding of the member that the kind names."""
    numbers = dict(kind=kind, index=index, instance=instance, sequence=sequence)
    times = dict(wallclock_ms=wallclock_ms, ttl_ms=ttl_ms)
    return encode("Record", version=1, **numbers, **times, **{BODIES[kind][0]: body})


def body_bytes(message, fields):
    """The strict encoding of decoded fields, messages within them included."""
    values = {}
    for field in SCHEMAS[message].values():
        value = fields[field.name]
        if field.type in SCHEMAS:
            each = [body_bytes(field.type, one) for one in (value if field.repeated else [value]) if one]
            value = each if field.repeated else each[0] if each else None
        elif field.oneof and not value:
            value = None
        values[field.name] = value
    return encode(message, **values)


def read(data):
    """The fields of a Record in form, or E_STRUCTURE, or E_RECORD_FORM."""
    fields = read_strict("Record", data)
    if fields["version"] != 1:
        raise Coded("E_STRUCTURE")
    if not in_form(fields):
        raise Coded("E_RECORD_FORM")
    return fields
