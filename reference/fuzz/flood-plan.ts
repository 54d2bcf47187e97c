/**
 * A flood: one adversary with many identities sends as much of everything as the rates let pass, and a
 * little more, answers nothing and never reads, while a few quiet links go on as they should.
 */

import { encodeBody } from '../../conformance/model/bodies.ts';
import { encodeEnvelope, makeAppPayload } from '../../conformance/model/envelope.ts';
import { encodeFrame } from '../../conformance/model/frame.ts';
import { concatBytes } from '../core/bytes.ts';
import { createNode, type Node, type NodeEffect, type NodeInput } from '../core/index.ts';
import type { Params } from '../core/params.ts';
import { createRng, type Rng } from '../core/rng.ts';
import type { LinkId, PeerId } from '../core/types.ts';
import { decodePing, encodeGoAway, encodePong, encodePush } from '../core/wire/body.ts';
import {
  KIND_GO_AWAY,
  KIND_GRAFT,
  KIND_IDONTWANT,
  KIND_IHAVE,
  KIND_IWANT,
  KIND_PING,
  KIND_PONG,
  KIND_PRUNE,
  KIND_PUSH,
} from '../core/wire/frame.ts';
import { derivePeerId } from '../core/wire/peer-id.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import type { Load } from './bound.ts';
import { NETWORK_ID, NODE_SEED, publicKeyOf, seedOf, signMessage } from './stock.ts';
import { framesOf } from './subject.ts';

/** What floods at the same time, each over one link, opened anew whenever the node closes it. */
const STREAMS = [
  'largeMessages',
  'largeMessages',
  'largeMessages',
  'smallMessages',
  'announcements',
  'questions',
  'refusals',
  'control',
  'prunes',
  'odd',
] as const;
type Stream = (typeof STREAMS)[number];

const QUIET_LINKS = 6;
const STAKED_ORIGINS = 5_000;
/** Origins without stake: enough of them that the common bucket is what limits them. */
const ORIGINS = 200;
/** Of these the first have stake. */
const STAKED_SENDERS = 20;
/** New identities a second that earn a bad count and leave. */
const PASSERS_PER_S = 400;
/** Half-open connections that are opened a second. */
const KNOCKS_PER_S = 40;
/** Ids that one Iwant asks for. */
const RECENT_IDS = 900;
const STEP_MS = 50;
const STEPS_PER_S = 1000 / STEP_MS;
const WALL_START_MS = 1_700_000_000_000;

/** What the flood does to a node, in the terms of the bound. */
export const FLOOD_LOAD: Load = {
  sessions: QUIET_LINKS + STREAMS.length + 1,
  announcing: 1,
  announcingPerS: 1,
  naming: 2,
  pruning: 1,
  asking: 2,
  stakedSenders: STAKED_SENDERS,
  stakeTable: STAKED_ORIGINS + STAKED_SENDERS,
};

/** What a flood has done so far. */
export interface FloodCounts {
  inputs: number;
  delivered: number;
  bytesSent: number;
  sessionsClosed: number;
  quietPings: number;
  quietPongs: number;
  quietLost: number;
}

/** A node and the flood on it. */
export class Flood {
  readonly node: Node;
  readonly counts: FloodCounts = { inputs: 0, delivered: 0, bytesSent: 0, sessionsClosed: 0, quietPings: 0, quietPongs: 0, quietLost: 0 };
  readonly #params: Params;
  readonly #rng: Rng;
  readonly #origins: readonly Uint8Array[];
  readonly #staked: readonly Uint8Array[];
  readonly #links = new Map<number, LinkId>();
  readonly #quiet = new Set<LinkId>();
  readonly #knocks: LinkId[] = [];
  #nowMs = 0;
  #nextLink = 1;
  #sequence = 0;
  #answered = 0;
  #recentIds: Uint8Array[] = [];

