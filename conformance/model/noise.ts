/**
 * The Noise protocol framework for 25519, ChaChaPoly and SHA256, written from its revision 34 and named as it names
 * things. Keys are arguments, so that a handshake gives the same bytes every time. Carillon uses XX; the other patterns
 * are here so that published vectors can be run against the same code. Spec: SES-001.
 */
import { concat, equal, u8, utf8 } from './bytes.ts';
import { parseProtocolName, type Token } from './noise-pattern.ts';
import { type CipherState, NoiseFailure, SymmetricState } from './noise-state.ts';
import { x25519PublicKey, x25519Shared } from './quick.ts';
import { lp } from './uvarint.ts';

export { chachaOpen, chachaSeal, NoiseFailure, x25519PublicKey, x25519Shared } from './noise-state.ts';

/** Carillon's protocol name. */
export const NOISE_NAME = 'Noise_XX_25519_ChaChaPoly_SHA256';

/** `"carillon.v1" ‖ 0x00 ‖ lp(network id)`. */
export function noisePrologue(networkId: Uint8Array): Uint8Array {
  return concat(utf8('carillon.v1'), u8(0), lp(networkId));
}

/** What one side brings. Secrets are 32 bytes. */
export interface NoiseOptions {
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  /** Carillon's if absent. */
  readonly protocolName?: string;
  readonly staticSecret?: Uint8Array;
  /** Must be fresh outside of vectors. */
  readonly ephemeralSecret?: Uint8Array;
  /** The other side's static public key, for patterns that know it before. */
  readonly remoteStatic?: Uint8Array;
  /** Pre-shared keys in the order of their tokens. */
  readonly psks?: readonly Uint8Array[];
  /** Sends this ephemeral public key instead of the secret's own, to make bad handshakes. */
  readonly forcedEphemeral?: Uint8Array;
  /** Seals handshake messages as if this had been the prologue, to make bad handshakes. */
  readonly sealingPrologue?: Uint8Array;
}

/** One side of a handshake, and afterwards of the transport. */
export class NoiseSession {
  readonly initiator: boolean;
  readonly #symmetric: SymmetricState;
  readonly #messages: readonly (readonly Token[])[];
  readonly #usesPsk: boolean;
  readonly #oneWay: boolean;
  readonly #psks: Uint8Array[];
  readonly #options: NoiseOptions;
  #remoteEphemeral: Uint8Array | undefined;
  #remoteStatic: Uint8Array | undefined;
  #messageIndex = 0;
  #ciphers: readonly [CipherState, CipherState] | undefined;

  /** Throws a RangeError for a protocol name that is not of 25519, ChaChaPoly and SHA256. */
  constructor(options: NoiseOptions) {
    const name = options.protocolName ?? NOISE_NAME;
    const { base, messages, usesPsk } = parseProtocolName(name);
    this.initiator = options.initiator;
    this.#options = options;
    this.#messages = messages;
    this.#usesPsk = usesPsk;
    this.#oneWay = base.messages.length === 1;
    this.#psks = [...(options.psks ?? [])];
    this.#remoteStatic = options.remoteStatic;
    this.#symmetric = new SymmetricState(name);
    this.#symmetric.mixPrologue(options.prologue, options.sealingPrologue);
    const [initiatorKnown, responderKnown] = base.pre;
    if (initiatorKnown) this.#symmetric.mixHash(this.initiator ? this.#staticKey() : this.#knownRemoteStatic());
    if (responderKnown) this.#symmetric.mixHash(this.initiator ? this.#knownRemoteStatic() : this.#staticKey());
  }

  /** Whether the last handshake message has passed. */
  get complete(): boolean {
    return this.#ciphers !== undefined;
  }

  /** How many messages of the handshake have passed. */
  get messageIndex(): number {
    return this.#messageIndex;
  }

