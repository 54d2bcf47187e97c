/**
 * Test ground of the session machine: a machine under virtual time, a pipe that joins two of them,
 * and a puppet, the other end of a handshake in the hands of the test.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { HandshakeHelloSchema, HandshakeSide } from '../../../proto/gen/carillon/v1/session_pb.ts';
import { concatBytes, encodeUtf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { invariant } from '../errors.ts';
import { makeParams, type Params } from '../params.ts';
import { createRng } from '../rng.ts';
import type { Direction, ErrorName, LinkId, PeerId } from '../types.ts';
import { encodePing } from '../wire/body.ts';
import { sealEnvelope } from '../wire/envelope.ts';
import { encodeFrame, type FrameReading, KIND_PING, readFrame } from '../wire/frame.ts';
import { createHandshake, type Handshake } from '../wire/noise.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { encodeStrict } from '../wire/strict.ts';
import { sessionPrologue } from './handshake.ts';
import { createSessions, type SessionMachine } from './machine.ts';
import type { SessionInput, SessionOptions, SessionOutput } from './state.ts';

export const NETWORK: Uint8Array = encodeUtf8('test');

/** The start of the wall clock; nothing here depends on it. */
const WALL_START_MS = 1_700_000_000_000;

/** 32 bytes of a label. */
export function seedOf(label: string): Uint8Array {
  return portableCrypto.sha256(encodeUtf8(label));
}

export function publicKeyOf(label: string): Uint8Array {
  return portableCrypto.ed25519PublicKey(seedOf(label));
}

export function peerOf(label: string): PeerId {
  return derivePeerId(portableCrypto, 1, publicKeyOf(label));
}

export function linkOf(number: number): LinkId {
  return number as LinkId;
}

/** The chapters after gossip, turned off. */
const SESSIONS_ALONE = {
  'records.mode': 'off',
  'reconcile.mode': 'off',
  'dht.mode': 'off',
  'overlay.mode': 'off',
  'mempool.mode': 'off',
};

/** Preset `conformance` without the chapters after gossip, with departures. */
export function paramsOf(overrides: Readonly<Record<string, string>> = {}): Params {
  const made = makeParams('conformance', { ...SESSIONS_ALONE, ...overrides });
  invariant(made.ok, made.ok ? '' : made.message);
  return made.params;
}

/** An output and when it came. */
export type Logged = SessionOutput & { readonly atMs: number };

/** A session machine with its clock; every output is logged. */
export interface TestSessions {
  readonly machine: SessionMachine;
  readonly peer: PeerId;
  readonly log: Logged[];
  readonly nowMs: number;
  /** Gives an input and lets the machine settle; returns what came of it. */
  give(input: SessionInput): readonly Logged[];
  /** Moves the clock, firing every timer on the way; returns what came of it. */
  advance(ms: number): readonly Logged[];
}

export function createTestSessions(
  label: string,
  overrides: Readonly<Record<string, string>> = {},
  more: Partial<SessionOptions> = {},
): TestSessions {
  const machine = createSessions({
    params: paramsOf(overrides),
    crypto: portableCrypto,
    rng: createRng(seedOf(`rng of ${label}`)),
    networkId: NETWORK,
    identitySeed: seedOf(label),
    self: peerOf(label),
    ...more,
  });
  const log: Logged[] = [];
  let nowMs = 0;

  function handle(input: SessionInput): readonly Logged[] {
    const now = { monoMs: nowMs, wallMs: WALL_START_MS + nowMs };
    const from = log.length;
    let outputs = machine.handle(input, now);
    do {
      log.push(...outputs.map((output) => ({ ...output, atMs: nowMs })));
      outputs = machine.handle({ type: 'settled' }, now);
    } while (outputs.length > 0);
    return log.slice(from);
  }

  function advance(ms: number): readonly Logged[] {
    const from = log.length;
    const target = nowMs + ms;
    for (let wakes = 0; ; wakes++) {
      invariant(wakes < 100_000, 'time moves');
      const due = machine.deadline();
      if (due === undefined || due > target) break;
      nowMs = Math.max(nowMs, due);
      handle({ type: 'tick' });
    }
    nowMs = target;
    return log.slice(from);
  }

  return {
    machine,
    peer: peerOf(label),
    log,
    get nowMs() {
      return nowMs;
    },
    give: handle,
    advance,
  };
}

