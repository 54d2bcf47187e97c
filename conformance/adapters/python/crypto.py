"""The primitives, from Debian's python3-cryptography and the standard library."""

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from errors import Coded


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf_sha256(key, salt, info, size):
    """RFC 5869; `size` is at most 255 * 32."""
    secret = hmac_sha256(salt or bytes(32), key)
    out, block = b"", b""
    for i in range(1, (size + 31) // 32 + 1):
        block = hmac_sha256(secret, block + info + bytes([i]))
        out += block
    return out[:size]


def x25519(scalar, u):
    try:
        return X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(u))
    except ValueError:  # the library refuses a result of 32 zero bytes
        raise Coded("E_ZERO_SECRET") from None


def x25519_public(scalar):
    return X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def seal(key, nonce, associated, plaintext):
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, associated)


def unseal(key, nonce, associated, ciphertext):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag:
        raise Coded("E_DECRYPT") from None


def ed25519_public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def ed25519_sign(seed, message):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def ed25519_equation(public_key, message, signature):
    """[S]B = R + [k]A without cofactor: the library encodes [S]B - [k]A and compares it with R's
    bytes. It says nothing of small orders and accepts encodings of A that are not canonical;
    identity.py refuses those before."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return True
    except InvalidSignature:
        return False
