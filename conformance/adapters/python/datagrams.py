"""Datagrams (chapter 03): their bytes here, their traffic in class Datagrams."""

import identity
from errors import Coded
from wire import SCHEMAS, frame, lp, next_frame
from crypto import ed25519_public, ed25519_sign, sha256

BYTES_MAX, HEADER, PROOF = 1232, 20, 96
RETRY = 8
SCHEMAS["Retry"] = {}
TRAVELS = {  # kind -> (length at most, "question", "proven", "answer" or "retry", needs)
    RETRY: (64, "retry", None),
    52: (2048, "proven", "records/1"),
    54: (30000, "answer", "records/1"),
    70: (192, "proven", "dht/1"),
    72: (1116, "answer", "dht/1"),
    74: (64, "proven", "dht/1"),
    76: (1116, "answer", "dht/1"),
    78: (640, "proven", "dht/1"),
    80: (64, "answer", "dht/1"),
    82: (128, "proven", "dht/1"),
    84: (1116, "answer", "dht/1"),
    86: (1116, "proven", "dht/1"),
    88: (64, "answer", "dht/1"),
    90: (192, "question", "dht/1"),
    92: (64, "answer", "dht/1"),
}


def tag(network_id):
    return sha256(b"carillon/v1/datagram\x00" + lp(network_id))[:4]


def signed(network_id, cookie, framed):
    return identity.signing_bytes(network_id, "datagram", cookie + framed)


def encode(network_id, cookie, token, framed, seed=None):
    """WIR-100; with a seed, the proof of its key stands behind the frame."""
    out = tag(network_id) + cookie + token + framed
    if seed:
        out += ed25519_public(seed) + ed25519_sign(seed, signed(network_id, cookie, framed))
    return out


class Datagram:
    """One that WIR-101 to WIR-107 let pass; else Coded. The proof is not yet checked."""

    def __init__(self, network_id, data, offered=None):
        self.network_id = network_id
        if len(data) > BYTES_MAX or len(data) <= HEADER:
            raise Coded("E_DATAGRAM_SIZE")  # WIR-101, WIR-102
        if data[:4] != tag(network_id):
            raise Coded("E_DATAGRAM_TAG")  # WIR-103
        self.cookie, self.token = data[4:12], data[12:20]
        try:
            self.kind, self.request_id, self.body, length, end = next_frame(data, HEADER)
        except Coded:
            raise Coded("E_DATAGRAM_FORM") from None  # WIR-104
        longest, self.role, needs = TRAVELS.get(self.kind, (0, None, None))
        if self.role is None or (needs and offered is not None and needs not in offered):
            raise Coded("E_DATAGRAM_KIND")  # WIR-105
        if length > longest or self.request_id == 0:
            raise Coded("E_DATAGRAM_FORM")  # WIR-106
        self.frame, self.proof = data[HEADER:end], data[end:]
        if len(self.proof) != (PROOF if self.role == "answer" else 0):
            raise Coded("E_DATAGRAM_FORM")  # WIR-107
        self.public_key = self.proof[:32]

    def check_proof(self):
        message = signed(self.network_id, self.cookie, self.frame)
        if self.role == "answer" and not identity.verify(self.public_key, message, self.proof[32:]):
            raise Coded("E_DATAGRAM_PROOF")  # WIR-110
