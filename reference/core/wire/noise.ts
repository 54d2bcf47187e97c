/**
 * Noise over X25519, ChaCha20-Poly1305 and SHA-256. A session uses the pattern XX; the others stand
 * in the same table so that the published vectors can be run against this code and not a copy.
 * Spec: SES-001 to SES-006, SES-030, SES-031; the Noise Protocol Framework, revision 34
 */
import { concatBytes, copyBytes, encodeUtf8 } from '../bytes.ts';
import { hkdf } from '../crypto/hkdf.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { invariant } from '../errors.ts';
import type { ErrorName } from '../types.ts';
import { type NoisePattern, type NoiseToken, patternMessages, patternPreMessages } from './noise-pattern.ts';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const EMPTY = new Uint8Array(0);

/** The first nonce that may not be used, 2^64 − 1. */
const NONCE_LIMIT = 2n ** 64n - 1n;

/** Bytes that one Noise message has at most. */
export const NOISE_MESSAGE_BYTES_MAX = 65535;

/** One direction of a session: a key and the nonce that comes next. */
export class CipherState {
  readonly #crypto: CryptoProvider;
  readonly #key: Uint8Array;
  #nonce: bigint;

  constructor(crypto: CryptoProvider, key: Uint8Array, nonce: bigint = 0n) {
    this.#crypto = crypto;
    this.#key = key;
    this.#nonce = nonce;
  }

  /** Whether every nonce has been used: the session has to end. Spec: SES-031 */
  get exhausted(): boolean {
    return this.#nonce >= NONCE_LIMIT;
  }

  /** The sealed message, 16 bytes longer, or undefined when the nonces are used up. */
  seal(plaintext: Uint8Array, associated: Uint8Array = EMPTY): Uint8Array | undefined {
    if (this.exhausted) return undefined;
    const sealed = this.#crypto.chachaSeal(this.#key, this.#nonceBytes(), associated, plaintext);
    this.#nonce += 1n;
    return sealed;
  }

  /** The plaintext, or undefined when the message does not decrypt or the nonces are used up. A failure uses no nonce. */
  open(sealed: Uint8Array, associated: Uint8Array = EMPTY): Uint8Array | undefined {
    if (this.exhausted) return undefined;
    const plaintext = this.#crypto.chachaOpen(this.#key, this.#nonceBytes(), associated, sealed);
    if (plaintext !== undefined) this.#nonce += 1n;
    return plaintext;
  }

  #nonceBytes(): Uint8Array {
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setBigUint64(4, this.#nonce, true);
    return bytes;
  }
}

/** Why a handshake ends: the peer's message or key is at fault, and every further call gives the same. */
export interface NoiseFailure {
  readonly error: ErrorName;
}

/** What a handshake is made of. Secrets are 32 bytes; the ephemeral one is fresh for each handshake (SES-004). */
export interface HandshakeOptions {
  readonly crypto: CryptoProvider;
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  readonly ephemeralSecret: Uint8Array;
  /** Needed by patterns that send or know this side's static key; XX does. */
  readonly staticSecret?: Uint8Array;
  /** The peer's static key, for patterns in which it is known before. */
  readonly remoteStatic?: Uint8Array;
  /** 32 bytes each, for patterns with the modifier psk. */
  readonly preSharedKeys?: readonly Uint8Array[];
  /** XX unless given. */
  readonly pattern?: NoisePattern;
}

/** A handshake in progress; messages alternate, the initiator's first. */
export interface Handshake {
  /** The next message of this side. */
  writeMessage(payload: Uint8Array): Uint8Array | NoiseFailure;
  /** The payload of the peer's next message. */
  readMessage(message: Uint8Array): Uint8Array | NoiseFailure;
  /** The peer's static key once it is known. */
  readonly remoteStatic: Uint8Array | undefined;
  /** Whether every message of the pattern has been written or read. */
  readonly complete: boolean;
  /** The hash that both sides share once complete, 32 bytes. */
  readonly hash: Uint8Array;
  /** The two directions; only of a complete handshake. */
  split(): { readonly send: CipherState; readonly receive: CipherState };
}

/** Chaining key, hash and the handshake's own cipher. */
class SymmetricState {
  readonly #crypto: CryptoProvider;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | undefined;

