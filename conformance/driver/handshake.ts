/**
 * The kit's side of a handshake over a raw link: messages in, messages out, no I/O. It keeps the
 * rules but for the one defect that the plan asks for, and judges the node's hello.
 */
import { concat, equal, hex, unhex, utf8 } from '../model/bytes.ts';
import { judgeEnvelope, readEnvelope } from '../model/envelope.ts';
import { encodeFrame } from '../model/frame.ts';
import { type AddressFields, areCapabilities, type Hello, intersectCapabilities, readHello, sessionMinor } from '../model/hello.ts';
import { chachaSeal, NoiseFailure, NoiseSession, noisePrologue } from '../model/noise.ts';
import { peerId } from '../model/peer-id.ts';
import { readAddressText } from './addresses.ts';
import { HarnessError } from './errors.ts';
import { derive, type Identity, type KeyPair } from './identities.ts';
import { type HelloSource, helloOfSize, kitHello } from './kit-hello.ts';
import type { HandshakeDefect, Hex } from './plan.ts';

/** What earlier handshakes of the same plan leave behind for later ones. */
export interface HandshakeMemory {
  /** The last message 3 that the kit sent without a defect. */
  message3: Uint8Array | undefined;
  /** The last hello envelope of the node. */
  nodeHello: Uint8Array | undefined;
}

/** What a handshake is made with. */
export interface HandshakeOptions {
  readonly isInitiator: boolean;
  readonly networkId: Uint8Array;
  readonly identity: Identity;
  readonly staticKey: KeyPair;
  readonly ephemeral: KeyPair;
  readonly capabilities: readonly string[];
  readonly roles: number;
  /** `ws://1.2.3.4:5` and the like. */
  readonly listenAddresses: readonly string[];
  readonly defect: HandshakeDefect | undefined;
  readonly memory: HandshakeMemory;
}

/** How far a handshake is. `sent`: the kit has said all that it will; whether there is a session is the node's to show. */
export type HandshakeState =
  | { readonly phase: 'waiting' }
  | { readonly phase: 'sent'; readonly reason: string }
  | { readonly phase: 'failed'; readonly reason: string }
  | {
      readonly phase: 'done';
      readonly noise: NoiseSession;
      readonly nodePeerId: Hex;
      /** Capabilities of the session. */
      readonly capabilities: readonly string[];
      /** Capabilities of the node's hello. */
      readonly offered: readonly string[];
      /** Listen addresses of the node's hello. */
      readonly listens: readonly AddressFields[];
    };

/** A handshake message with its number. */
export interface HandshakeMessage {
  readonly number: 1 | 2 | 3;
  readonly bytes: Uint8Array;
}

/** Defects of a message that only the initiator sends. */
const INITIATOR_DEFECTS: ReadonlySet<string> = new Set(['message1Payload', 'message1Length', 'replayMessage3', 'earlyData']);

/** One handshake; feed it the node's messages and send what it returns. */
export class KitHandshake {
  readonly #options: HandshakeOptions;
  readonly #noise: NoiseSession;
  #state: HandshakeState = { phase: 'waiting' };
  /** A message came after the kit had said its last. */
  #isIgnoring = false;
  #node: { readonly hello: Hello; readonly peerId: Hex } | undefined;

