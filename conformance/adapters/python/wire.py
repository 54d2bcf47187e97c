"""Bytes: uvarints, frames (chapter 03), strict encoding (chapter 02), and lenient bodies.

Strict bytes are read by a small reader of its own: a protobuf library forgives what IDN-050 to
IDN-061 refuse. The same schema tables read frame bodies, which need not be strict.
"""

from errors import Coded

U32 = 2**32
U64 = 2**64


# --- uvarints ----------------------------------------------------------------------------------


def uvarint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def lp(data):
    return uvarint(len(data)) + data


def read_uvarint(data, at, end=None):
    """The minimal uvarint at `at` and the position after it, or E_VARINT (CNV-002 to CNV-004)."""
    end = len(data) if end is None else end
    value = 0
    for used in range(10):
        if at + used >= end:
            raise Coded("E_VARINT")  # CNV-004
        byte = data[at + used]
        value |= (byte & 0x7F) << (7 * used)
        if byte < 0x80:
            if (byte == 0 and used > 0) or value >= U64:
                raise Coded("E_VARINT")  # CNV-002, CNV-003
            return value, at + used + 1
    raise Coded("E_VARINT")  # CNV-003


# --- frames ------------------------------------------------------------------------------------


def frame(kind, request_id, body):
    rest = uvarint(kind) + uvarint(request_id) + body
    return lp(rest)


def next_frame(plaintext, at):
    """(kind, request id, body, length, position after), by WIR-022 to WIR-025 in their order."""
    length, start = read_uvarint(plaintext, at)
    end = min(start + length, len(plaintext))
    kind = request_id = None  # None: no byte of it is present
    where = start
    if where < end:
        kind, where = read_uvarint(plaintext, where, end)
    if where < end:
        request_id, where = read_uvarint(plaintext, where, end)
    if (kind or 0) >= U32 or (request_id or 0) >= U32:
        raise Coded("E_VARINT")  # WIR-023
    if start + length > len(plaintext):
        raise Coded("E_FRAME_LENGTH")  # WIR-024
    if request_id is None:
        raise Coded("E_FRAME_LENGTH")  # WIR-025
    return kind, request_id, plaintext[where:end], length, end


def frames(plaintext):
    """All frames as (kind, request id, body); knows nothing of kinds."""
    if not plaintext:
        raise Coded("E_FRAME_LENGTH")  # WIR-021
    out, at = [], 0
    while at < len(plaintext):
        kind, request_id, body, _, at = next_frame(plaintext, at)
        out.append((kind, request_id, body))
    return out


# --- schemas -----------------------------------------------------------------------------------


class Field:
    def __init__(self, name, type, repeated=False, size=None, count=None, oneof=False, enum=None):
        self.name = name
        self.type = type  # "u32", "u64", "enum", "bytes", "text", or the name of a message
        self.repeated = repeated
        self.size = size  # WIR-045
        self.count = count  # WIR-046
        self.oneof = oneof  # there is one oneof at most in a message
        self.enum = enum  # the highest number that the schema names
        self.wire_type = 0 if type in ("u32", "u64", "enum") else 2


def ids(name, most):
    return Field(name, "bytes", repeated=True, size=32, count=(1, most))


SCHEMAS = {
    "Envelope": {
        1: Field("context", "text"),
        2: Field("key_type", "u32"),
        3: Field("public_key", "bytes"),
        4: Field("payload", "bytes"),
        5: Field("signature", "bytes"),
    },
    "HandshakeHello": {
        1: Field("version", "u32"),
        2: Field("static_key", "bytes"),
        3: Field("side", "enum", enum=2),
        4: Field("minor_min", "u32"),
        5: Field("minor_max", "u32"),
        6: Field("capabilities", "text", repeated=True),
        7: Field("roles", "u32"),
        8: Field("listen_addresses", "Address", repeated=True),
    },
    "Address": {
        1: Field("ip4", "bytes", oneof=True),
        2: Field("ip6", "bytes", oneof=True),
        3: Field("dns", "text", oneof=True),
        4: Field("port", "u32"),
        5: Field("transport", "enum", enum=3),
    },
    "AppPayload": {
        1: Field("version", "u32"),
        2: Field("created_ms", "u64"),
        3: Field("topic", "text"),
        4: Field("sequence", "u64"),
        5: Field("data", "bytes"),
    },
    "Ping": {1: Field("nonce", "bytes", size=8)},
    "Pong": {1: Field("nonce", "bytes", size=8)},
    "GoAway": {1: Field("code", "u32"), 2: Field("retry_after_ms", "u64")},
    "Push": {1: Field("topic", "text"), 2: Field("items", "PushItem", repeated=True, count=(1, 64))},
    "PushItem": {1: Field("hops", "u32"), 2: Field("envelope", "bytes")},
    "Prune": {1: ids("origins", 32), 2: Field("backoff_ms", "u64")},
    "Graft": {1: ids("origins", 32)},
    "Ihave": {1: Field("topic", "text"), 2: ids("ids", 1000)},
    "Iwant": {1: ids("ids", 1000)},
    "Idontwant": {1: ids("ids", 512)},
}


