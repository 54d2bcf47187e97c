/**
 * A simulated network: the same core as everywhere, discrete events instead of sockets and timers,
 * and one seed that decides everything. The same seed gives the same trace hash.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { copyBytes, encodeUtf8, toHex, u64be } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { invariant } from '../core/errors.ts';
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import { createNode, type Node } from '../core/node.ts';
import { makeParams, type Params, PRESETS } from '../core/params.ts';
import { createRng, type Rng } from '../core/rng.ts';
import { offeredCapabilities } from '../core/session/capabilities.ts';
import type { Direction, LinkId, MessageId, Now, PeerId } from '../core/types.ts';
import { EventHeap } from './heap.ts';
import { arrivalMs, createLane, DEFAULT_LINKS, type Lane, type LinkModel } from './network.ts';

/** What a world is made of. Two worlds of equal options do the same. */
export interface WorldOptions {
  readonly nodes: number;
  /** Any text; it decides every choice of the world and its nodes. */
  readonly seed: string;
  readonly params?: Params;
  readonly links?: Partial<LinkModel>;
  /** Run the whole Noise handshake on every link; else links start established, which is many times as fast. */
  readonly handshakes?: boolean;
  /** Each node's wall clock is off by up to so much, both ways. */
  readonly clockSkewMsMax?: number;
  /** Nodes with stake by index; none if absent. */
  readonly stakes?: ReadonlyMap<number, bigint>;
  readonly crypto?: CryptoProvider;
}

/** A message that was published; `coverage` finds it again. */
export interface PublishedMessage {
  readonly origin: number;
  readonly topic: string;
  readonly data: Uint8Array;
  readonly atMs: number;
}

/** One delivery to one node's application. */
export interface Delivery {
  readonly node: number;
  readonly atMs: number;
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly topic: string;
  readonly data: Uint8Array;
}

const NETWORK_ID = encodeUtf8('sim');
const WALL_START_MS = 1_700_000_000_000;
const CLOSE_DELAY_MS = 1;
const DIAL_DELAY_MS = 1;
/** Wakes of one node at one moment before it counts as stuck. */
const WAKES_AT_ONCE_MAX = 10_000;

interface Endpoint {
  readonly node: number;
  readonly link: LinkId;
  readonly lane: Lane;
  /** The other end. */
  peer: Endpoint | undefined;
  isOpen: boolean;
}

interface SimulatedNode {
  readonly index: number;
  readonly node: Node;
  readonly publicKey: Uint8Array;
  readonly skewMs: number;
  readonly endpoints: Map<LinkId, Endpoint>;
  nextLink: number;
  /** When its next wake is in the heap; later ones there are stale. */
  wakeMs: number | undefined;
  wakesAtOnce: number;
}

type WorldEvent =
  | { readonly type: 'wake'; readonly node: number }
  | { readonly type: 'arrive'; readonly to: Endpoint; readonly data: Uint8Array; readonly isPlaintext: boolean }
  | { readonly type: 'gone'; readonly to: Endpoint }
  | { readonly type: 'dial'; readonly node: number; readonly dial: number; readonly address: string };

/** A network of simulated nodes; its clock stands still until it is run. */
export class World {
  readonly #params: Params;
  readonly #crypto: CryptoProvider;
  readonly #links: LinkModel;
  readonly #handshakes: boolean;
  readonly #rng: Rng;
  readonly #chance: Rng;
  readonly #nodes: SimulatedNode[] = [];
  readonly #events = new EventHeap<WorldEvent>();
  readonly #trace = sha256.create();
  readonly #deliveries: Delivery[] = [];
  readonly #deliveriesOf = new Map<string, Delivery[]>();
  #nowMs = 0;
  #bytesSent = 0;
  #messagesSent = 0;

