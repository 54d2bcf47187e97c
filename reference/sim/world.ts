/**
 * A simulated network: the same core as everywhere, discrete events instead of sockets and timers,
 * and one seed that decides everything. The same seed gives the same trace hash.
 */
import { copyBytes, encodeUtf8 } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import { invariant } from '../core/errors.ts';
import type { LocalRequest, NodeEffect, NodeInput } from '../core/machine.ts';
import type { NodeOptions } from '../core/node.ts';
import { PRESETS } from '../core/params.ts';
import { createRng, type Rng } from '../core/rng.ts';
import type { Endpoint, Now, PeerId } from '../core/types.ts';
import { type NodeAddress, urlOf } from './addresses.ts';
import { createDeliveries, type Deliveries, type Delivery, type PublishedMessage } from './deliveries.ts';
import { EventHeap } from './heap.ts';
import { Mail } from './mail.ts';
import { DEFAULT_DATAGRAMS, DEFAULT_LINKS, type LinkModel, pairLatencyMs } from './network.ts';
import {
  DIAL_TIMEOUT_MS,
  DNS_MS,
  HANDSHAKE_ROUND_TRIPS,
  type KillOptions,
  NETWORK_NAME,
  OPENING_ROUND_TRIPS,
  WAKES_AT_ONCE_MAX,
  WALL_START_MS,
  type WorldOptions,
} from './options.ts';
import { createActor, createSlot, type End, type PlaceKit, type Slot } from './place.ts';
import { type NodeNotice, type RequestOutcome, Requests } from './requests.ts';
import { createTrace, type Trace } from './trace.ts';
import { countKinds, type KindTraffic, noTraffic, type Traffic } from './traffic.ts';
import { Wires } from './wires.ts';

export type { Delivery, PublishedMessage } from './deliveries.ts';
export type { KillOptions, Reach, WorldOptions } from './options.ts';
export { QUIET, worldParams } from './params.ts';
export type { NodeNotice, RequestOutcome } from './requests.ts';

type WorldEvent =
  | { readonly type: 'wake'; readonly slot: Slot; readonly starts: number }
  | { readonly type: 'start'; readonly slot: Slot }
  | { readonly type: 'arrive'; readonly to: End; readonly data: Uint8Array; readonly isPlaintext: boolean }
  | { readonly type: 'gone'; readonly to: End }
  | { readonly type: 'datagram'; readonly to: Slot; readonly from: Endpoint; readonly data: Uint8Array }
  | { readonly type: 'dialled'; readonly slot: Slot; readonly starts: number; readonly dial: number; readonly to: Slot | undefined }
  | { readonly type: 'resolved'; readonly slot: Slot; readonly starts: number; readonly name: string };

/** A network of simulated nodes; its clock stands still until it is run. */
export class World {
  readonly #options: WorldOptions;
  readonly #kit: PlaceKit;
  readonly #linkModel: LinkModel;
  readonly #chance: Rng;
  readonly #skews: Rng;
  readonly #latencySalt: number;
  readonly #stakes = new Map<PeerId, bigint>();
  readonly #slots: Slot[] = [];
  readonly #byUrl = new Map<string, Slot>();
  readonly #byPeer = new Map<PeerId, Slot>();
  readonly #events = new EventHeap<WorldEvent>();
  readonly #wires: Wires;
  readonly #mail: Mail;
  readonly #trace: Trace | undefined;
  readonly #deliveries: Deliveries = createDeliveries();
  readonly #requests = new Requests();
  readonly #notices: NodeNotice[] = [];
  readonly #total = noTraffic();
  readonly #kinds = new Map<number, KindTraffic>();
  #isApart: ((a: number, b: number) => boolean) | undefined;
  #nowMs = 0;

