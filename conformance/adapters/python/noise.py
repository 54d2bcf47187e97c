"""Noise_XX_25519_ChaChaPoly_SHA256 with known keys, both sides at once, for `noise.xx`."""

from crypto import hmac_sha256, seal, sha256, x25519, x25519_public

PROTOCOL = b"Noise_XX_25519_ChaChaPoly_SHA256"  # 32 bytes: the first hash is the name itself


def noise_hkdf(chaining_key, material):
    secret = hmac_sha256(chaining_key, material)
    first = hmac_sha256(secret, b"\x01")
    return first, hmac_sha256(secret, first + b"\x02")


class Cipher:
    def __init__(self, key):
        self.key = key
        self.nonce = 0

    def encrypt(self, associated, plaintext):
        sealed = seal(self.key, bytes(4) + self.nonce.to_bytes(8, "little"), associated, plaintext)
        self.nonce += 1
        return sealed


class Symmetric:
    """The symmetric state; both sides hold the same, so one is enough here."""

    def __init__(self, prologue):
        self.hash = PROTOCOL
        self.chaining_key = PROTOCOL
        self.cipher = None
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.hash = sha256(self.hash + data)

    def mix_key(self, material):
        self.chaining_key, key = noise_hkdf(self.chaining_key, material)
        self.cipher = Cipher(key)

    def seal(self, plaintext):
        sealed = self.cipher.encrypt(self.hash, plaintext) if self.cipher else plaintext
        self.mix_hash(sealed)
        return sealed

    def clear(self, data):
        self.mix_hash(data)
        return data


def run_xx(prologue, s_i, e_i, s_r, e_r, payloads):
    """The handshake hash and every message; message 4 is the responder's, then they alternate."""
    state = Symmetric(prologue)
    S_i, E_i, S_r, E_r = (x25519_public(k) for k in (s_i, e_i, s_r, e_r))

    messages = [state.clear(E_i) + state.seal(payloads[0])]  # -> e

    head = state.clear(E_r)  # <- e, ee, s, es
    state.mix_key(x25519(e_r, E_i))
    head += state.seal(S_r)
    state.mix_key(x25519(s_r, E_i))
    messages.append(head + state.seal(payloads[1]))

    head = state.seal(S_i)  # -> s, se
    state.mix_key(x25519(s_i, E_r))
    messages.append(head + state.seal(payloads[2]))

    first, second = noise_hkdf(state.chaining_key, b"")
    sides = Cipher(second), Cipher(first)  # responder, initiator
    for i, payload in enumerate(payloads[3:]):
        messages.append(sides[i % 2].encrypt(b"", payload))
    return state.hash, messages
