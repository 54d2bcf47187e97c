"""Every function of Evaluate (chapter 23): its arguments, checked, and what it answers."""

import crypto
import identity
import noise
import wire
from errors import Coded, Refused, Ruling
from gossip import active_size, examine
from node import session_capabilities
from parameters import configuration
from rates import Bucket, admit
from record_form import capabilities_in_order

FUNCTIONS = {}
CONFORMANCE = configuration("conformance", {})


def u64(value):
    return value.to_bytes(8, "big")


def _argument(kind, raw):
    if kind == "u64":
        if len(raw) != 8:
            raise Refused("an integer is not 8 bytes long")
        return int.from_bytes(raw, "big")
    if kind == "text":
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Refused("a text is not UTF-8") from None
    if kind == "network" and not 1 <= len(raw) <= 32:
        raise Refused("a network id is not 1 to 32 bytes long")
    if kind.isdigit() and len(raw) != int(kind):
        raise Refused("an argument is not " + kind + " bytes long")
    return raw


def arguments(kinds, args):
    """Arguments of these kinds, or Refused; the last kind may repeat with an asterisk."""
    fixed = [kind for kind in kinds if not kind.endswith("*")]
    more = [kinds[-1][:-1]] * (len(args) - len(fixed)) if len(fixed) < len(kinds) else []
    if len(args) != len(fixed) + len(more):
        raise Refused("wrong number of arguments")
    return [_argument(kind, raw) for kind, raw in zip(fixed + more, args)]


def function(name, *kinds):
    """Kinds: bytes, text, u64, network, a size in bytes; the last may repeat with an asterisk."""

    def register(body):
        def call(args):
            values = body(*arguments(kinds, args))
            return values if isinstance(values, list) else [values]

        FUNCTIONS[name] = call
        return body

    return register


def evaluate(name, args):
    """The values, or Coded (an error of the registry), or Refused."""
    return [value.encode() if isinstance(value, str) else value for value in FUNCTIONS[name](args)]


function("sha256", "bytes")(crypto.sha256)
function("x25519", "32", "32")(crypto.x25519)
function("chacha20poly1305.seal", "32", "12", "bytes", "bytes")(crypto.seal)
function("chacha20poly1305.open", "32", "12", "bytes", "bytes")(crypto.unseal)
function("ed25519.public_key", "32")(crypto.ed25519_public)
function("ed25519.sign", "32", "bytes")(crypto.ed25519_sign)
function("peer_id.format", "32")(identity.format_peer_id)


@function("hkdf.sha256", "bytes", "bytes", "bytes", "u64")
def _(key, salt, info, size):
    if size > 255 * 32:
        raise Refused("more than 255 blocks")
    return crypto.hkdf_sha256(key, salt, info, size)


@function("ed25519.verify", "bytes", "bytes", "bytes")
def _(public_key, message, signature):
    # Sizes are part of the predicate (IDN-010), so a wrong one is 0 and not refused.
    return u64(1 if identity.verify(public_key, message, signature) else 0)


@function("uvarint.encode", "u64")
def _(value):
    return wire.uvarint(value)


@function("uvarint.decode", "bytes")
def _(data):
    return [u64(number) for number in wire.read_uvarint(data, 0)]


@function("frame.encode", "u64", "u64", "bytes")
def _(kind, request_id, body):
    if kind >= wire.U32 or request_id >= wire.U32:
        raise Refused("kind and request id are below 2^32")
    return wire.frame(kind, request_id, body)


@function("frame.decode", "bytes")
def _(plaintext):
    out = []
    for kind, request_id, body in wire.frames(plaintext):
        out += [u64(kind), u64(request_id), body]
    return out


@function("strict.check", "text", "bytes")
def _(name, data):
    if name not in ("Envelope", "HandshakeHello", "AppPayload", "ProviderRecord", "ValueRecord"):
        raise Refused("no message " + name)
    wire.read_strict(name, data)
    return []


@function("app.encode", "u64", "text", "u64", "bytes")
def _(created_ms, topic, sequence, data):
    return wire.encode("AppPayload", version=1, created_ms=created_ms, topic=topic, sequence=sequence, data=data)


@function("app.decode", "bytes")
def _(payload):
    fields = wire.read_strict("AppPayload", payload)
    if fields["version"] != 1:
        raise Coded("E_STRUCTURE")
    return [u64(fields["created_ms"]), fields["topic"].encode(), u64(fields["sequence"]), fields["data"]]


@function("peer_id.derive", "u64", "bytes")
def _(key_type, public_key):
    if key_type > 255 or (key_type == 1 and len(public_key) != 32):
        raise Refused("no such key")
    return identity.peer_id(key_type, public_key)


@function("peer_id.parse", "text")
def _(text):
    return identity.parse_peer_id(text)


@function("envelope.signing_bytes", "network", "text", "bytes")
def _(network_id, context, payload):
    return identity.signing_bytes(network_id, context, payload)


@function("envelope.id", "network", "text", "u64", "bytes", "bytes")
def _(network_id, context, key_type, public_key, payload):
    if key_type > 255:
        raise Refused("a key type is one byte in the formula")
    return identity.envelope_id(network_id, context, key_type, public_key, payload)


@function("envelope.seal", "network", "text", "32", "bytes")
def _(network_id, context, seed, payload):
    return identity.seal(network_id, context, seed, payload)


def _verdict(check):
    try:
        check()
    except Ruling as ruling:
        return [ruling.verdict.encode(), ruling.code.encode()]
    return [b"accept", b""]


@function("envelope.judge", "network", "text", "bytes")
def _(network_id, context, data):
    return _verdict(lambda: identity.Envelope(data, context).check_signature(network_id))


@function("gossip.judge", "network", "text", "u64", "u64", "bytes")
def _(network_id, topic, wall_ms, hops, data):
    def check():
        rules = examine(CONFORMANCE, topic, hops, data, pool=True)
        rules.check_time(CONFORMANCE, wall_ms)
        rules.check_signature(network_id)

    return _verdict(check)


@function("session.prologue", "network")
def _(network_id):
    return b"carillon.v1\x00" + wire.lp(network_id)


@function("session.minor", "u64", "u64", "u64", "u64")
def _(min_a, max_a, min_b, max_b):
    highest = min(max_a, max_b)
    if min_a > max_a or min_b > max_b or highest < max(min_a, min_b):
        raise Coded("E_VERSION")  # SES-019
    return u64(highest)


def _capabilities(text):
    """SES-021; an empty text is an empty list."""
    texts = text.split("\n") if text else []
    if not capabilities_in_order(texts):
        raise Coded("E_CAPABILITIES")
    return texts


@function("session.capabilities", "text", "text")
def _(ours, theirs):
    return "\n".join(session_capabilities(_capabilities(ours), _capabilities(theirs))).encode()


@function("noise.xx", "bytes", "32", "32", "32", "32", "bytes*")
def _(prologue, *rest):
    secrets, payloads = rest[:4], rest[4:]
    if len(payloads) < 3:
        raise Refused("a handshake has three messages")
    handshake_hash, messages = noise.run_xx(prologue, *secrets, payloads)
    return [handshake_hash] + messages


@function("rate.admit", "u64", "u64*")
def _(rate, *frames):
    times, costs = frames[0::2], frames[1::2]
    if len(times) != len(costs) or any(a > b for a, b in zip(times, times[1:])):
        raise Refused("times and costs come in pairs, times ascending")
    bucket = Bucket(rate)
    return bytes(admit([(bucket, cost)], time) for time, cost in zip(times, costs))


@function("gossip.active_size", "u64")
def _(network_size):
    return u64(active_size(network_size, 6))