  constructor(crypto: CryptoProvider, protocolName: string) {
    const name = encodeUtf8(protocolName);
    this.#crypto = crypto;
    if (name.length <= KEY_BYTES) {
      this.#hash = new Uint8Array(KEY_BYTES);
      this.#hash.set(name);
    } else {
      this.#hash = crypto.sha256(name);
    }
    this.#chainingKey = this.#hash;
  }

  get hash(): Uint8Array {
    return copyBytes(this.#hash);
  }

  get hasKey(): boolean {
    return this.#cipher !== undefined;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.sha256(concatBytes(this.#hash, data));
  }

  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = this.#derive(material, 2);
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(this.#crypto, key);
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [chainingKey, toHash, key] = this.#derive(material, 3);
    this.#chainingKey = chainingKey;
    this.mixHash(toHash);
    this.#cipher = new CipherState(this.#crypto, key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher === undefined ? plaintext : this.#cipher.seal(plaintext, this.#hash);
    invariant(sealed !== undefined, 'a handshake seals a handful of messages');
    this.mixHash(sealed);
    return sealed;
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#cipher === undefined ? copyBytes(sealed) : this.#cipher.open(sealed, this.#hash);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  split(): readonly [CipherState, CipherState] {
    const [first, second] = this.#derive(EMPTY, 2);
    return [new CipherState(this.#crypto, first), new CipherState(this.#crypto, second)];
  }

  #derive(material: Uint8Array, count: 2): readonly [Uint8Array, Uint8Array];
  #derive(material: Uint8Array, count: 3): readonly [Uint8Array, Uint8Array, Uint8Array];
  #derive(material: Uint8Array, count: number): readonly Uint8Array[] {
    const drawn = hkdf(this.#crypto, material, this.#chainingKey, EMPTY, count * KEY_BYTES);
    return Array.from({ length: count }, (_, index) => drawn.slice(index * KEY_BYTES, (index + 1) * KEY_BYTES));
  }
}

class HandshakeState implements Handshake {
  readonly #crypto: CryptoProvider;
  readonly #initiator: boolean;
  readonly #symmetric: SymmetricState;
  readonly #messages: readonly (readonly NoiseToken[])[];
  readonly #staticSecret: Uint8Array | undefined;
  readonly #ephemeralSecret: Uint8Array;
  readonly #preSharedKeys: readonly Uint8Array[];
  /** With a pre-shared key in the pattern, ephemeral keys are mixed into the chain as well. */
  readonly #mixesEphemeral: boolean;
  #remoteStatic: Uint8Array | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  #turn = 0;
  #preSharedUsed = 0;
  #failure: NoiseFailure | undefined;

  constructor(options: HandshakeOptions) {
    const pattern = options.pattern ?? 'XX';
    this.#crypto = options.crypto;
    this.#initiator = options.initiator;
    this.#messages = patternMessages(pattern);
    this.#staticSecret = options.staticSecret;
    this.#ephemeralSecret = options.ephemeralSecret;
    this.#preSharedKeys = options.preSharedKeys ?? [];
    this.#mixesEphemeral = this.#messages.some((tokens) => tokens.includes('psk'));
    this.#remoteStatic = options.remoteStatic;
    this.#symmetric = new SymmetricState(options.crypto, `Noise_${pattern}_25519_ChaChaPoly_SHA256`);
    this.#symmetric.mixHash(options.prologue);
    const known = patternPreMessages(pattern);
    if (known.initiator) this.#symmetric.mixHash(this.#knownStatic(this.#initiator));
    if (known.responder) this.#symmetric.mixHash(this.#knownStatic(!this.#initiator));
  }

  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  get complete(): boolean {
    return this.#failure === undefined && this.#turn === this.#messages.length;
  }

  get hash(): Uint8Array {
    return this.#symmetric.hash;
  }

  writeMessage(payload: Uint8Array): Uint8Array | NoiseFailure {
    if (this.#failure !== undefined) return this.#failure;
    const tokens = this.#takeTurn(this.#initiator);
    const parts: Uint8Array[] = [];
    for (const token of tokens) {
      if (token === 'e') {
        const key = this.#crypto.x25519PublicKey(this.#ephemeralSecret);
        parts.push(key);
        this.#mixEphemeral(key);
      } else if (token === 's') {
        parts.push(this.#symmetric.encryptAndHash(this.#knownStatic(true)));
      } else if (!this.#mixToken(token)) {
        return this.#fail('E_ZERO_SECRET');
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    const message = concatBytes(...parts);
    invariant(message.length <= NOISE_MESSAGE_BYTES_MAX, 'a handshake message fits one Noise message');
    return message;
  }

  readMessage(message: Uint8Array): Uint8Array | NoiseFailure {
    if (this.#failure !== undefined) return this.#failure;
    const tokens = this.#takeTurn(!this.#initiator);
    let offset = 0;
    for (const token of tokens) {
      if (token === 'e') {
        if (message.length - offset < KEY_BYTES) return this.#fail('E_HANDSHAKE');
        this.#remoteEphemeral = message.slice(offset, offset + KEY_BYTES);
        offset += KEY_BYTES;
        this.#mixEphemeral(this.#remoteEphemeral);
      } else if (token === 's') {
        const size = this.#symmetric.hasKey ? KEY_BYTES + TAG_BYTES : KEY_BYTES;
        if (message.length - offset < size) return this.#fail('E_HANDSHAKE');
        const key = this.#symmetric.decryptAndHash(message.subarray(offset, offset + size));
        if (key === undefined) return this.#fail('E_HANDSHAKE');
        this.#remoteStatic = key;
        offset += size;
      } else if (!this.#mixToken(token)) {
        return this.#fail('E_ZERO_SECRET');
      }
    }
    const payload = this.#symmetric.decryptAndHash(message.subarray(offset));
    return payload ?? this.#fail('E_HANDSHAKE');
  }

  split(): { readonly send: CipherState; readonly receive: CipherState } {
    invariant(this.complete, 'only a complete handshake is split');
    const [first, second] = this.#symmetric.split();
    return this.#initiator ? { send: first, receive: second } : { send: second, receive: first };
  }

  #fail(error: ErrorName): NoiseFailure {
    this.#failure = { error };
    return this.#failure;
  }

  /** The tokens of the message that the given side sends now. */
  #takeTurn(initiatorSends: boolean): readonly NoiseToken[] {
    const tokens = this.#messages[this.#turn];
    invariant(tokens !== undefined && initiatorSends === (this.#turn % 2 === 0), 'handshake messages alternate, the initiator first');
    this.#turn += 1;
    return tokens;
  }

  /** The static key of this side (own) or of the peer, which the pattern takes as known. */
  #knownStatic(own: boolean): Uint8Array {
    if (own) return this.#crypto.x25519PublicKey(this.#ownStaticSecret());
    invariant(this.#remoteStatic !== undefined, 'the pattern needs the static key of the peer');
    return this.#remoteStatic;
  }

  #ownStaticSecret(): Uint8Array {
    invariant(this.#staticSecret !== undefined, 'the pattern needs a static key');
    return this.#staticSecret;
  }

  #mixEphemeral(key: Uint8Array): void {
    this.#symmetric.mixHash(key);
    if (this.#mixesEphemeral) this.#symmetric.mixKey(key);
  }

  /** Mixes a Diffie–Hellman result or a pre-shared key; false when the result is zero. Spec: SES-005 */
  #mixToken(token: Exclude<NoiseToken, 'e' | 's'>): boolean {
    if (token === 'psk') {
      const key = this.#preSharedKeys[this.#preSharedUsed++];
      invariant(key !== undefined, 'the pattern needs a pre-shared key');
      this.#symmetric.mixKeyAndHash(key);
      return true;
    }
    // The first letter is the initiator's key, the second the responder's.
    const own = token[this.#initiator ? 0 : 1];
    const remote = token[this.#initiator ? 1 : 0];
    const secret = own === 'e' ? this.#ephemeralSecret : this.#ownStaticSecret();
    const key = remote === 'e' ? this.#remoteEphemeral : this.#remoteStatic;
    invariant(key !== undefined, 'the pattern has sent the key before it is used');
    const shared = this.#crypto.x25519(secret, key);
    if (shared !== undefined) this.#symmetric.mixKey(shared);
    return shared !== undefined;
  }
}

/** Starts a handshake. */
export function createHandshake(options: HandshakeOptions): Handshake {
  return new HandshakeState(options);
}
