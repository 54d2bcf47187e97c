/**
 * A network of topology machines alone: links, delays and round trips are made up, everything above
 * and below is left out. It is for runs by the hundred; scenarios of whole nodes are in `world.ts`.
 */
import { create } from '@bufbuild/protobuf';
import { AddressSchema, Transport } from '../../proto/gen/carillon/v1/common_pb.ts';
import { encodeUtf8 } from '../core/bytes.ts';
import { invariant } from '../core/errors.ts';
import type { Params } from '../core/params.ts';
import { createRng, type Rng } from '../core/rng.ts';
import type { TopologyInput, TopologyOutput } from '../core/topology/contract.ts';
import { createTopology, type TopologyMachine } from '../core/topology/machine.ts';
import type { LinkId, MonoMs, PeerId } from '../core/types.ts';
import { listenAddressesOf, type NodeAddress, spreadAddresses, urlOf } from './addresses.ts';
import { simulatedCrypto } from './crypto.ts';
import { EventHeap } from './heap.ts';
import { type Region, regionLatencyMs, usualRegion } from './regions.ts';

/** What a network is made of; functions of a node's number are asked when it is born. */
export interface TopologyNetOptions {
  readonly seed: string;
  readonly params: (node: number) => Params;
  readonly roles: (node: number) => number;
  readonly hasStake: (node: number) => boolean;
  /** `spreadAddresses` if absent. */
  readonly address?: (node: number) => NodeAddress;
  /** Candidates that somebody gets who is born, and who asks for some. */
  readonly candidates: number;
}

interface Link {
  readonly id: LinkId;
  readonly node: NetNode;
  readonly startedMs: MonoMs;
  other: Link | undefined;
}

interface NetNode {
  readonly index: number;
  readonly peer: PeerId;
  readonly address: NodeAddress;
  readonly url: string;
  readonly region: Region;
  readonly machine: TopologyMachine;
  readonly bornMs: MonoMs;
  readonly links: Map<LinkId, Link>;
  readonly linkOf: Map<PeerId, Link>;
  /** Until when peers want to be left in peace. */
  readonly rests: Map<PeerId, MonoMs>;
  nextLink: number;
  isAlive: boolean;
  wakeMs: number | undefined;
}

type NetEvent =
  | { readonly type: 'wake'; readonly node: NetNode; readonly atMs: number }
  | { readonly type: 'dialled'; readonly node: NetNode; readonly address: string; readonly expected: PeerId | undefined }
  | { readonly type: 'down'; readonly link: Link }
  | { readonly type: 'rtt'; readonly link: Link }
  | { readonly type: 'found'; readonly node: NetNode; readonly count: number };

const DIAL_ROUND_TRIPS = 3.5;
const REFUSED_DIAL_MS = 5_000;
const FIRST_PING_MS = 1_000;
const PING_MS = 15_000;
const FIND_MS = 500;

/** Nodes that come, go, dial, prune and are pruned. The same seed does the same. */
export class TopologyNet {
  readonly #options: TopologyNetOptions;
  readonly #rng: Rng;
  readonly #chance: Rng;
  readonly #events = new EventHeap<NetEvent>();
  readonly #nodes: NetNode[] = [];
  readonly #byUrl = new Map<string, NetNode>();
  readonly #ended = new Map<string, number>();
  #nowMs = 0;

