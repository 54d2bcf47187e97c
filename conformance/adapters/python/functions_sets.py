"""The functions of Evaluate that belong to chapters 06 and 07."""

import ranges
import record_form as form
from errors import Coded, Refused
from functions import CONFORMANCE, _verdict, function, u64
from sketch import Decoder, Symbols, checksum, short_id, walk

SYMBOLS_MAX, CELLS_MAX = 2048, 2048


@function("record.encode", "u64", "u64", "u64", "u64", "u64", "u64", "bytes")
def _(kind, index, instance, sequence, wallclock_ms, ttl_ms, body):
    if kind not in form.BODIES or index >= 2**32:
        raise Refused("no such kind, or no such index")
    return form.write(kind, index, instance, sequence, wallclock_ms, ttl_ms, body)


@function("record.decode", "bytes")
def _(data):
    fields = form.read(data)
    name, message = form.BODIES[fields["kind"]]
    numbers = ("kind", "index", "instance", "sequence", "wallclock_ms", "ttl_ms")
    return [u64(fields[each]) for each in numbers] + [form.body_bytes(message, fields[name])]


def _record(network_id, data):
    return form.Record(CONFORMANCE, network_id, data)


@function("record.newer", "network", "bytes", "bytes")
def _(network_id, first, second):
    first, second = _record(network_id, first), _record(network_id, second)
    return u64(1 if second.rank() > first.rank() else 0)


@function("record.over", "u64", "u64", "u64", "u64")
def _(wallclock_ms, ttl_ms, staked, wall):
    return u64(1 if form.over(CONFORMANCE, wallclock_ms, ttl_ms, staked, wall) else 0)


@function("record.judge", "network", "u64", "u64", "u64", "bytes")
def _(network_id, wall, pushed, staked, data):
    def check():
        record = _record(network_id, data)
        if pushed:
            form.check_past(CONFORMANCE, record, wall)
        form.check_future(CONFORMANCE, record, wall)
        form.check_over(CONFORMANCE, record, staked, wall)
        record.check_signature()

    return _verdict(check)


# --- sketches and tables -----------------------------------------------------------------------


def _shorts(salt, ids):
    return [short_id(salt, id) for id in ids]


def _joined(ids):
    return b"".join(sorted(ids))


@function("sketch.short_id", "16", "32")
def _(salt, id):
    short = short_id(salt, id)
    return [short, checksum(salt, short)]


@function("sketch.indices", "u64", "u64")
def _(state, count):
    if count > 1000:
        raise Refused("more than 1,000 indices")
    return [u64(i) for i, _ in zip(walk(state), range(count))]


@function("sketch.encode", "16", "u64", "u64", "32*")
def _(salt, first, count, *ids):
    if count > SYMBOLS_MAX or first + count > 2**31:
        raise Refused("too many symbols")
    symbols = Symbols(salt)
    symbols.grow(_shorts(salt, ids), first + count)
    return symbols.write(first, count, len(ids))


@function("sketch.decode", "16", "u64", "u64", "bytes", "32*")
def _(salt, size, count, data, *ids):
    decoder = Decoder(salt, _shorts(salt, ids), steps_per_symbol=CONFORMANCE["reconcile.steps_per_symbol"])
    if decoder.add(data, count, size):
        return [b"decoded", _joined(decoder.theirs), _joined(decoder.ours)]
    return [b"more", b"", b""]


def _cells(cells):
    if not 8 <= cells <= CELLS_MAX or cells % 4:
        raise Refused("no such table")


@function("table.encode", "16", "u64", "32*")
def _(salt, cells, *ids):
    _cells(cells)
    table = Symbols(salt, cells)
    for short in _shorts(salt, ids):
        table.put(short, checksum(salt, short), 1)
    return table.write(0, cells, len(ids))


@function("table.decode", "16", "u64", "u64", "bytes", "32*")
def _(salt, size, cells, data, *ids):
    _cells(cells)
    decoder = Decoder(salt, _shorts(salt, ids), cells, CONFORMANCE["reconcile.steps_per_symbol"])
    if not decoder.add(data, cells, size):
        raise Coded("E_SKETCH")
    return [_joined(decoder.theirs), _joined(decoder.ours)]


# --- ranges ------------------------------------------------------------------------------------


def _items(raw):
    return [(int.from_bytes(each[:8], "big"), each[8:]) for each in raw]


@function("ranges.fingerprint", "32*")
def _(*ids):
    return ranges.fingerprint(list(ids))


@function("ranges.open", "40*")
def _(*items):
    return ranges.open_message(_items(items))


@function("ranges.react", "text", "u64", "bytes", "40*")
def _(role, longest, message, *items):
    if role not in ("asker", "answerer"):
        raise Refused("no such role")
    message, needed, lacking = ranges.react(role == "asker", longest or None, message, _items(items))
    return [message, _joined(needed), _joined(lacking)]