  constructor(params: Params, seed: Uint8Array) {
    this.#params = params;
    this.#rng = createRng(seed);
    this.#origins = Array.from({ length: ORIGINS }, (_, index) => seedOf(`flood origin ${index}`));
    this.#staked = Array.from({ length: STAKED_ORIGINS }, (_, index) => seedOf(`staked ${index}`));
    const senders = this.#origins
      .slice(0, STAKED_SENDERS)
      .map((origin) => derivePeerId(nativeCrypto, 1, nativeCrypto.ed25519PublicKey(origin)));
    const others = this.#staked.map((id) => Buffer.from(id).toString('hex') as PeerId);
    this.node = createNode({
      params,
      crypto: nativeCrypto,
      seed: this.#rng.fork('node').bytes(32),
      identitySeed: NODE_SEED,
      networkId: NETWORK_ID,
      stakes: new Map([...senders, ...others].map((peer) => [peer, 10n])),
      applicationValidation: true,
    });
    for (let index = 0; index < QUIET_LINKS; index++) {
      const link = this.#open(publicKeyOf(`quiet ${index}`), index === 0 ? ['direct/1'] : ['gossip/1'], `198.51.${100 + index}.1:1`);
      this.#quiet.add(link);
    }
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Floods for a second of the node's time. Whatever the node throws is thrown. */
  runSecond(): void {
    for (let step = 0; step < STEPS_PER_S; step++) {
      this.#advance(this.#nowMs + STEP_MS);
      for (const [index, stream] of STREAMS.entries()) this.#flow(index, stream);
      if (step === STEPS_PER_S - 1) this.#leaveAnnouncements();
      for (let count = 0; count < PASSERS_PER_S / STEPS_PER_S; count++) this.#passBy();
      for (let count = 0; count < KNOCKS_PER_S / STEPS_PER_S; count++) this.#knock();
    }
    this.counts.quietPings += this.#quiet.size;
    for (const link of this.#quiet) this.#send(link, [encodeFrame(KIND_PING, 7, encodeBody('Ping', { nonce: this.#rng.bytes(8) }))]);
  }

  #give(input: NodeInput): readonly NodeEffect[] {
    this.counts.inputs += 1;
    const effects = this.node.handle(input, { monoMs: this.#nowMs, wallMs: WALL_START_MS + this.#nowMs });
    for (const effect of effects) this.#notice(effect);
    return effects;
  }

  #notice(effect: NodeEffect): void {
    switch (effect.type) {
      case 'deliver':
        this.counts.delivered += 1;
        this.#recentIds.push(Uint8Array.from(Buffer.from(effect.id, 'hex')));
        if (this.#recentIds.length > 2 * RECENT_IDS) this.#recentIds = this.#recentIds.slice(-RECENT_IDS);
        return;
      case 'validate':
        // An application that is quick with small messages and slow with every other large one.
        if (effect.data.length < 10_000 || effect.token % 2 === 0)
          this.#give({ type: 'validated', token: effect.token, verdict: 'accept' });
        return;
      case 'close':
        this.counts.sessionsClosed += 1;
        if (this.#quiet.delete(effect.link)) this.counts.quietLost += 1;
        for (const [index, link] of this.#links) if (link === effect.link) this.#links.delete(index);
        return;
      case 'plaintext':
        this.counts.bytesSent += effect.data.length;
        if (this.#quiet.has(effect.link)) this.#listen(effect.link, effect.data);
        return;
      default:
        return;
    }
  }

  /** A quiet link answers Pings and does nothing else. */
  #listen(link: LinkId, plaintext: Uint8Array): void {
    for (const frame of framesOf(plaintext)) {
      if (frame.kind === KIND_PONG) this.counts.quietPongs += 1;
      const ping = frame.kind === KIND_PING ? decodePing(frame.body) : undefined;
      if (ping?.ok) this.#give({ type: 'plaintext', link, data: encodeFrame(KIND_PONG, frame.requestId, encodePong(ping.value)) });
    }
  }

  #advance(targetMs: number): void {
    for (let wakes = 0; wakes < 10_000; wakes++) {
      const due = this.node.deadline();
      if (due === undefined || due > targetMs) break;
      this.#nowMs = Math.max(this.#nowMs, due);
      this.#give({ type: 'tick' });
    }
    this.#nowMs = targetMs;
  }

  #open(publicKey: Uint8Array, capabilities: readonly string[], address: string): LinkId {
    const link = this.#nextLink as LinkId;
    this.#nextLink += 1;
    this.#give({ type: 'linkEstablished', link, direction: 'inbound', address, publicKey, capabilities });
    return link;
  }

  #send(link: LinkId, frames: readonly Uint8Array[]): void {
    if (frames.length > 0) this.#give({ type: 'plaintext', link, data: concatBytes(...frames) });
  }

  #someAddress(): string {
    return `10.${this.#rng.below(256)}.${this.#rng.below(256)}.${this.#rng.below(256)}:1`;
  }

  /** A tenth above the share of one step in a rate per second, at least one. */
  #share(perS: number): number {
    return Math.max(1, Math.ceil((perS * 1.1) / STEPS_PER_S));
  }