def blank(schema):
    defaults = {"bytes": b"", "text": ""}
    return {f.name: [] if f.repeated else defaults.get(f.type, 0) for f in schema.values()}


def encode(name, **values):
    """The strict encoding of a message; fields with their default value stay out."""
    out = b""
    for number, field in sorted(SCHEMAS[name].items()):
        value = values.get(field.name)
        present = value or (field.oneof and value is not None)
        for each in value if field.repeated and value else [value] if present else []:
            out += uvarint(number << 3 | field.wire_type)
            if field.wire_type == 0:
                out += uvarint(each)
            else:
                out += lp(each.encode() if isinstance(each, str) else each)
    return out


# --- strict encoding ---------------------------------------------------------------------------


def read_strict(name, data):
    """The message's fields, or E_STRUCTURE (IDN-050 to IDN-061)."""
    try:
        return _strict(SCHEMAS[name], data)
    except (Coded, UnicodeDecodeError):
        raise Coded("E_STRUCTURE") from None


def _strict(schema, data):
    out = blank(schema)
    at, last, oneof_set = 0, 0, False
    while at < len(data):
        tag, at = read_uvarint(data, at)
        field = schema.get(tag >> 3)
        if field is None or tag & 7 != field.wire_type or tag >> 3 < last:
            raise Coded("E_STRUCTURE")  # IDN-051, IDN-056, IDN-050
        if (tag >> 3 == last and not field.repeated) or (field.oneof and oneof_set):
            raise Coded("E_STRUCTURE")  # IDN-052
        last, oneof_set = tag >> 3, oneof_set or field.oneof
        value, at = read_uvarint(data, at)  # the value itself, or the length
        if field.wire_type == 0:
            if value >= U32 and field.type != "u64" or field.enum and value > field.enum:
                raise Coded("E_STRUCTURE")  # IDN-059, IDN-058
        else:
            if at + value > len(data):
                raise Coded("E_STRUCTURE")  # IDN-055
            value, at = data[at : at + value], at + value
            if field.type == "text":
                value = value.decode()  # IDN-057
            elif field.type != "bytes":
                value = _strict(SCHEMAS[field.type], value)
        if field.repeated:
            out[field.name].append(value)
        elif not value and not field.oneof:
            raise Coded("E_STRUCTURE")  # IDN-054
        else:
            out[field.name] = value
    return out


# --- bodies ------------------------------------------------------------------------------------


def read_body(name, data):
    """The fields of a frame's body, or E_MALFORMED or E_LIMIT (WIR-040 to WIR-050)."""
    try:
        out = _body(SCHEMAS[name], data)
    except UnicodeDecodeError:
        raise Coded("E_MALFORMED") from None  # WIR-044
    parts = list(_messages(SCHEMAS[name], out))
    for field, value in parts:
        values = value if field.repeated else [value]
        if field.size and any(len(each) != field.size for each in values):
            raise Coded("E_MALFORMED")  # WIR-045
    for field, value in parts:
        if field.count and not field.count[0] <= len(value) <= field.count[1]:
            raise Coded("E_LIMIT")  # WIR-046
    return out


def _messages(schema, fields):
    """(field, value) of a message and of all messages in it."""
    for field in schema.values():
        value = fields[field.name]
        yield field, value
        if field.type in SCHEMAS:
            for each in value if field.repeated else [value] if value else []:
                yield from _messages(SCHEMAS[field.type], each)


def _loose_varint(data, at):
    value = 0
    for used in range(10):
        if at + used >= len(data):
            raise Coded("E_MALFORMED")  # WIR-040
        value |= (data[at + used] & 0x7F) << (7 * used)
        if data[at + used] < 0x80:
            return value % U64, at + used + 1
    raise Coded("E_MALFORMED")  # WIR-043


def _body(schema, data):
    out = blank(schema)
    at = 0
    while at < len(data):
        tag, at = _loose_varint(data, at)
        wire_type = tag & 7
        if tag >= U32 or tag >> 3 == 0 or wire_type in (3, 4, 6, 7):
            raise Coded("E_MALFORMED")  # WIR-041, WIR-042; of WIR-049 this node chooses to close
        if wire_type == 0:
            value, at = _loose_varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(wire_type)
            if size is None:
                size, at = _loose_varint(data, at)
            if at + size > len(data):
                raise Coded("E_MALFORMED")  # WIR-040
            value, at = data[at : at + size], at + size
        field = schema.get(tag >> 3)
        if field is None or field.wire_type != wire_type:
            continue  # WIR-047; of WIR-050 this node chooses to skip
        if field.type == "text":
            value = value.decode()
        elif field.type == "u32":
            value %= U32
        elif field.type in SCHEMAS:
            value = _body(SCHEMAS[field.type], value)
        if field.repeated:
            out[field.name].append(value)
        else:
            out[field.name] = value  # WIR-048
    return out