  constructor(options: WorldOptions) {
    invariant(Number.isInteger(options.nodes) && options.nodes >= 1 && options.nodes <= 100_000, 'a world has 1 to 100,000 nodes');
    this.#options = options;
    this.#linkModel = { ...DEFAULT_LINKS, ...options.links };
    invariant(this.#linkModel.loss >= 0 && this.#linkModel.loss < 1, 'a link loses less than everything');
    const rng = createRng(encodeUtf8(options.seed));
    this.#chance = rng.fork('links');
    this.#skews = rng.fork('skew');
    this.#latencySalt = rng.fork('latency').below(2 ** 31);
    this.#trace = (options.trace ?? true) ? createTrace() : undefined;
    this.#kit = {
      options,
      crypto: options.crypto ?? portableCrypto,
      rng,
      networkId: encodeUtf8(NETWORK_NAME),
      stakes: this.#stakes,
      defaultParams: PRESETS.devnet,
      bootstrapOf: (index) => this.#bootstrapOf(index),
    };
    this.#wires = new Wires({
      model: this.#linkModel,
      chance: this.#chance,
      isPlaintext: options.handshakes !== true,
      nowMs: () => this.#nowMs,
      latencyMs: (a, b) => this.latencyMs(a.index, b.index),
      handle: (slot, input) => this.#handle(slot, input),
      arrive: (atMs, to, data, isPlaintext) => this.#events.push(atMs, { type: 'arrive', to, data, isPlaintext }),
      gone: (atMs, to) => this.#events.push(atMs, { type: 'gone', to }),
    });
    this.#mail = new Mail({
      model: { ...DEFAULT_DATAGRAMS, ...options.datagrams },
      chance: this.#chance,
      nowMs: () => this.#nowMs,
      latencyMs: (a, b) => this.latencyMs(a.index, b.index),
      areApart: (a, b) => this.#areApart(a, b),
      arrive: (atMs, to, from, data) => this.#events.push(atMs, { type: 'datagram', to, from, data }),
    });
    this.add(options.nodes);
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get size(): number {
    return this.#slots.length;
  }

  /** What all nodes have sent. */
  get traffic(): Readonly<Traffic> {
    return { ...this.#total };
  }

  /** Frames and bytes by kind; empty without `countKinds`. */
  get trafficByKind(): ReadonlyMap<number, Readonly<KindTraffic>> {
    return this.#kinds;
  }

  /** What one node has sent. */
  trafficOf(node: number): Readonly<Traffic> {
    return { ...this.#at(node).traffic };
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries.all;
  }

  /** Everything that nodes told their applications unasked, in order. */
  get notices(): readonly NodeNotice[] {
    return this.#notices;
  }

  /** A hash of everything that every node did, in order, so far. Throws in a world without trace. */
  traceHash(): string {
    invariant(this.#trace !== undefined, 'this world was made without a trace');
    return this.#trace.hash();
  }

  peerId(node: number): PeerId {
    return this.#at(node).peerId;
  }

  /** The node with a PeerId, or undefined. */
  nodeOf(peer: PeerId): number | undefined {
    return this.#byPeer.get(peer)?.index;
  }

  publicKey(node: number): Uint8Array {
    return copyBytes(this.#at(node).publicKey);
  }

  address(node: number): NodeAddress {
    return this.#at(node).address;
  }

  /** Whether something runs at a place. */
  isRunning(node: number): boolean {
    return this.#at(node).actor !== undefined;
  }

  /** Numbers of the nodes that run, ascending. */
  running(): readonly number[] {
    return this.#slots.filter((slot) => slot.actor !== undefined).map((slot) => slot.index);
  }

  /** A state view of one node's core; undefined while it does not run. */
  view(node: number, name: string): unknown {
    return this.#at(node).actor?.view?.(name);
  }

  /** One-way milliseconds between two nodes, without jitter. */
  latencyMs(a: number, b: number): number {
    return pairLatencyMs(this.#linkModel, this.#at(a), this.#at(b), this.#latencySalt);
  }

  /** Makes further places; their nodes start as `startMs` says, but never in the past. Returns the number of the first. */
  add(count: number): number {
    const first = this.#slots.length;
    const skewMax = this.#options.clockSkewMsMax ?? 0;
    for (let index = first; index < first + count; index++) {
      const skewMs = skewMax === 0 ? 0 : this.#skews.below(2 * skewMax + 1) - skewMax;
      const slot = createSlot(this.#kit, index, skewMs);
      this.#register(slot);
      const stake = this.#options.stakes?.get(index);
      if (stake !== undefined) this.#stakes.set(slot.peerId, stake);
    }
    for (const slot of this.#slots.slice(first)) {
      const startMs = this.#options.startMs === undefined ? 0 : this.#options.startMs(slot.index);
      if (startMs === undefined) continue;
      if (startMs <= this.#nowMs) this.start(slot.index);
      else this.#events.push(startMs, { type: 'start', slot });
    }
    return first;
  }

  /** Starts what belongs into a place; the same identity and another seed at each start. Nothing happens if it runs. */
  start(node: number): void {
    const slot = this.#at(node);
    if (slot.actor !== undefined) return;
    slot.actor = createActor(this.#kit, slot);
    slot.starts += 1;
    slot.wakeMs = undefined;
    this.#schedule(slot);
  }

  /** Ends what runs at a place; `start` begins it anew, with empty memory. */
  kill(node: number, { isSilent = false, isOrderly = false }: KillOptions = {}): void {
    const slot = this.#at(node);
    if (slot.actor === undefined) return;
    if (isOrderly) this.#handle(slot, { type: 'shutdown' });
    slot.actor = undefined;
    slot.mappings.clear();
    this.#wires.abandon(slot, isSilent);
  }

  /** Connects two nodes at once; the first one dialled. */
  connect(from: number, to: number): void {
    invariant(from !== to, 'a node is not connected with itself');
    const [near, far] = [this.#at(from), this.#at(to)];
    invariant(near.actor !== undefined && far.actor !== undefined, 'both ends of a connection run');
    this.#wires.open(near, far, undefined);
  }

  /** Has a node dial another one, by its address and under its name. */
  dial(from: number, to: number): void {
    const { address, peerId } = this.#at(to);
    this.#handle(this.#at(from), { type: 'connect', address: urlOf(address), expected: peerId });
  }

  /** Connects the nodes to a ring with `chords` further links each to nodes of chance: connected, and few links across. */
  connectRing(chords: number): void {
    const rng = this.#kit.rng.fork('topology');
    const linked = new Set<string>();
    const link = (from: number, to: number): void => {
      const key = from < to ? `${from} ${to}` : `${to} ${from}`;
      if (from === to || linked.has(key)) return;
      linked.add(key);
      this.connect(from, to);
    };
    const size = this.#slots.length;
    for (let node = 0; node < size; node++) link(node, (node + 1) % size);
    for (let node = 0; node < size; node++) {
      for (let chord = 0; chord < chords; chord++) link(node, rng.below(size));
    }
  }

  /** Cuts every link of a node; it goes on and can be connected again. */
  isolate(node: number): void {
    this.#wires.cut(this.#at(node));
  }

  /**
   * Splits the network: between nodes that are apart nothing passes from now on. Links across them
   * fall silent for good, as TCP connections do that outlast their patience. Undefined heals it.
   */
  separate(isApart: ((a: number, b: number) => boolean) | undefined): void {
    this.#isApart = isApart;
    if (isApart !== undefined) this.#wires.silence(this.#slots, (a, b) => isApart(a.index, b.index));
  }

  /** Publishes on one node. Throws what the node refuses. */
  publish(node: number, topic: string, data: Uint8Array): PublishedMessage {
    const refusal = this.input(node, { type: 'publish', topic, data: copyBytes(data) }).find((effect) => effect.type === 'publishRefused');
    if (refusal?.type === 'publishRefused') throw new Error(`${refusal.code}: ${refusal.message}`);
    return { origin: node, topic, data: copyBytes(data), atMs: this.#nowMs };
  }

  /** The nodes other than its origin to which a message was delivered; one entry for each delivery. */
  coverage(message: PublishedMessage): readonly Delivery[] {
    return this.#deliveries.of(this.peerId(message.origin), message.topic, message.data);
  }

  /** Asks something of a node that runs; returns the token under which `outcome` finds the answer. */
  request(node: number, request: LocalRequest): number {
    const token = this.#requests.ask(node, this.#nowMs);
    this.input(node, { type: 'local', token, request });
    return token;
  }

  /** What became of a request; undefined while nothing has. */
  outcome(token: number): RequestOutcome | undefined {
    return this.#requests.outcome(token);
  }

  /** Gives a node any input, as its runtime would. Returns what it did, which has been carried out. */
  input(node: number, input: NodeInput): readonly NodeEffect[] {
    const slot = this.#at(node);
    invariant(slot.actor !== undefined, 'a node that takes an input runs');
    return this.#handle(slot, input);
  }

  /** Runs every event up to a moment, and leaves the clock there. */
  runUntil(untilMs: number): void {
    for (let next = this.#events.nextTime; next !== undefined && next <= untilMs; next = this.#events.nextTime) this.#step();
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Runs for a while. */
  runFor(ms: number): void {
    this.runUntil(this.#nowMs + ms);
  }

  /**
   * Runs while the condition holds, up to a moment; it is asked after each event, or, where asking
   * is dear, every so many virtual milliseconds. Returns whether it came to an end.
   */
  runWhile(isWaiting: () => boolean, untilMs: number, everyMs?: number): boolean {
    while (isWaiting()) {
      if (everyMs !== undefined) {
        if (this.#nowMs >= untilMs) return false;
        this.runUntil(Math.min(untilMs, this.#nowMs + everyMs));
        continue;
      }
      const next = this.#events.nextTime;
      if (next === undefined || next > untilMs) return false;
      this.#step();
    }
    return true;
  }

  /** Runs until every request has its outcome, up to a moment, and returns those that there are. */
  runRequests(tokens: readonly number[], untilMs: number): readonly RequestOutcome[] {
    let done = 0;
    this.runWhile(() => {
      while (done < tokens.length && this.#requests.outcome(tokens[done] ?? 0) !== undefined) done += 1;
      return done < tokens.length;
    }, untilMs);
    return tokens.flatMap((token) => this.#requests.outcome(token) ?? []);
  }

  #at(index: number): Slot {
    const slot = this.#slots[index];
    invariant(slot !== undefined, 'nodes are numbered from 0');
    return slot;
  }

  #register(slot: Slot): void {
    const url = urlOf(slot.address);
    invariant(!this.#byUrl.has(url), 'no two nodes have the same address and port');
    this.#slots.push(slot);
    this.#byUrl.set(url, slot);
    this.#byPeer.set(slot.peerId, slot);
    this.#mail.register(slot);
  }

  #step(): void {
    const event = this.#events.pop();
    if (event === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, event.time);
    const { item } = event;
    switch (item.type) {
      case 'wake':
        this.#wake(item.slot, item.starts, event.time);
        return;
      case 'start':
        this.start(item.slot.index);
        return;
      case 'arrive':
        this.#wires.deliver(item.to, item.data, item.isPlaintext);
        return;
      case 'gone':
        this.#wires.drop(item.to);
        return;
      case 'datagram':
        if (item.to.actor !== undefined) this.#handle(item.to, { type: 'datagram', from: item.from, data: item.data });
        return;
      case 'dialled':
        this.#dialled(item);
        return;
      case 'resolved':
        if (item.slot.starts !== item.starts || item.slot.actor === undefined) return;
        this.#handle(item.slot, { type: 'resolved', name: item.name, texts: this.#options.dns?.get(item.name) ?? [] });
    }
  }

  #now(slot: Slot): Now {
    return { monoMs: this.#nowMs, wallMs: WALL_START_MS + this.#nowMs + slot.skewMs };
  }

  #handle(slot: Slot, input: NodeInput): readonly NodeEffect[] {
    const { actor } = slot;
    if (actor === undefined) return [];
    const effects = actor.handle(input, this.#now(slot));
    for (const effect of effects) this.#perform(slot, effect);
    this.#schedule(slot);
    return effects;
  }

  /** Sees to it that a wake comes in time; one that comes too early looks again. */
  #schedule(slot: Slot): void {
    const due = slot.actor?.deadline();
    if (due === undefined) return;
    const atMs = Math.max(Math.ceil(due), this.#nowMs);
    if (slot.wakeMs !== undefined && slot.wakeMs <= atMs) return;
    slot.wakeMs = atMs;
    this.#events.push(atMs, { type: 'wake', slot, starts: slot.starts });
  }

  #wake(slot: Slot, starts: number, atMs: number): void {
    if (slot.starts !== starts || slot.wakeMs !== atMs || slot.actor === undefined) return;
    slot.wakeMs = undefined;
    const due = slot.actor.deadline();
    if (due === undefined || due > this.#nowMs) {
      this.#schedule(slot);
      return;
    }
    slot.wakesAtOnce = slot.wokenMs === this.#nowMs ? slot.wakesAtOnce + 1 : 0;
    slot.wokenMs = this.#nowMs;
    invariant(slot.wakesAtOnce <= WAKES_AT_ONCE_MAX, 'a node that is woken lets time go on');
    this.#handle(slot, { type: 'tick' });
  }

  #perform(slot: Slot, effect: NodeEffect): void {
    this.#trace?.record(this.#nowMs, slot.index, effect);
    this.#options.observe?.(slot.index, effect, this.#nowMs);
    switch (effect.type) {
      case 'dial':
        this.#dial(slot, effect.dial, effect.address);
        return;
      case 'message':
      case 'plaintext':
        this.#count(slot, effect.data);
        this.#wires.send(slot, effect.link, effect.data, effect.type === 'plaintext');
        return;
      case 'close':
        this.#wires.close(slot, effect.link);
        return;
      case 'datagram':
        this.#sendDatagram(slot, effect.to, effect.data);
        return;
      case 'deliver':
        if (this.#options.keepDeliveries ?? true) this.#deliveries.add(slot.index, this.#nowMs, effect);
        return;
      case 'outcome':
        this.#requests.settle(slot.index, effect.token, effect.outcome, this.#nowMs);
        return;
      case 'notice':
        this.#notices.push({ node: slot.index, atMs: this.#nowMs, notice: effect.notice });
        return;
      case 'resolve':
        this.#events.push(this.#nowMs + DNS_MS, { type: 'resolved', slot, starts: slot.starts, name: effect.name });
        return;
      case 'established':
      case 'sessionEnded':
      case 'validate':
      case 'verdict':
      case 'publishRefused':
      case 'violation':
    }
  }

  #count(slot: Slot, data: Uint8Array): void {
    for (const traffic of [this.#total, slot.traffic]) {
      traffic.bytes += data.length;
      traffic.messages += 1;
    }
    if (this.#options.countKinds === true) countKinds(this.#kinds, data);
  }

  #sendDatagram(slot: Slot, to: Endpoint, data: Uint8Array): void {
    if (!this.#mail.send(slot, to, data)) return;
    for (const traffic of [this.#total, slot.traffic]) {
      traffic.datagramBytes += data.length;
      traffic.datagrams += 1;
    }
  }

  #areApart(a: Slot, b: Slot): boolean {
    return this.#isApart?.(a.index, b.index) ?? false;
  }

  /** Dials: what answers is found out when the answer would be here. */
  #dial(slot: Slot, dial: number, address: string): void {
    const target = this.#byUrl.get(address.replace(/\/$/, ''));
    const isReachable = target !== undefined && target !== slot && target.reach === 'public' && !this.#areApart(slot, target);
    const to = isReachable ? target : undefined;
    const event: WorldEvent = { type: 'dialled', slot, starts: slot.starts, dial, to };
    if (to === undefined) this.#events.push(this.#nowMs + DIAL_TIMEOUT_MS, event);
    else {
      const roundTrips = OPENING_ROUND_TRIPS + (this.#options.handshakes === true ? 0 : HANDSHAKE_ROUND_TRIPS);
      this.#events.push(this.#nowMs + 2 * this.latencyMs(slot.index, to.index) * roundTrips, event);
    }
  }

  #dialled({ slot, starts, dial, to }: Extract<WorldEvent, { readonly type: 'dialled' }>): void {
    if (slot.starts !== starts || slot.actor === undefined) return;
    if (to?.actor === undefined || this.#areApart(slot, to)) this.#handle(slot, { type: 'dialFailed', dial });
    else this.#wires.open(slot, to, dial);
  }

  #bootstrapOf(index: number): Partial<NodeOptions> {
    const known = this.#options.bootstrap?.(index) ?? [];
    return { bootstrap: known.map((entry) => (typeof entry === 'string' ? entry : urlOf(this.#at(entry).address))) };
  }
}