  constructor(options: TopologyNetOptions) {
    this.#options = options;
    this.#rng = createRng(encodeUtf8(options.seed));
    this.#chance = this.#rng.fork('chance');
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Sessions that nodes have ended, by code. */
  get ended(): ReadonlyMap<string, number> {
    return this.#ended;
  }

  /** Numbers of the nodes that live and were born `ageMs` ago or earlier. */
  alive(ageMs = 0): readonly number[] {
    return this.#nodes.filter(({ isAlive, bornMs }) => isAlive && this.#nowMs - bornMs >= ageMs).map(({ index }) => index);
  }

  /** Peers with whom a node has links, by number; with `inboundFrom` only those of them that dialled it. */
  peersOf(node: number): readonly number[] {
    return [...this.#at(node).links.values()].map(({ other }) => other?.node.index ?? node);
  }

  /** Makes a node, and tells it of some others. Returns its number. */
  bear(): number {
    const { params, roles, hasStake, address = spreadAddresses } = this.#options;
    const index = this.#nodes.length;
    const at = address(index);
    const crypto = simulatedCrypto;
    const peer = [...crypto.sha256(encodeUtf8(`${this.#options.seed} ${index}`))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('') as PeerId;
    const rests = new Map<PeerId, MonoMs>();
    const numberOf = (other: PeerId): number => this.#numbers.get(other) ?? -1;
    const machine = createTopology({
      params: params(index),
      crypto,
      rng: this.#rng.fork(`node ${index}`),
      networkId: encodeUtf8('sim'),
      identitySeed: new Uint8Array(32),
      self: peer,
      stakeOf: (other) => (hasStake(numberOf(other)) ? 1n : 0n),
      scoreOf: (other) => (numberOf(other) % 7) / 2,
      claimedRegionOf: (other) => this.#nodes[numberOf(other)]?.region.toLowerCase() ?? '',
      usedMsOf: () => undefined,
      restUntilMs: (_address, other) => rests.get(other) ?? 0,
      consensusPeers: () => new Set<PeerId>(),
      protectedPeers: new Set(),
      roles: roles(index),
    });
    const node: NetNode = {
      index,
      peer,
      address: at,
      url: urlOf(at),
      region: usualRegion(index),
      machine,
      bornMs: this.#nowMs,
      links: new Map(),
      linkOf: new Map(),
      rests,
      nextLink: 1,
      isAlive: true,
      wakeMs: undefined,
    };
    this.#nodes.push(node);
    this.#numbers.set(peer, index);
    this.#byUrl.set(node.url, node);
    this.#tellOf(node, this.#options.candidates);
    return index;
  }

  /** Ends a node; its peers learn it after one way. */
  kill(index: number): void {
    const node = this.#at(index);
    node.isAlive = false;
    this.#byUrl.delete(node.url);
    for (const link of node.links.values()) this.#later(this.#latencyMs(link), { type: 'down', link: link.other ?? link });
    node.links.clear();
    node.linkOf.clear();
  }

  /** Lets one node dial another, whoever it has chosen itself. */
  dial(from: number, to: number): void {
    this.#perform(this.#at(from), { type: 'connect', address: this.#at(to).url, expected: this.#at(to).peer });
  }

  /** Runs every event up to a moment, and leaves the clock there. */
  runUntil(untilMs: number): void {
    for (let next = this.#events.nextTime; next !== undefined && next <= untilMs; next = this.#events.nextTime) {
      const event = this.#events.pop();
      if (event === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next);
      this.#carryOut(event.item);
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** How many of the nodes that are `ageMs` old are not connected to the greatest part of them. */
  cutOff(ageMs: number): number {
    const waiting = new Set(this.alive(ageMs));
    const total = waiting.size;
    let greatest = 0;
    for (const start of waiting) {
      waiting.delete(start);
      const reached = [start];
      for (const node of reached) {
        for (const peer of this.peersOf(node)) if (waiting.delete(peer)) reached.push(peer);
      }
      greatest = Math.max(greatest, reached.length);
    }
    return total - greatest;
  }

  readonly #numbers = new Map<PeerId, number>();

  #at(index: number): NetNode {
    const node = this.#nodes[index];
    invariant(node !== undefined, 'nodes are numbered from 0');
    return node;
  }

  #later(ms: number, event: NetEvent): void {
    this.#events.push(this.#nowMs + ms, event);
  }

  #latencyMs({ node, other }: Link): number {
    return regionLatencyMs(node.region, other?.node.region ?? node.region);
  }

  /** What a search in the DHT would give: peers of chance. */
  #tellOf(node: NetNode, count: number): void {
    for (let told = 0; told < count; told++) {
      const other = this.#chance.below(this.#nodes.length);
      const { isAlive, peer, address } = this.#at(other);
      if (isAlive && other !== node.index) this.#give(node, { type: 'candidate', peer, addresses: listenAddressesOf(address) });
    }
  }

  #carryOut(event: NetEvent): void {
    switch (event.type) {
      case 'wake':
        if (event.node.isAlive && event.node.wakeMs === event.atMs) this.#give(event.node, { type: 'tick' });
        return;
      case 'dialled':
        this.#dialled(event.node, event.address, event.expected);
        return;
      case 'down':
        this.#dropped(event.link);
        return;
      case 'rtt': {
        const { link } = event;
        if (!link.node.links.has(link.id) || link.other === undefined) return;
        this.#give(link.node, {
          type: 'rtt',
          link: link.id,
          peer: link.other.node.peer,
          ms: 2 * this.#latencyMs(link) + this.#chance.below(10),
        });
        this.#later(PING_MS, event);
        return;
      }
      case 'found':
        if (event.node.isAlive) this.#tellOf(event.node, event.count);
    }
  }

  #dialled(node: NetNode, address: string, expected: PeerId | undefined): void {
    if (!node.isAlive) return;
    const target = this.#byUrl.get(address);
    // Both ends of a pair that is connected already keep what they have.
    if (target === undefined || !target.isAlive || node.linkOf.has(target.peer)) {
      this.#give(node, { type: 'dialEnded', address, expected, peer: target?.isAlive === true ? target.peer : undefined });
      return;
    }
    const near = this.#link(node);
    const far = this.#link(target);
    near.other = far;
    far.other = near;
    node.linkOf.set(target.peer, near);
    target.linkOf.set(node.peer, far);
    this.#up(target, far, 'inbound');
    if (!node.links.has(near.id)) return;
    this.#up(node, near, 'outbound');
    this.#give(node, { type: 'dialEnded', address, expected, peer: target.peer });
    for (const link of [near, far]) this.#later(FIRST_PING_MS + this.#chance.below(PING_MS), { type: 'rtt', link });
  }

  #link(node: NetNode): Link {
    const id = node.nextLink as LinkId;
    node.nextLink += 1;
    const link: Link = { id, node, startedMs: this.#nowMs, other: undefined };
    node.links.set(id, link);
    return link;
  }

  #up(node: NetNode, link: Link, direction: 'inbound' | 'outbound'): void {
    const other = link.other?.node;
    if (other === undefined) return;
    this.#give(node, {
      type: 'sessionUp',
      link: link.id,
      peer: other.peer,
      publicKey: new Uint8Array(32),
      address: other.address.ip,
      direction,
      capabilities: new Set(),
      roles: this.#options.roles(other.index),
      listenAddresses: [
        create(AddressSchema, {
          host: { case: 'ip4', value: Uint8Array.from(other.address.ip.split('.').map(Number)) },
          port: other.address.wsPort,
          transport: Transport.WS,
        }),
      ],
    });
  }

  #dropped(link: Link): void {
    const { node, other } = link;
    if (!node.isAlive || !node.links.delete(link.id) || other === undefined) return;
    if (node.linkOf.get(other.node.peer) === link) node.linkOf.delete(other.node.peer);
    this.#give(node, { type: 'sessionDown', link: link.id, peer: other.node.peer });
  }

  #give(node: NetNode, input: TopologyInput): void {
    for (const output of node.machine.handle(input, { monoMs: this.#nowMs, wallMs: this.#nowMs })) this.#perform(node, output);
    const wakeMs = node.machine.deadline();
    if (wakeMs === undefined || wakeMs === node.wakeMs) {
      node.wakeMs = wakeMs;
      return;
    }
    node.wakeMs = Math.max(wakeMs, this.#nowMs);
    this.#events.push(node.wakeMs, { type: 'wake', node, atMs: node.wakeMs });
  }

  #perform(node: NetNode, output: TopologyOutput): void {
    switch (output.type) {
      case 'connect': {
        const target = this.#byUrl.get(output.address);
        const ms = target === undefined ? REFUSED_DIAL_MS : 2 * DIAL_ROUND_TRIPS * regionLatencyMs(node.region, target.region);
        this.#later(ms, { type: 'dialled', node, address: output.address, expected: output.expected });
        return;
      }
      case 'closeSession': {
        const link = node.links.get(output.link);
        const other = link?.other;
        if (link === undefined || other === undefined) return;
        this.#ended.set(output.code, (this.#ended.get(output.code) ?? 0) + 1);
        other.node.rests.set(node.peer, this.#nowMs + (output.retryAfterMs ?? 0));
        // What is said arrives one way later; one's own end is at once.
        this.#later(this.#latencyMs(link), { type: 'down', link: other });
        this.#later(0, { type: 'down', link });
        return;
      }
      case 'wantPeers':
        this.#later(FIND_MS, { type: 'found', node, count: 4 * output.count });
        return;
      default:
        // Outcomes and notices are for applications.
        return;
    }
  }
}