/** Outputs of one type. */
export function only<T extends SessionOutput['type']>(
  outputs: readonly Logged[],
  type: T,
): readonly Extract<Logged, { readonly type: T }>[] {
  return outputs.filter((output): output is Extract<Logged, { readonly type: T }> => output.type === type);
}

/** The codes of Close effects on a link. */
export function closeCodes(outputs: readonly Logged[], link: number): readonly (ErrorName | undefined)[] {
  return only(outputs, 'close')
    .filter((close) => close.link === link)
    .map((close) => close.code);
}

/** Clauses of violations. */
export function brokenClauses(outputs: readonly Logged[]): readonly string[] {
  return only(outputs, 'violation').map((violation) => violation.clause);
}

/** A frame as the test sees it. */
export type SeenFrame = Extract<FrameReading, { readonly ok: true }>;

/** The frames of a plaintext. */
export function splitFrames(plaintext: Uint8Array): readonly SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let offset = 0; offset < plaintext.length; ) {
    const frame = readFrame(plaintext, offset);
    invariant(frame.ok, 'a machine sends frames that are in order');
    frames.push(frame);
    offset = frame.next;
  }
  return frames;
}

/** The frames that left as plaintext on a link. */
export function framesOn(outputs: readonly Logged[], link: number): readonly SeenFrame[] {
  return only(outputs, 'plaintext')
    .filter((output) => output.link === link)
    .flatMap((output) => splitFrames(output.data));
}

/** Opens a link whose handshake is taken as done, with a peer of that label. */
export function openPlain(
  node: TestSessions,
  link: number,
  label: string,
  direction: Direction = 'inbound',
  capabilities: readonly string[] = ['gossip/1'],
): readonly Logged[] {
  return node.give({
    type: 'linkEstablished',
    link: linkOf(link),
    direction,
    address: `10.0.0.${link}`,
    publicKey: publicKeyOf(label),
    capabilities,
  });
}

/** Gives a plaintext made of these parts. */
export function givePlain(node: TestSessions, link: number, ...parts: readonly Uint8Array[]): readonly Logged[] {
  return node.give({ type: 'plaintext', link: linkOf(link), data: concatBytes(...parts) });
}

export function nonceOf(number: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, number >> 8, number & 0xff);
}

/** A Ping frame. */
export function pingFrame(requestId: number, nonce: Uint8Array = nonceOf(requestId)): Uint8Array {
  return encodeFrame(KIND_PING, requestId, encodePing({ nonce }));
}

/** Joins `a`, which dials, and `b` by a pipe; messages are carried until both are quiet. */
export function joinSessions(a: TestSessions, linkA: number, b: TestSessions, linkB: number, dial?: number): { readonly pump: () => void } {
  let takenA = a.log.length;
  let takenB = b.log.length;

  function carry(from: TestSessions, fromLink: number, taken: number, to: TestSessions, toLink: number): number {
    const fresh = from.log.slice(taken);
    for (const output of fresh) {
      if ('link' in output && output.link !== fromLink) continue;
      if (output.type === 'message') to.give({ type: 'message', link: linkOf(toLink), data: output.data, text: false });
      if (output.type === 'close') to.give({ type: 'linkClosed', link: linkOf(toLink) });
    }
    return taken + fresh.length;
  }

  function pump(): void {
    for (let rounds = 0; takenA < a.log.length || takenB < b.log.length; rounds++) {
      invariant(rounds < 1000, 'two machines come to rest');
      takenA = carry(a, linkA, takenA, b, linkB);
      takenB = carry(b, linkB, takenB, a, linkA);
    }
  }

  b.give({ type: 'linkOpened', link: linkOf(linkB), direction: 'inbound', address: '10.1.0.1' });
  const dialPart = dial === undefined ? {} : { dial };
  a.give({ type: 'linkOpened', link: linkOf(linkA), direction: 'outbound', address: '10.1.0.2', ...dialPart });
  pump();
  return { pump };
}