  #flow(index: number, stream: Stream): void {
    let link = this.#links.get(index);
    if (link === undefined) {
      link = this.#open(this.#rng.bytes(32), ['gossip/1'], this.#someAddress());
      this.#links.set(index, link);
      if (stream === 'announcements') this.#announce(link);
    }
    this.#pour(stream, link);
  }

  /** As many ids of nothing as a window takes, at once. */
  #announce(link: LinkId): void {
    for (let left = this.#params['gossip.ihave_ids_per_heartbeat']; left > 0; left -= 1000) {
      const ids = this.#bogusIds(Math.min(left, 1000));
      this.#send(link, [encodeFrame(KIND_IHAVE, 0, encodeBody('Ihave', { topic: 'app/x', ids }))]);
    }
  }

  /** Whoever announced is gone before the promises break, and another comes. */
  #leaveAnnouncements(): void {
    const index = STREAMS.indexOf('announcements');
    const link = this.#links.get(index);
    if (link === undefined) return;
    this.#links.delete(index);
    this.#give({ type: 'linkClosed', link });
  }

  #pour(stream: Stream, link: LinkId): void {
    const params = this.#params;
    switch (stream) {
      case 'largeMessages': {
        const size = params['gossip.message_bytes_max'] - 300;
        const count = this.#share(params['rate.data.bytes_per_s'] / params['gossip.message_bytes_max']);
        for (let index = 0; index < count; index++) this.#send(link, [this.#pushFrame(size, 'app/large')]);
        return;
      }
      case 'smallMessages': {
        const messages = params['gossip.unstaked_per_s'] + STAKED_SENDERS * params['gossip.origin_per_s'];
        for (let left = this.#share(messages); left > 0; left--) {
          // A topic for each message keeps announcements from being joined.
          const topic = `app/${this.#sequence.toString(36).padStart(32, 'a').slice(-32)}`;
          this.#send(link, [this.#pushFrame(5, topic)]);
        }
        return;
      }
      case 'announcements':
        this.#send(link, [encodeFrame(KIND_IDONTWANT, 0, encodeBody('Idontwant', { ids: this.#bogusIds(20) }))]);
        return;
      case 'questions':
        // Each message is asked for until the node has sent it as often as it may.
        if (this.#recentIds.length > 0)
          this.#send(link, [encodeFrame(KIND_IWANT, 0, encodeBody('Iwant', { ids: this.#recentIds.slice(-RECENT_IDS) }))]);
        return;
      case 'refusals':
        this.#send(link, [
          encodeFrame(
            KIND_IDONTWANT,
            0,
            encodeBody('Idontwant', { ids: this.#bogusIds(this.#share(params['gossip.idontwant_ids_per_heartbeat'])) }),
          ),
        ]);
        return;
      case 'control': {
        const nonce = this.#rng.bytes(8);
        const pings = this.#share(params['rate.control.messages_per_s'] / 2);
        for (let left = pings; left > 0; left--) {
          this.#answered += 1;
          this.#send(link, [
            encodeFrame(KIND_PING, this.#answered, encodeBody('Ping', { nonce })),
            encodeFrame(KIND_PONG, this.#answered, encodeBody('Pong', { nonce })),
          ]);
        }
        return;
      }
      case 'prunes': {
        const start = this.#rng.below(this.#staked.length - 32);
        const origins = this.#staked.slice(start, start + 32);
        this.#send(link, [encodeFrame(KIND_PRUNE, 0, encodeBody('Prune', { origins, backoffMs: 2n ** 60n }))]);
        if (this.#rng.below(8) === 0) this.#send(link, [encodeFrame(KIND_GRAFT, 0, encodeBody('Graft', { origins: origins.slice(0, 2) }))]);
        return;
      }
      case 'odd': {
        const odd = encodeFrame(pickOdd(this.#rng), 0, this.#rng.bytes(30_000));
        const unknownTopic = encodeFrame(
          KIND_PUSH,
          0,
          encodePush({ topic: 'tx', items: [{ hops: 0, envelope: this.#rng.bytes(30_000) }] }),
        );
        for (let left = this.#share(params['rate.data.bytes_per_s'] / 60_000); left > 0; left--) this.#send(link, [odd, unknownTopic]);
        return;
      }
    }
  }

  #bogusIds(count: number): readonly Uint8Array[] {
    const bytes = this.#rng.bytes(32 * count);
    return Array.from({ length: count }, (_, index) => bytes.slice(32 * index, 32 * (index + 1)));
  }

  /** A valid message that nobody has seen. */
  #pushFrame(size: number, topic: string): Uint8Array {
    this.#sequence += 1;
    const seed = this.#origins[this.#sequence % this.#origins.length] ?? NODE_SEED;
    const envelope = signMessage(seed, topic, WALL_START_MS + this.#nowMs, this.#sequence, new Uint8Array(size).fill(this.#sequence));
    return encodeFrame(KIND_PUSH, 0, encodePush({ topic, items: [{ hops: 0, envelope }] }));
  }

  /** An identity that was never seen sends an envelope with a bad signature, asks not to be dialled for an hour, and goes. */
  #passBy(): void {
    const link = this.#open(this.#rng.bytes(32), ['gossip/1'], this.#someAddress());
    this.#sequence += 1;
    const payload = makeAppPayload({
      createdMs: WALL_START_MS + this.#nowMs,
      topic: 'app/bad',
      sequence: this.#sequence,
      data: new Uint8Array(3),
    });
    // A key that nobody has takes room wherever keys are kept; the signature is one of a point on the curve.
    const publicKey = this.#rng.bytes(32);
    const signature = concatBytes(publicKeyOf('quiet 0'), new Uint8Array(32).fill(1));
    const envelope = encodeEnvelope({ context: 'app', keyType: 1, publicKey, payload, signature });
    this.#send(link, [encodeFrame(KIND_PUSH, 0, encodePush({ topic: 'app/bad', items: [{ hops: 0, envelope }] }))]);
    this.#send(link, [encodeFrame(KIND_GO_AWAY, 0, encodeGoAway({ code: 1, retryAfterMs: 2n ** 40n }))]);
  }

  /** A connection that begins a handshake and leaves it at that. */
  #knock(): void {
    const link = this.#nextLink as LinkId;
    this.#nextLink += 1;
    this.#give({ type: 'linkOpened', link, direction: 'inbound', address: this.#someAddress() });
    this.#give({ type: 'message', link, data: this.#rng.bytes(32), text: false });
    this.#knocks.push(link);
    if (this.#knocks.length <= this.#params['session.half_open_max']) return;
    const oldest = this.#knocks.shift();
    if (oldest !== undefined) this.#give({ type: 'linkClosed', link: oldest });
  }
}

function pickOdd(rng: Rng): number {
  return 2 * rng.below(30_000) + 1;
}
