"""PeerIds, the signature predicate and envelopes (chapter 02)."""

import functools
import hashlib
import re

import crypto
from errors import Coded, Ruling
from wire import encode, lp, read_strict, read_uvarint

# --- PeerId ------------------------------------------------------------------------------------


def peer_id(key_type, public_key):
    return crypto.sha256(b"carillon/v1/peer-id\x00" + bytes([key_type]) + public_key)


ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
PREFIX = "crl"
BECH32M = 0x2BC830A3


def _polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> i & 1:
                check ^= generator
    return check


_EXPANDED = [ord(c) >> 5 for c in PREFIX] + [0] + [ord(c) & 31 for c in PREFIX]


def format_peer_id(raw):
    number = int.from_bytes(raw, "big") << 4  # 256 bits and 4 of padding: 52 groups of 5
    data = [number >> 5 * (51 - i) & 31 for i in range(52)]
    check = _polymod(_EXPANDED + data + [0] * 6) ^ BECH32M
    data += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return PREFIX + "1" + "".join(ALPHABET[value] for value in data)


def parse_peer_id(text):
    """IDN-003. The prefix is fixed and every text has 62 characters, so little is left to find out."""
    if len(text) != 62 or not text.startswith(PREFIX + "1") or any(c not in ALPHABET for c in text[4:]):
        raise Coded("E_STRUCTURE")
    data = [ALPHABET.index(c) for c in text[4:]]
    if _polymod(_EXPANDED + data) != BECH32M:
        raise Coded("E_STRUCTURE")
    number = functools.reduce(lambda sum, group: sum << 5 | group, data[:52], 0)
    if number & 15:
        raise Coded("E_STRUCTURE")  # padding that is not zero
    return (number >> 4).to_bytes(32, "big")


# --- the signature predicate -------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1
IDENTITY = (0, 1)


def add(a, b):
    """Affine addition on -x^2 + y^2 = 1 + D x^2 y^2; complete, so it doubles as well."""
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P,
    )


def decode_point(encoded):
    """The point of a canonical encoding, or None."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P != 0:
        x = x * ROOT % P
    if (v * x * x - u) % P != 0:
        return None
    if x == 0 and sign:
        return None
    return (P - x if x & 1 != sign else x), y


@functools.lru_cache(maxsize=4096)
def usable_point(encoded):
    """IDN-012 to IDN-015: canonical, on the curve, and eight times it is not the identity."""
    point = decode_point(encoded)
    if point is None:
        return False
    for _ in range(3):
        point = add(point, point)
    return point != IDENTITY


def verify(public_key, message, signature):
    if len(public_key) != 32 or len(signature) != 64:
        return False  # IDN-010
    if int.from_bytes(signature[32:], "little") >= L:
        return False  # IDN-011
    if not usable_point(public_key) or not usable_point(signature[:32]):
        return False
    return crypto.ed25519_equation(public_key, message, signature)  # IDN-016, IDN-017


def challenge(public_key, message, signature):
    """k of the predicate, as a number."""
    return int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L


# --- envelopes ---------------------------------------------------------------------------------

CONTEXT = re.compile(r"[a-z0-9-]{1,64}")
PAYLOADS = {("app", 1): "AppPayload", ("handshake", 1): "HandshakeHello"}


def signing_bytes(network_id, context, payload):
    return b"carillon/v1\x00" + lp(network_id) + lp(context.encode()) + lp(payload)


def envelope_id(network_id, context, key_type, public_key, payload):
    head = b"carillon/v1/id\x00" + lp(network_id) + lp(context.encode()) + bytes([key_type])
    return crypto.sha256(head + lp(public_key) + lp(payload))


def seal(network_id, context, seed, payload):
    return encode(
        "Envelope",
        context=context,
        key_type=1,
        public_key=crypto.ed25519_public(seed),
        payload=payload,
        signature=crypto.ed25519_sign(seed, signing_bytes(network_id, context, payload)),
    )


class Envelope:
    """An envelope that IDN-032 to IDN-040 let pass; its signature is not yet checked."""

    def __init__(self, data, expected_context):
        try:
            fields = read_strict("Envelope", data)  # IDN-032
        except Coded:
            raise Ruling("reject", "E_STRUCTURE") from None
        self.context = fields["context"]
        self.key_type = fields["key_type"]
        self.public_key = fields["public_key"]
        self.payload = fields["payload"]
        self.signature = fields["signature"]
        if not CONTEXT.fullmatch(self.context):
            raise Ruling("reject", "E_STRUCTURE")  # IDN-033
        if self.context != expected_context:
            raise Ruling("reject", "E_CONTEXT")  # IDN-034
        if self.key_type == 0:
            raise Ruling("reject", "E_KEY_TYPE")  # IDN-035
        if self.key_type >= 2:
            raise Ruling("ignore", "E_KEY_TYPE")  # IDN-036
        if len(self.public_key) != 32 or len(self.signature) != 64:
            raise Ruling("reject", "E_STRUCTURE")  # IDN-037
        try:
            version, _ = read_uvarint(self.payload, 1)
        except Coded:
            version = 0
        if self.payload[:1] != b"\x08" or not 1 <= version < 2**32:
            raise Ruling("reject", "E_STRUCTURE")  # IDN-038
        message = PAYLOADS.get((self.context, version))
        if message is None:
            raise Ruling("ignore", "E_PAYLOAD_VERSION")  # IDN-039
        try:
            self.fields = read_strict(message, self.payload)  # IDN-040
        except Coded:
            raise Ruling("reject", "E_STRUCTURE") from None

    @property
    def origin(self):
        return peer_id(self.key_type, self.public_key)

    def id(self, network_id):
        return envelope_id(network_id, self.context, self.key_type, self.public_key, self.payload)

    def check_signature(self, network_id):
        message = signing_bytes(network_id, self.context, self.payload)
        if not verify(self.public_key, message, self.signature):
            raise Ruling("reject", "E_SIGNATURE")  # IDN-041
