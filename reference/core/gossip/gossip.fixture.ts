/**
 * What the tests of this folder share: identities, real envelopes, and a bench that drives one
 * machine in virtual time and reads what it sends.
 */
import { create } from '@bufbuild/protobuf';
import { AppPayloadSchema } from '../../../proto/gen/carillon/v1/gossip_pb.ts';
import { encodeUtf8, toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { invariant } from '../errors.ts';
import { makeParams, type Params, type PresetName } from '../params.ts';
import { createRng } from '../rng.ts';
import { CAPABILITY_GOSSIP, type EnvelopeHash, type LinkId, type MessageId, type MonoMs, type PeerId } from '../types.ts';
import {
  type Decoded,
  decodeDirect,
  decodeGraft,
  decodeIdontwant,
  decodeIhave,
  decodeIwant,
  decodePrune,
  decodePush,
  encodeDirect,
  encodeGraft,
  encodeIdontwant,
  encodeIhave,
  encodeIwant,
  encodePrune,
  encodePush,
} from '../wire/body.ts';
import { envelopeId, hashEnvelope, openEnvelope, sealEnvelope } from '../wire/envelope.ts';
import { KIND_DIRECT, KIND_GRAFT, KIND_IDONTWANT, KIND_IHAVE, KIND_IWANT, KIND_PRUNE, KIND_PUSH } from '../wire/frame.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { encodeStrict } from '../wire/strict.ts';
import type { GossipOptions } from './contract.ts';
import { createGossip, type GossipInput, type GossipMachine, type GossipOutput } from './machine.ts';
import type { GossipView } from './view.ts';

export const NETWORK_ID: Uint8Array = encodeUtf8('gossip-test');
export const TOPIC = 'app/test';

/** The wall clock when the monotonic clock shows 0. */
export const WALL_START_MS = 1_700_000_000_000;

/** The portable provider with the costly answers remembered: many nodes check the same signatures. */
export function createTestCrypto(): CryptoProvider {
  const verified = new Map<string, boolean>();
  const signed = new Map<string, Uint8Array>();
  const keys = new Map<string, Uint8Array>();
  return {
    ...portableCrypto,
    ed25519PublicKey: (seed) => remember(keys, toHex(seed), () => portableCrypto.ed25519PublicKey(seed)),
    ed25519Sign: (seed, message) => remember(signed, `${toHex(seed)}${toHex(message)}`, () => portableCrypto.ed25519Sign(seed, message)),
    ed25519VerifyEquation: (publicKey, message, signature) =>
      remember(verified, `${toHex(publicKey)}${toHex(signature)}${toHex(message)}`, () =>
        portableCrypto.ed25519VerifyEquation(publicKey, message, signature),
      ),
  };
}

function remember<T>(answers: Map<string, T>, key: string, compute: () => T): T {
  const known = answers.get(key);
  if (known !== undefined) return known;
  const answer = compute();
  answers.set(key, answer);
  return answer;
}

export const testCrypto: CryptoProvider = createTestCrypto();

/** A key pair's name and secret. */
export interface Identity {
  readonly seed: Uint8Array;
  readonly peer: PeerId;
}

/** The identity of a label; the same label gives the same one. */
export function identity(label: string): Identity {
  const seed = testCrypto.sha256(encodeUtf8(label));
  return { seed, peer: derivePeerId(testCrypto, 1, testCrypto.ed25519PublicKey(seed)) };
}

/** A signed message. */
export interface TestMessage {
  readonly topic: string;
  readonly origin: PeerId;
  readonly envelope: Uint8Array;
  readonly id: MessageId;
  readonly hash: EnvelopeHash;
}

let nextSequence = 1n;

/** Signs a message; `atMs` is on the bench's clock, `payloadTopic` stands in the payload when it differs. */
export function message(
  from: Identity,
  options: {
    readonly atMs?: number;
    readonly topic?: string;
    readonly payloadTopic?: string;
    readonly size?: number;
    readonly sequence?: bigint;
  } = {},
): TestMessage {
  const topic = options.topic ?? TOPIC;
  const payload = create(AppPayloadSchema, {
    version: 1,
    createdMs: BigInt(WALL_START_MS + (options.atMs ?? 0)),
    topic: options.payloadTopic ?? topic,
    sequence: options.sequence ?? nextSequence++,
    data: new Uint8Array(options.size ?? 10).fill(0x61),
  });
  const envelope = sealEnvelope(testCrypto, NETWORK_ID, 'app', from.seed, encodeStrict(AppPayloadSchema, payload));
  return describe(topic, from.peer, envelope);
}

function describe(topic: string, origin: PeerId, envelope: Uint8Array): TestMessage {
  const opened = openEnvelope(envelope, 'app', AppPayloadSchema);
  invariant(opened.verdict === 'ok', 'the test made a good envelope');
  return {
    topic,
    origin,
    envelope,
    id: envelopeId(testCrypto, NETWORK_ID, opened.envelope),
    hash: hashEnvelope(testCrypto, envelope),
  };
}

/** The same message with a broken signature: same id, other bytes. */
export function spoil(good: TestMessage): TestMessage {
  const envelope = Uint8Array.from(good.envelope);
  envelope[envelope.length - 1] = (envelope[envelope.length - 1] ?? 0) ^ 1;
  return describe(good.topic, good.origin, envelope);
}

/** A frame that the machine sent, decoded. */
export type Sent = { readonly atMs: MonoMs; readonly link: number; readonly size: number } & (
  | {
      readonly type: 'push';
      readonly topic: string;
      readonly items: readonly { readonly hops: number; readonly id: MessageId; readonly hash: EnvelopeHash }[];
    }
  | { readonly type: 'direct'; readonly topic: string; readonly ids: readonly MessageId[] }
  | { readonly type: 'ihave'; readonly topic: string; readonly ids: readonly MessageId[] }
  | { readonly type: 'iwant'; readonly ids: readonly MessageId[] }
  | { readonly type: 'idontwant'; readonly ids: readonly MessageId[] }
  | { readonly type: 'prune'; readonly origins: readonly PeerId[]; readonly backoffMs: bigint }
  | { readonly type: 'graft'; readonly origins: readonly PeerId[] }
);

/** An effect other than a frame, with its time. */
export type Effect = Exclude<GossipOutput, { readonly type: 'sendFrame' }> & { readonly atMs: MonoMs };

function must<T>(decoded: Decoded<T>): T {
  invariant(decoded.ok, 'the machine sends well-formed bodies');
  return decoded.value;
}

function idOf(envelope: Uint8Array): MessageId {
  const opened = openEnvelope(envelope, 'app', AppPayloadSchema);
  invariant(opened.verdict === 'ok', 'the machine sends good envelopes');
  return envelopeId(testCrypto, NETWORK_ID, opened.envelope);
}

function readFrame(atMs: MonoMs, link: number, kind: number, body: Uint8Array): Sent {
  const at = { atMs, link, size: body.length };
  switch (kind) {
    case KIND_PUSH: {
      const { topic, items } = must(decodePush(body));
      return {
        ...at,
        type: 'push',
        topic,
        items: items.map(({ hops, envelope }) => ({ hops, id: idOf(envelope), hash: hashEnvelope(testCrypto, envelope) })),
      };
    }
    case KIND_DIRECT: {
      const { topic, envelopes } = must(decodeDirect(body));
      return { ...at, type: 'direct', topic, ids: envelopes.map(idOf) };
    }
    case KIND_IHAVE:
      return { ...at, type: 'ihave', ...must(decodeIhave(body)) };
    case KIND_IWANT:
      return { ...at, type: 'iwant', ...must(decodeIwant(body)) };
    case KIND_IDONTWANT:
      return { ...at, type: 'idontwant', ...must(decodeIdontwant(body)) };
    case KIND_PRUNE:
      return { ...at, type: 'prune', ...must(decodePrune(body)) };
    default:
      invariant(kind === KIND_GRAFT, 'no other kind is gossip');
      return { ...at, type: 'graft', ...must(decodeGraft(body)) };
  }
}

/** How a bench departs from preset `conformance` without stakes. */
export interface BenchOptions {
  readonly preset?: PresetName;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly stakes?: ReadonlyMap<PeerId, bigint>;
  readonly self?: Identity;
  readonly seed?: string;
  readonly validation?: boolean;
}

export function testParams(preset: PresetName, overrides: Readonly<Record<string, string>> = {}): Params {
  const made = makeParams(preset, overrides);
  invariant(made.ok, made.ok ? '' : made.message);
  return made.params;
}

/** The options of a machine under test. */
export function gossipOptions(options: BenchOptions = {}): GossipOptions {
  const self = options.self ?? identity('node');
  return {
    params: testParams(options.preset ?? 'conformance', options.overrides),
    crypto: testCrypto,
    rng: createRng(encodeUtf8(options.seed ?? 'bench')),
    networkId: NETWORK_ID,
    identitySeed: self.seed,
    self: self.peer,
    stakeOf: (peer) => options.stakes?.get(peer) ?? 0n,
    applicationValidation: options.validation ?? false,
  };
}

/** One machine, its clock, and everything that it did so far. */
export class Bench {
  readonly machine: GossipMachine;
  readonly effects: Effect[] = [];
  readonly sent: Sent[] = [];
  nowMs: MonoMs = 0;

  constructor(options: BenchOptions = {}) {
    this.machine = createGossip(gossipOptions(options));
  }

  input(input: GossipInput): void {
    for (const output of this.machine.handle(input, { monoMs: this.nowMs, wallMs: WALL_START_MS + this.nowMs })) {
      if (output.type === 'sendFrame') this.sent.push(readFrame(this.nowMs, output.link, output.kind, output.body));
      else this.effects.push({ ...output, atMs: this.nowMs });
    }
  }

  /** Lets time pass and fires every timer on the way. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    let idle = 0;
    for (let due = this.machine.deadline(); due !== undefined && due <= untilMs; due = this.machine.deadline()) {
      idle = due <= this.nowMs ? idle + 1 : 0;
      invariant(idle < 10, 'a tick lets its timer pass');
      this.nowMs = Math.max(this.nowMs, due);
      this.input({ type: 'tick' });
    }
    this.nowMs = untilMs;
  }

  /** Opens a session with the peer of a label; every link has an address of its own unless told otherwise. */
  up(link: number, label: string = `peer-${link}`, options: { readonly capability?: string; readonly address?: string } = {}): Identity {
    const peer = identity(label);
    this.input({
      type: 'sessionUp',
      publicKey: new Uint8Array(32),
      direction: 'inbound',
      roles: 1,
      listenAddresses: [],
      link: link as LinkId,
      peer: peer.peer,
      address: options.address ?? `10.0.${link >> 8}.${link & 255}`,
      capabilities: new Set([options.capability ?? CAPABILITY_GOSSIP]),
    });
    return peer;
  }

  down(link: number, label: string = `peer-${link}`): void {
    this.input({ type: 'sessionDown', link: link as LinkId, peer: identity(label).peer });
  }

  frame(link: number, kind: number, body: Uint8Array): void {
    this.input({ type: 'frame', link: link as LinkId, kind, requestId: 0, body });
  }

  push(link: number, ...messages: readonly TestMessage[]): void {
    this.pushHops(link, 0, ...messages);
  }

  pushHops(link: number, hops: number, ...messages: readonly TestMessage[]): void {
    const items = messages.map(({ envelope }) => ({ hops, envelope }));
    this.frame(link, KIND_PUSH, encodePush({ topic: messages[0]?.topic ?? TOPIC, items }));
  }

  direct(link: number, ...messages: readonly TestMessage[]): void {
    const envelopes = messages.map(({ envelope }) => envelope);
    this.frame(link, KIND_DIRECT, encodeDirect({ topic: messages[0]?.topic ?? TOPIC, envelopes }));
  }

  ihave(link: number, ...ids: readonly MessageId[]): void {
    this.frame(link, KIND_IHAVE, encodeIhave({ topic: TOPIC, ids }));
  }

  iwant(link: number, ...ids: readonly MessageId[]): void {
    this.frame(link, KIND_IWANT, encodeIwant({ ids }));
  }

  idontwant(link: number, ...ids: readonly MessageId[]): void {
    this.frame(link, KIND_IDONTWANT, encodeIdontwant({ ids }));
  }

  prune(link: number, backoffMs: number | bigint, ...origins: readonly PeerId[]): void {
    this.frame(link, KIND_PRUNE, encodePrune({ origins, backoffMs: BigInt(backoffMs) }));
  }

  graft(link: number, ...origins: readonly PeerId[]): void {
    this.frame(link, KIND_GRAFT, encodeGraft({ origins }));
  }

  publish(data: Uint8Array = Uint8Array.of(1), topic: string = TOPIC): void {
    this.input({ type: 'publish', topic, data });
  }

  validated(token: number, verdict: 'accept' | 'ignore' | 'reject'): void {
    this.input({ type: 'validated', token, verdict });
  }

  /** Forgets what was recorded so far. */
  clear(): void {
    this.effects.length = 0;
    this.sent.length = 0;
  }

  view(): GossipView {
    return this.machine.view() as GossipView;
  }

  frames<Type extends Sent['type']>(type: Type, link?: number): readonly Extract<Sent, { readonly type: Type }>[] {
    return this.sent.filter((sent) => sent.type === type && (link === undefined || sent.link === link)) as Extract<
      Sent,
      { readonly type: Type }
    >[];
  }

  of<Type extends Effect['type']>(type: Type): readonly Extract<Effect, { readonly type: Type }>[] {
    return this.effects.filter((effect) => effect.type === type) as Extract<Effect, { readonly type: Type }>[];
  }

  /** Links on which the message was pushed, in order. */
  pushedOn(id: MessageId): readonly number[] {
    return this.frames('push').flatMap(({ link, items }) => items.filter((item) => item.id === id).map(() => link));
  }

  /** Links on which the message was announced, in order. */
  announcedOn(id: MessageId): readonly number[] {
    return this.frames('ihave').flatMap(({ link, ids }) => ids.filter((other) => other === id).map(() => link));
  }

  /** Links that were asked for the message, with the times. */
  askedOn(id: MessageId): readonly (readonly [link: number, atMs: MonoMs])[] {
    return this.frames('iwant').flatMap(({ link, ids, atMs }) => ids.filter((other) => other === id).map(() => [link, atMs] as const));
  }

  directOn(id: MessageId): readonly number[] {
    return this.frames('direct').flatMap(({ link, ids }) => ids.filter((other) => other === id).map(() => link));
  }

  delivered(): readonly MessageId[] {
    return this.of('deliver').map(({ id }) => id);
  }

  /** Verdicts as `verdict code clause`, an accept as `accept`. */
  verdicts(): readonly string[] {
    return this.of('verdict').map(({ verdict, code, clause }) => [verdict, code, clause].filter((part) => part !== undefined).join(' '));
  }
}