  /** Whether the next message of the handshake is this side's to write. */
  get writesNext(): boolean {
    return !this.complete && (this.#messageIndex % 2 === 0) === this.initiator;
  }

  /** The hash of the handshake so far, 32 bytes; final once it is complete. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.hash;
  }

  /** The other side's static key, once known. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  /** The next handshake message. Throws a NoiseFailure when a secret is zero. */
  writeMessage(payload: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const token of this.#nextTokens()) {
      if (token === 'e') {
        const key = this.#options.forcedEphemeral ?? x25519PublicKey(this.#ephemeralSecret());
        parts.push(key);
        this.#mixEphemeral(key);
      } else if (token === 's') {
        parts.push(this.#symmetric.encryptAndHash(this.#staticKey()));
      } else {
        this.#mixSecret(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    this.#finishMessage();
    return concat(...parts);
  }

  /** The payload of the other side's next handshake message. Throws a NoiseFailure for one that cannot be read. */
  readMessage(message: Uint8Array): Uint8Array {
    let offset = 0;
    const take = (size: number): Uint8Array => {
      if (message.length < offset + size) throw new NoiseFailure('E_HANDSHAKE', `message ${this.#messageIndex + 1} is too short`);
      offset += size;
      return message.slice(offset - size, offset);
    };
    for (const token of this.#nextTokens()) {
      if (token === 'e') {
        this.#remoteEphemeral = take(32);
        this.#mixEphemeral(this.#remoteEphemeral);
      } else if (token === 's') {
        this.#remoteStatic = this.#decryptAndHash(take(this.#symmetric.cipher.hasKey ? 48 : 32));
      } else {
        this.#mixSecret(token);
      }
    }
    const payload = this.#decryptAndHash(message.slice(offset));
    this.#finishMessage();
    return payload;
  }

  /** Seals a transport message. */
  seal(plaintext: Uint8Array): Uint8Array {
    const [ofInitiator, ofResponder] = this.#transport();
    return (this.initiator || this.#oneWay ? ofInitiator : ofResponder).encryptWithAd(new Uint8Array(), plaintext);
  }

  /** Opens a transport message. Throws a NoiseFailure when it does not decrypt. */
  open(sealed: Uint8Array): Uint8Array {
    const [ofInitiator, ofResponder] = this.#transport();
    return (this.initiator ? ofResponder : ofInitiator).decryptWithAd(new Uint8Array(), sealed);
  }

  #transport(): readonly [CipherState, CipherState] {
    if (this.#ciphers === undefined) throw new Error('the handshake is not complete');
    return this.#ciphers;
  }

  #nextTokens(): readonly Token[] {
    const tokens = this.#messages[this.#messageIndex];
    if (tokens === undefined) throw new Error('the handshake is complete');
    return tokens;
  }

  #finishMessage(): void {
    this.#messageIndex += 1;
    if (this.#messageIndex === this.#messages.length) this.#ciphers = this.#symmetric.split();
  }

  #decryptAndHash(sealed: Uint8Array): Uint8Array {
    try {
      return this.#symmetric.decryptAndHash(sealed);
    } catch (error) {
      if (error instanceof NoiseFailure) throw new NoiseFailure('E_HANDSHAKE', `message ${this.#messageIndex + 1} does not decrypt`);
      throw error;
    }
  }

  #mixEphemeral(key: Uint8Array): void {
    this.#symmetric.mixHash(key);
    if (this.#usesPsk) this.#symmetric.mixKey(key);
  }

  #mixSecret(token: 'ee' | 'es' | 'se' | 'ss' | 'psk'): void {
    if (token === 'psk') {
      const psk = this.#psks.shift();
      if (psk === undefined) throw new Error('a pre-shared key is missing');
      this.#symmetric.mixKeyAndHash(psk);
      return;
    }
    // The first letter names the initiator's key, the second the responder's.
    const [ofInitiator, ofResponder] = token;
    const [own, other] = this.initiator ? [ofInitiator, ofResponder] : [ofResponder, ofInitiator];
    const secret = own === 'e' ? this.#ephemeralSecret() : this.#staticSecret();
    const remote = other === 'e' ? this.#knownRemoteEphemeral() : this.#knownRemoteStatic();
    if (own === 'e' && this.#sendsZeroEphemeral()) {
      // What a node gets that does not look: so it shows by going on with this side.
      this.#symmetric.mixKey(new Uint8Array(32));
      return;
    }
    const shared = x25519Shared(secret, remote);
    if (shared === undefined || equal(shared, new Uint8Array(32))) throw new NoiseFailure('E_ZERO_SECRET', `${token} is zero`);
    this.#symmetric.mixKey(shared);
  }

  #ephemeralSecret(): Uint8Array {
    return required(this.#options.ephemeralSecret, 'ephemeral secret');
  }
  #sendsZeroEphemeral(): boolean {
    return this.#options.forcedEphemeral?.every((byte) => byte === 0) === true;
  }
  #staticSecret(): Uint8Array {
    return required(this.#options.staticSecret, 'static secret');
  }
  #staticKey(): Uint8Array {
    return x25519PublicKey(this.#staticSecret());
  }
  #knownRemoteStatic(): Uint8Array {
    return required(this.#remoteStatic, "other side's static key");
  }
  #knownRemoteEphemeral(): Uint8Array {
    return required(this.#remoteEphemeral, "other side's ephemeral key");
  }
}

function required(value: Uint8Array | undefined, name: string): Uint8Array {
  if (value === undefined) throw new Error(`the ${name} is missing`);
  return value;
}

/** Everything that `noise.xx` of Evaluate gives. */
export interface XxTranscript {
  readonly handshakeHash: Uint8Array;
  readonly messages: readonly Uint8Array[];
}

/** Both sides of an XX handshake with given keys: the sides alternate with the payloads, beginning with the initiator; from the fourth on they are transport messages. Throws a NoiseFailure when a secret is zero, an Error below three payloads. */
export function runXx(
  prologue: Uint8Array,
  initiator: { readonly staticSecret: Uint8Array; readonly ephemeralSecret: Uint8Array },
  responder: { readonly staticSecret: Uint8Array; readonly ephemeralSecret: Uint8Array },
  payloads: readonly Uint8Array[],
): XxTranscript {
  const sides = [
    new NoiseSession({ initiator: true, prologue, ...initiator }),
    new NoiseSession({ initiator: false, prologue, ...responder }),
  ];
  const messages = payloads.map((payload, index) => {
    const [writer, reader] = index % 2 === 0 ? sides : [...sides].reverse();
    if (writer === undefined || reader === undefined) throw new Error('a handshake has two sides');
    const message = writer.complete ? writer.seal(payload) : writer.writeMessage(payload);
    const received = reader.complete ? reader.open(message) : reader.readMessage(message);
    if (!equal(received, payload)) throw new Error(`message ${index + 1} was read as something else`);
    return message;
  });
  const [first] = sides;
  if (first?.complete !== true) throw new Error('a handshake takes three payloads');
  return { handshakeHash: first.handshakeHash, messages };
}