  constructor(options: WorldOptions) {
    invariant(Number.isInteger(options.nodes) && options.nodes >= 1 && options.nodes <= 100_000, 'a world has 1 to 100,000 nodes');
    this.#params = options.params ?? PRESETS.devnet;
    this.#crypto = options.crypto ?? portableCrypto;
    this.#links = { ...DEFAULT_LINKS, ...options.links };
    invariant(this.#links.loss >= 0 && this.#links.loss < 1, 'a link loses less than everything');
    this.#handshakes = options.handshakes ?? false;
    this.#rng = createRng(encodeUtf8(options.seed));
    this.#chance = this.#rng.fork('links');
    const identities = Array.from({ length: options.nodes }, (_, index) => this.#rng.fork(`identity ${index}`).bytes(32));
    const skewMax = options.clockSkewMsMax ?? 0;
    const skews = this.#rng.fork('skew');
    const stakes = new Map<PeerId, bigint>();
    const made = identities.map((identitySeed, index) => {
      const node = createNode({
        params: this.#params,
        crypto: this.#crypto,
        seed: this.#rng.fork(`node ${index}`).bytes(32),
        identitySeed,
        networkId: NETWORK_ID,
        stakes,
      });
      const stake = options.stakes?.get(index);
      if (stake !== undefined) stakes.set(node.peerId, stake);
      return { node, publicKey: this.#crypto.ed25519PublicKey(identitySeed) };
    });
    for (const [index, { node, publicKey }] of made.entries()) {
      const skewMs = skewMax === 0 ? 0 : skews.below(2 * skewMax + 1) - skewMax;
      this.#nodes.push({ index, node, publicKey, skewMs, endpoints: new Map(), nextLink: 1, wakeMs: undefined, wakesAtOnce: 0 });
    }
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** Bytes and messages that all nodes have sent. */
  get traffic(): { readonly bytes: number; readonly messages: number } {
    return { bytes: this.#bytesSent, messages: this.#messagesSent };
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** A hash of everything that every node did, in order, so far. */
  traceHash(): string {
    return toHex(this.#trace.clone().digest());
  }

  peerId(node: number): PeerId {
    return this.#at(node).node.peerId;
  }

  /** A state view of one node's core. */
  view(node: number, name: string): unknown {
    return this.#at(node).node.view(name);
  }

  /** Connects two nodes; the first one dialled. */
  connect(from: number, to: number): void {
    invariant(from !== to, 'a node is not connected with itself');
    this.#link(this.#at(from), this.#at(to), undefined);
  }

  /** Connects the nodes to a ring with `chords` further links each to nodes of chance: connected, and few links across. */
  connectRing(chords: number): void {
    const rng = this.#rng.fork('topology');
    const linked = new Set<string>();
    const link = (from: number, to: number): void => {
      const key = from < to ? `${from} ${to}` : `${to} ${from}`;
      if (from === to || linked.has(key)) return;
      linked.add(key);
      this.connect(from, to);
    };
    const size = this.#nodes.length;
    for (let node = 0; node < size; node++) link(node, (node + 1) % size);
    for (let node = 0; node < size; node++) {
      for (let chord = 0; chord < chords; chord++) link(node, rng.below(size));
    }
  }

  /** Cuts every link of a node, as when its machine dies; it goes on and can be connected again. */
  isolate(node: number): void {
    for (const endpoint of [...this.#at(node).endpoints.values()]) {
      this.#drop(endpoint);
      if (endpoint.peer !== undefined) this.#drop(endpoint.peer);
    }
  }

  /** Publishes on one node. Throws what the node refuses. */
  publish(node: number, topic: string, data: Uint8Array): PublishedMessage {
    const refusal = this.#handle(this.#at(node), { type: 'publish', topic, data: copyBytes(data) }).find(
      (effect) => effect.type === 'publishRefused',
    );
    if (refusal?.type === 'publishRefused') throw new Error(`${refusal.code}: ${refusal.message}`);
    return { origin: node, topic, data: copyBytes(data), atMs: this.#nowMs };
  }

  /** The nodes other than its origin to which a message was delivered; one entry for each delivery. */
  coverage(message: PublishedMessage): readonly Delivery[] {
    return this.#deliveriesOf.get(keyOf(this.peerId(message.origin), message.topic, message.data)) ?? [];
  }

  /** Runs every event up to a moment, and leaves the clock there. */
  runUntil(untilMs: number): void {
    for (let next = this.#events.nextTime; next !== undefined && next <= untilMs; next = this.#events.nextTime) this.#step();
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Runs until the condition holds, which is asked after each event, or until a moment. Returns whether it holds. */
  runWhile(isWaiting: () => boolean, untilMs: number): boolean {
    while (isWaiting()) {
      const next = this.#events.nextTime;
      if (next === undefined || next > untilMs) return false;
      this.#step();
    }
    return true;
  }

  #at(index: number): SimulatedNode {
    const node = this.#nodes[index];
    invariant(node !== undefined, 'nodes are numbered from 0');
    return node;
  }

  #step(): void {
    const event = this.#events.pop();
    if (event === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, event.time);
    const { item } = event;
    switch (item.type) {
      case 'wake': {
        const node = this.#at(item.node);
        if (node.wakeMs !== event.time) return;
        node.wakeMs = undefined;
        this.#handle(node, { type: 'tick' });
        return;
      }
      case 'arrive': {
        const { to, data, isPlaintext } = item;
        if (!to.isOpen) return;
        this.#handle(
          this.#at(to.node),
          isPlaintext ? { type: 'plaintext', link: to.link, data } : { type: 'message', link: to.link, data, text: false },
        );
        return;
      }
      case 'gone':
        this.#drop(item.to);
        return;
      case 'dial':
        this.#dial(this.#at(item.node), item.dial, item.address);
    }
  }

  #drop(endpoint: Endpoint): void {
    if (!endpoint.isOpen) return;
    endpoint.isOpen = false;
    const node = this.#at(endpoint.node);
    node.endpoints.delete(endpoint.link);
    this.#handle(node, { type: 'linkClosed', link: endpoint.link });
  }

  #now(node: SimulatedNode): Now {
    return { monoMs: this.#nowMs, wallMs: WALL_START_MS + this.#nowMs + node.skewMs };
  }

  #handle(node: SimulatedNode, input: NodeInput): readonly NodeEffect[] {
    const effects = node.node.handle(input, this.#now(node));
    for (const effect of effects) this.#perform(node, effect);
    this.#schedule(node);
    return effects;
  }

  #schedule(node: SimulatedNode): void {
    const due = node.node.deadline();
    if (due === undefined) {
      node.wakeMs = undefined;
      return;
    }
    const atMs = Math.max(Math.ceil(due), this.#nowMs);
    node.wakesAtOnce = atMs === this.#nowMs ? node.wakesAtOnce + 1 : 0;
    invariant(node.wakesAtOnce <= WAKES_AT_ONCE_MAX, 'a node that is woken lets time go on');
    if (node.wakeMs === atMs) return;
    node.wakeMs = atMs;
    this.#events.push(atMs, { type: 'wake', node: node.index });
  }

  #perform(node: SimulatedNode, effect: NodeEffect): void {
    this.#record(node, effect);
    switch (effect.type) {
      case 'dial':
        this.#events.push(this.#nowMs + DIAL_DELAY_MS, { type: 'dial', node: node.index, dial: effect.dial, address: effect.address });
        return;
      case 'message':
      case 'plaintext':
        this.#send(node, effect.link, effect.data, effect.type === 'plaintext');
        return;
      case 'close':
        this.#close(node, effect.link);
        return;
      case 'deliver': {
        const { id, origin, topic, data } = effect;
        this.#keepDelivery({ node: node.index, atMs: this.#nowMs, id, origin, topic, data: copyBytes(data) });
        return;
      }
      case 'established':
      case 'sessionEnded':
      case 'validate':
      case 'verdict':
      case 'publishRefused':
      case 'violation':
    }
  }

  #keepDelivery(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    const key = keyOf(delivery.origin, delivery.topic, delivery.data);
    const same = this.#deliveriesOf.get(key);
    if (same === undefined) this.#deliveriesOf.set(key, [delivery]);
    else same.push(delivery);
  }

  #record(node: SimulatedNode, effect: NodeEffect): void {
    const { type } = effect;
    const link = 'link' in effect ? effect.link : 0;
    const code = 'code' in effect ? (effect.code ?? '') : '';
    this.#trace
      .update(u64be(this.#nowMs))
      .update(u64be(node.index))
      .update(encodeUtf8(`${type} ${link} ${code}\n`));
    if ('data' in effect) this.#trace.update(u64be(effect.data.length)).update(effect.data);
  }

  #send(node: SimulatedNode, link: LinkId, data: Uint8Array, isPlaintext: boolean): void {
    const endpoint = node.endpoints.get(link);
    if (endpoint?.peer === undefined) return;
    this.#bytesSent += data.length;
    this.#messagesSent += 1;
    const atMs = arrivalMs(this.#links, endpoint.lane, this.#chance, this.#nowMs);
    this.#events.push(atMs, { type: 'arrive', to: endpoint.peer, data: copyBytes(data), isPlaintext });
  }

  #close(node: SimulatedNode, link: LinkId): void {
    const endpoint = node.endpoints.get(link);
    if (endpoint === undefined) return;
    endpoint.isOpen = false;
    node.endpoints.delete(link);
    if (endpoint.peer === undefined) return;
    // The end arrives behind what was sent before it.
    const atMs = Math.max(endpoint.lane.lastArrivalMs, this.#nowMs + endpoint.lane.latencyMs) + CLOSE_DELAY_MS;
    this.#events.push(atMs, { type: 'gone', to: endpoint.peer });
  }

  #dial(node: SimulatedNode, dial: number, address: string): void {
    const target = this.#nodes[Number(/^sim:\/\/(\d+)$/.exec(address)?.[1] ?? -1)];
    if (target === undefined || target === node) this.#handle(node, { type: 'dialFailed', dial });
    else this.#link(node, target, dial);
  }

  #link(from: SimulatedNode, to: SimulatedNode, dial: number | undefined): void {
    const near = this.#endpoint(from);
    const far = this.#endpoint(to);
    near.peer = far;
    far.peer = near;
    this.#opened(to, far, 'inbound', from, undefined);
    this.#opened(from, near, 'outbound', to, dial);
  }

  #endpoint(node: SimulatedNode): Endpoint {
    const link = node.nextLink as LinkId;
    node.nextLink += 1;
    const endpoint: Endpoint = { node: node.index, link, lane: createLane(this.#links, this.#chance), peer: undefined, isOpen: true };
    node.endpoints.set(link, endpoint);
    return endpoint;
  }

  #opened(node: SimulatedNode, { link }: Endpoint, direction: Direction, peer: SimulatedNode, dial: number | undefined): void {
    const opened = { link, direction, address: addressOf(peer.index), ...(dial === undefined ? {} : { dial }) };
    this.#handle(
      node,
      this.#handshakes
        ? { type: 'linkOpened', ...opened }
        : { type: 'linkEstablished', ...opened, publicKey: peer.publicKey, capabilities: offeredCapabilities(this.#params['gossip.mode']) },
    );
  }
}

/** Names a message by what applications see of it. */
function keyOf(origin: PeerId, topic: string, data: Uint8Array): string {
  return `${origin} ${topic} ${toHex(data)}`;
}

/** An IP address of its own for every node. */
function addressOf(node: number): string {
  return `10.${(node >> 16) & 0xff}.${(node >> 8) & 0xff}.${node & 0xff}`;
}

/** Parameters for a world: a preset with departures. Throws when chapter 19 refuses them. */
export function worldParams(preset: keyof typeof PRESETS, overrides: Readonly<Record<string, string>> = {}): Params {
  const made = makeParams(preset, overrides);
  if (!made.ok) throw new Error(`${made.code}: ${made.message}`);
  return made.params;
}