/** The content of a puppet's hello, where it departs from one that is in order. */
export interface PuppetOptions {
  readonly network?: Uint8Array;
  readonly prologueNetwork?: Uint8Array;
  readonly context?: string;
  readonly hello?: MessageInitShape<typeof HandshakeHelloSchema>;
  readonly trailing?: Uint8Array;
  /** Sent instead of the envelope. */
  readonly envelope?: Uint8Array;
}

/** The test's end of a handshake. */
export interface Puppet {
  readonly noise: Handshake;
  readonly staticKey: Uint8Array;
  /** The Noise payload of the puppet's second message. */
  readonly hello: Uint8Array;
}

export function createPuppet(label: string, initiator: boolean, options: PuppetOptions = {}): Puppet {
  const staticSecret = seedOf(`static of ${label}`);
  const staticKey = portableCrypto.x25519PublicKey(staticSecret);
  const noise = createHandshake({
    crypto: portableCrypto,
    initiator,
    prologue: sessionPrologue(options.prologueNetwork ?? NETWORK),
    staticSecret,
    ephemeralSecret: seedOf(`ephemeral of ${label}`),
  });
  const hello = create(HandshakeHelloSchema, {
    version: 1,
    staticKey: Uint8Array.from(staticKey),
    side: initiator ? HandshakeSide.INITIATOR : HandshakeSide.RESPONDER,
    capabilities: ['gossip/1'],
    roles: 1,
    ...options.hello,
  });
  const payload = concatBytes(encodeStrict(HandshakeHelloSchema, hello), options.trailing ?? new Uint8Array(0));
  const network = options.network ?? NETWORK;
  const sealed = sealEnvelope(portableCrypto, network, options.context ?? 'handshake', seedOf(label), payload);
  return { noise, staticKey, hello: options.envelope ?? sealed };
}

/** A Noise message that nothing went wrong with. */
export function wellDone(result: Uint8Array | { readonly error: ErrorName }): Uint8Array {
  invariant(!('error' in result), 'the puppet does its part');
  return result;
}

/** Lets a puppet dial the node on a new link, up to and with its message 3; returns all that came of it. */
export function puppetDials(node: TestSessions, link: number, puppet: Puppet, address: string = '10.2.0.1'): readonly Logged[] {
  const from = node.log.length;
  node.give({ type: 'linkOpened', link: linkOf(link), direction: 'inbound', address });
  const opened = node.give({
    type: 'message',
    link: linkOf(link),
    data: wellDone(puppet.noise.writeMessage(new Uint8Array(0))),
    text: false,
  });
  const second = only(opened, 'message')[0];
  invariant(second !== undefined, 'the node answers message 1');
  puppet.noise.readMessage(second.data);
  node.give({ type: 'message', link: linkOf(link), data: wellDone(puppet.noise.writeMessage(puppet.hello)), text: false });
  return node.log.slice(from);
}

/** Lets the node dial a puppet on a new link, up to and with the puppet's message 2; returns all that came of it. */
export function puppetAnswers(node: TestSessions, link: number, puppet: Puppet, dial?: number): readonly Logged[] {
  const from = node.log.length;
  const dialPart = dial === undefined ? {} : { dial };
  const opened = node.give({ type: 'linkOpened', link: linkOf(link), direction: 'outbound', address: '10.2.0.2', ...dialPart });
  const first = only(opened, 'message')[0];
  invariant(first !== undefined, 'an initiator speaks first');
  puppet.noise.readMessage(first.data);
  node.give({ type: 'message', link: linkOf(link), data: wellDone(puppet.noise.writeMessage(puppet.hello)), text: false });
  return node.log.slice(from);
}