  /** Throws `HarnessError` when the defect belongs to a message that this side does not send. */
  constructor(options: HandshakeOptions) {
    this.#options = options;
    const { defect, isInitiator } = options;
    const ownMessages: readonly number[] = isInitiator ? [1, 3] : [2];
    const isForeign =
      (defect !== undefined && !isInitiator && INITIATOR_DEFECTS.has(defect.kind)) ||
      ((defect?.kind === 'flipByte' || defect?.kind === 'oversize') && !ownMessages.includes(defect.message));
    if (isForeign)
      throw new HarnessError(`the defect ${JSON.stringify(defect)} is not one of the ${isInitiator ? 'initiator' : 'responder'}`);
    this.#noise = new NoiseSession({
      initiator: isInitiator,
      prologue: noisePrologue(options.networkId),
      staticSecret: options.staticKey.secret,
      ephemeralSecret: options.ephemeral.secret,
      ...(defect?.kind === 'zeroEphemeral' ? { forcedEphemeral: new Uint8Array(32) } : {}),
      ...(defect?.kind === 'prologue' ? { sealingPrologue: noisePrologue(utf8(defect.networkId)) } : {}),
    });
  }

  get state(): HandshakeState {
    return this.#state;
  }

  /** Number of the handshake message that a node in order may send now; undefined when it has none to send. */
  get permitted(): 1 | 2 | 3 | undefined {
    if (this.#state.phase === 'waiting') return this.awaited;
    const { defect, isInitiator } = this.#options;
    // A kit that stops has not broken anything: the node's answer to what was said before may still come, once.
    if (defect?.kind !== 'stopAfter' || this.#isIgnoring) return undefined;
    if (isInitiator) return defect.message === 1 ? 2 : undefined;
    return defect.message === 0 ? 1 : defect.message === 2 ? 3 : undefined;
  }

  /** Number of the message that the node is to send next. */
  get awaited(): 1 | 2 | 3 {
    if (this.#options.isInitiator) return 2;
    return this.#noise.messageIndex === 0 ? 1 : 3;
  }

  /** Messages to begin with. */
  begin(): readonly HandshakeMessage[] {
    if (this.#stopsAfter(0)) return [];
    return this.#options.isInitiator ? [this.#message1()] : [];
  }

  /** Takes the node's next message and returns the kit's answer. */
  receive(message: Uint8Array): readonly HandshakeMessage[] {
    if (this.#state.phase !== 'waiting') {
      this.#isIgnoring = true;
      return [];
    }
    try {
      return this.#answer(message);
    } catch (error) {
      if (!(error instanceof NoiseFailure)) throw error;
      this.#fail(`the node's message ${this.awaited}: ${error.message}`);
      return [];
    }
  }

  /** Throws a NoiseFailure when the message cannot be read, or makes a secret zero. */
  #answer(message: Uint8Array): readonly HandshakeMessage[] {
    const awaited = this.awaited;
    if (awaited === 1 && message.length !== 32) {
      throw new NoiseFailure('E_HANDSHAKE', `message 1 has ${message.length} bytes, not 32 (SES-002)`);
    }
    const payload = this.#noise.readMessage(message);
    if (awaited === 1) return this.#message2();
    const fault = this.#takeHello(payload);
    if (fault !== undefined) {
      this.#fail(`the node's hello in message ${awaited}: ${fault}`);
      return [];
    }
    if (awaited === 2) return this.#message3();
    this.#finish();
    return [];
  }

  #fail(reason: string): void {
    this.#state = { phase: 'failed', reason };
  }

  #stopsAfter(message: 0 | 1 | 2): boolean {
    const { defect } = this.#options;
    const stops = defect?.kind === 'stopAfter' && defect.message === message;
    if (stops) this.#state = { phase: 'sent', reason: `the kit stops after message ${message}` };
    return stops;
  }

  #message1(): HandshakeMessage {
    const { defect } = this.#options;
    const wanted = defect?.kind === 'message1Length' || (defect?.kind === 'oversize' && defect.message === 1) ? defect.size : 32;
    // A longer message 1 is one with a payload: whoever takes it can go on.
    const payload = defect?.kind === 'message1Payload' ? unhex(defect.bytes) : new Uint8Array(Math.max(0, wanted - 32)).fill(0x61);
    const written = this.#noise.writeMessage(payload);
    const bytes = this.#flipped(1, wanted < 32 ? written.subarray(0, wanted) : written);
    this.#stopsAfter(1);
    if (wanted < 32) this.#state = { phase: 'sent', reason: `the kit sent a message 1 of ${wanted} bytes` };
    return { number: 1, bytes };
  }

  #message2(): readonly HandshakeMessage[] {
    if (this.#stopsAfter(1)) return [];
    const { defect, memory } = this.#options;
    if (defect?.kind === 'reflectHello' && memory.nodeHello === undefined) {
      this.#fail('there is no earlier hello of the node to send back');
      return [];
    }
    const { bytes } = this.#withHello(2, memory.nodeHello);
    this.#stopsAfter(2);
    return [{ number: 2, bytes }];
  }

  #message3(): readonly HandshakeMessage[] {
    if (this.#stopsAfter(2)) return [];
    const { defect, memory } = this.#options;
    if (defect?.kind === 'replayMessage3') {
      if (memory.message3 === undefined) {
        this.#fail('there is no earlier message 3 to replay');
        return [];
      }
      this.#state = { phase: 'sent', reason: 'the kit sent an earlier message 3 again' };
      return [{ number: 3, bytes: memory.message3 }];
    }
    if (defect?.kind === 'earlyData') {
      this.#state = { phase: 'sent', reason: 'the kit sent data instead of message 3' };
      return [{ number: 3, bytes: this.#earlyData() }];
    }
    const { bytes, isReadable } = this.#withHello(3, memory.nodeHello);
    if (defect === undefined) memory.message3 = bytes;
    if (isReadable) this.#finish();
    else this.#state = { phase: 'sent', reason: 'the kit sent a message 3 that does not decrypt' };
    return [{ number: 3, bytes }];
  }

  /** Message 2 or 3 with the kit's hello. */
  #withHello(number: 2 | 3, reflected: Uint8Array | undefined): { readonly bytes: Uint8Array; readonly isReadable: boolean } {
    const { defect, isInitiator, networkId, identity, staticKey, capabilities, roles, listenAddresses } = this.#options;
    const side = isInitiator ? 'initiator' : 'responder';
    const addresses = listenAddresses.map(readAddressText);
    const source: HelloSource = {
      networkId,
      identity,
      staticKey: staticKey.publicKey,
      side,
      capabilities,
      roles,
      listenAddresses: addresses,
    };
    const overhead = number === 2 ? MESSAGE_2_OVERHEAD : MESSAGE_3_OVERHEAD;
    const size = defect?.kind === 'oversize' ? defect.size : undefined;
    const sized = size === undefined ? undefined : helloOfSize(source, size - overhead);
    const written = this.#noise.writeMessage(sized ?? kitHello(source, defect, reflected));
    const isPadded = size !== undefined && sized === undefined && size > written.length;
    const padded = isPadded ? concat(written, new Uint8Array(size - written.length).fill(0x61)) : written;
    const isSpoiled = isPadded || defect?.kind === 'flipByte' || defect?.kind === 'prologue';
    return { bytes: this.#flipped(number, padded), isReadable: !isSpoiled };
  }

  #flipped(number: 1 | 2 | 3, message: Uint8Array): Uint8Array {
    const { defect } = this.#options;
    if (defect?.kind !== 'flipByte' || defect.message !== number || message.length === 0) return message;
    const copy = message.slice();
    // A negative offset counts from the end.
    const offset = ((defect.offset % copy.length) + copy.length) % copy.length;
    copy[offset] = (copy[offset] ?? 0) ^ 1;
    return copy;
  }

  /** A Ping sealed as a transport message with a key that the node cannot have. */
  #earlyData(): Uint8Array {
    const ping = encodeFrame(2, 1, concat(Uint8Array.of(0x0a, 8), new Uint8Array(8).fill(0x61)));
    return chachaSeal(derive('early data', this.#options.ephemeral.secret), new Uint8Array(12), new Uint8Array(), ping);
  }

  #takeHello(envelopeBytes: Uint8Array): string | undefined {
    const { networkId, isInitiator, memory } = this.#options;
    const judged = judgeEnvelope(networkId, 'handshake', envelopeBytes);
    if (judged.verdict !== 'accept') return `${judged.verdict} ${judged.code} (${judged.clause})`;
    const envelope = readEnvelope(envelopeBytes);
    const hello = envelope && readHello(envelope.payload);
    if (envelope === undefined || hello === undefined) return 'it is not strictly encoded (IDN-040)';
    const remote = this.#noise.remoteStatic;
    if (remote === undefined || !equal(hello.staticKey, remote)) return 'it names another static key (SES-015)';
    if (hello.side !== (isInitiator ? 'responder' : 'initiator')) return `it is a hello of the ${hello.side} (SES-016)`;
    if (!areCapabilities(hello.capabilities)) return 'its capabilities are not in order (SES-021)';
    if (sessionMinor({ min: 0, max: 0 }, { min: hello.minorMin, max: hello.minorMax }) === undefined) {
      return `its minor versions ${hello.minorMin} to ${hello.minorMax} do not hold 0 (SES-019)`;
    }
    memory.nodeHello = envelopeBytes;
    this.#node = { hello, peerId: hex(peerId(envelope.keyType, envelope.publicKey)) };
    return undefined;
  }

  #finish(): void {
    if (this.#node === undefined) throw new HarnessError('a handshake ended without the hello of the node');
    const { defect, capabilities } = this.#options;
    const own = defect?.kind === 'capabilities' ? defect.capabilities : capabilities;
    const { hello, peerId: nodePeerId } = this.#node;
    const session = intersectCapabilities(hello.capabilities, own);
    this.#state = {
      phase: 'done',
      noise: this.#noise,
      nodePeerId,
      capabilities: session,
      offered: hello.capabilities,
      listens: hello.listenAddresses,
    };
  }
}

/** Ephemeral key, sealed static key, tag of the payload. */
const MESSAGE_2_OVERHEAD = 32 + 48 + 16;
/** Sealed static key, tag of the payload. */
const MESSAGE_3_OVERHEAD = 48 + 16;
