/**
 * A network of real nodes in one process, for a team's integration tests: the whole runtime and real
 * handshakes, over in-memory pipes or loopback WebSockets.
 */
import { randomBytes } from 'node:crypto';
import { toHex } from '../core/bytes.ts';
import type { PresetName } from '../core/params.ts';
import type { PeerId, Verdict } from '../core/types.ts';
import { defineConfig } from './config.ts';
import { type DeliveredMessage, type RunningNode, startNode } from './node-host.ts';
import { createMemoryNetwork, type MemoryNetwork } from './transport/memory.ts';

/** What a devnet is made of; all of it optional. */
export interface DevnetOptions {
  /** 3 if absent. */
  readonly nodes?: number;
  /** `memory` if absent; `websocket` uses loopback sockets. */
  readonly transport?: 'memory' | 'websocket';
  /** `full`: everybody with everybody; `ring`: a ring with four chords a node. `full` up to 12 nodes if absent. */
  readonly topology?: 'full' | 'ring';
  /**
   * `full`: the devnet connects its nodes by `topology`. `one`: every node is told the address of node 0 and finds
   * the others by itself; `start` resolves when all know all. `full` if absent.
   */
  readonly bootstrap?: 'full' | 'one';
  /** `devnet` if absent; the others count sessions from one address, which all loopback WebSockets share. */
  readonly preset?: PresetName;
  /** Departures from the preset, by the names of chapter 19. */
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly networkId?: string;
  /** 32 bytes a node, for tests that need the same identities again. */
  readonly identitySeeds?: readonly Uint8Array[];
  /** Decides on each message before it is delivered and passed on. */
  readonly validate?: (node: number, message: DeliveredMessage) => Verdict | Promise<Verdict>;
  /** How long the sessions may take to open, 10 s if absent, or the nodes to find each other, 30 s if absent. */
  readonly startMsMax?: number;
}

/** A message that one node of the devnet published. */
export interface DevnetMessage {
  readonly node: number;
  readonly origin: PeerId;
  readonly topic: string;
  readonly data: Uint8Array;
  /** The how-manieth message with this origin, topic and data it is, from 1. */
  readonly occurrence: number;
}

/** One node of a devnet. */
export interface DevnetNode extends Omit<RunningNode, 'publish'> {
  readonly index: number;
  /** What was delivered here, in order; the oldest go beyond 10,000. */
  readonly received: readonly DeliveredMessage[];
  /** Publishes; `net.delivered` waits for what is returned. */
  publish(topic: string, data: Uint8Array): Promise<DevnetMessage>;
}

const RECEIVED_MAX = 10_000;
const START_MS_MAX = 10_000;
const DISCOVERY_MS_MAX = 30_000;
const POLL_MS = 25;
const DELIVERED_MS_MAX = 5_000;
const FULL_NODES_MAX = 12;
const CHORDS = 4;
const NODES_MAX = 200;

/** Names a message by what applications see of it. */
function keyOf(origin: PeerId, topic: string, data: Uint8Array): string {
  return `${origin} ${topic} ${toHex(data)}`;
}

interface Member {
  readonly node: DevnetNode;
  readonly running: RunningNode;
  /** How often a message was delivered here. */
  readonly counts: Map<string, number>;
  isStopped: boolean;
}

/** A running devnet. `await using` stops it at the end of its block. */
export class Devnet {
  readonly #options: DevnetOptions;
  readonly #memory: MemoryNetwork | undefined;
  readonly #networkId: string;
  readonly #members: Member[] = [];
  readonly #published = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  private constructor(options: DevnetOptions) {
    this.#options = options;
    this.#memory = (options.transport ?? 'memory') === 'memory' ? createMemoryNetwork() : undefined;
    this.#networkId = options.networkId ?? 'devnet';
  }

  /** Starts the nodes, connects them, and resolves when every session is open. Rejects, and stops what runs, when that takes too long. */
  static async start(options: DevnetOptions = {}): Promise<Devnet> {
    const count = options.nodes ?? 3;
    if (!Number.isInteger(count) || count < 1 || count > NODES_MAX)
      throw new RangeError(`a devnet has 1 to ${NODES_MAX} nodes, not ${count}`);
    const net = new Devnet(options);
    try {
      for (let index = 0; index < count; index++) await net.#startMember();
      if (options.bootstrap === 'one') {
        await net.#untilKnown();
        return net;
      }
      const pairs = net.#pairs(count);
      for (const [from, to] of pairs) net.#connect(from, to);
      await net.#until(() => net.#haveSessions(pairs), options.startMsMax ?? START_MS_MAX, 'the sessions of the devnet are open');
    } catch (error) {
      await net.stop();
      throw error;
    }
    return net;
  }

  get nodes(): readonly DevnetNode[] {
    return this.#members.map((member) => member.node);
  }

  /**
   * Starts one more node, connects it with every other that runs, and resolves when its sessions are open; in a
   * devnet of one bootstrap, it finds the others, and they it.
   */
  async add(): Promise<DevnetNode> {
    const member = await this.#startMember();
    if (this.#options.bootstrap === 'one') {
      await this.#untilKnown();
      return member.node;
    }
    const { index } = member.node;
    const pairs = this.#members
      .filter((other) => other !== member && !other.isStopped)
      .map((other): [number, number] => [index, other.node.index]);
    for (const [from, to] of pairs) this.#connect(from, to);
    await this.#until(() => this.#haveSessions(pairs), this.#options.startMsMax ?? START_MS_MAX, 'the sessions of the new node are open');
    return member.node;
  }

  /** Waits until a message was delivered to every other node that runs, or to the given ones. Rejects after `timeoutMs`, 5 s if absent, and says where it is missing. */
  async delivered(
    message: DevnetMessage,
    options: { readonly timeoutMs?: number; readonly nodes?: readonly number[] } = {},
  ): Promise<void> {
    const key = keyOf(message.origin, message.topic, message.data);
    const missing = (): readonly number[] =>
      this.#members
        .filter(({ node, isStopped }) =>
          options.nodes === undefined ? !isStopped && node.index !== message.node : options.nodes.includes(node.index),
        )
        .filter(({ counts }) => (counts.get(key) ?? 0) < message.occurrence)
        .map(({ node }) => node.index);
    try {
      await this.#until(() => missing().length === 0, options.timeoutMs ?? DELIVERED_MS_MAX, 'the message is delivered');
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}; it is missing at nodes ${missing().join(', ')}`);
    }
  }

  /** Stops every node. Safe to call twice. */
  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ node }) => node.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #startMember(): Promise<Member> {
    const index = this.#members.length;
    const { preset, parameters, identitySeeds, validate } = this.#options;
    const config = defineConfig({
      networkId: this.#networkId,
      preset: preset ?? 'devnet',
      ...(parameters === undefined ? {} : { parameters }),
      listen: { host: '127.0.0.1', port: 0 },
      ...(this.#options.bootstrap === 'one' ? { bootstrap: this.#firstUrls() } : {}),
    });
    const running = await startNode(config, {
      identitySeed: identitySeeds?.[index] ?? randomBytes(32),
      ...(this.#memory === undefined ? {} : { transport: this.#memory.transport(`10.0.${index >> 8}.${index & 0xff}`) }),
      ...(validate === undefined ? {} : { validate: (message: DeliveredMessage) => validate(index, message) }),
    });
    const member = this.#memberOf(running, index);
    this.#members.push(member);
    return member;
  }

  /** Where a new node begins: with the oldest node that runs. */
  #firstUrls(): readonly string[] {
    const url = this.#members.find(({ isStopped }) => !isStopped)?.running.url;
    return url === undefined ? [] : [url];
  }

  #memberOf(running: RunningNode, index: number): Member {
    const received: DeliveredMessage[] = [];
    const counts = new Map<string, number>();
    const node: DevnetNode = {
      ...running,
      index,
      received,
      publish: async (topic, data) => {
        await running.publish(topic, data);
        const key = keyOf(running.peerId, topic, data);
        const occurrence = (this.#published.get(key) ?? 0) + 1;
        this.#published.set(key, occurrence);
        return { node: index, origin: running.peerId, topic, data: Uint8Array.from(data), occurrence };
      },
      stop: () => {
        member.isStopped = true;
        return running.stop();
      },
    };
    const member: Member = { node, running, counts, isStopped: false };
    running.on('deliver', ({ topic, id, origin, data }) => {
      received.push({ topic, id, origin, data });
      if (received.length > RECEIVED_MAX) received.shift();
      const key = keyOf(origin, topic, data);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      this.#notify();
    });
    running.on('established', () => this.#notify());
    void running.ended.then(() => {
      member.isStopped = true;
      this.#notify();
    });
    return member;
  }

  /** Waits until every node that runs knows every other. Rejects when that takes too long. */
  async #untilKnown(): Promise<void> {
    const limitMs = this.#options.startMsMax ?? DISCOVERY_MS_MAX;
    for (const deadlineMs = performance.now() + limitMs; ; ) {
      const running = this.#members.filter(({ isStopped }) => !isStopped).map(({ running: node }) => node);
      const known = await Promise.all(running.map((node) => node.knownPeers()));
      if (known.every((peers, index) => running.every((other, position) => position === index || peers.has(other.peerId)))) return;
      if (performance.now() > deadlineMs)
        throw new Error(
          `expected that all ${running.length} nodes know each other within ${limitMs} ms; they know ${known.map((peers) => peers.size).join(', ')}`,
        );
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #pairs(count: number): readonly (readonly [number, number])[] {
    const topology = this.#options.topology ?? (count <= FULL_NODES_MAX ? 'full' : 'ring');
    const pairs: [number, number][] = [];
    for (let from = 0; from < count; from++) {
      for (let to = from + 1; to < count; to++) {
        const step = to - from;
        // Chords of growing length: few links, and few of them between any two nodes.
        const isChord = step === 1 || step === count - 1 || (step & (step - 1)) === 0;
        if (topology === 'full' || (isChord && step <= 2 ** CHORDS) || step === count - 1) pairs.push([from, to]);
      }
    }
    return pairs;
  }

  #connect(from: number, to: number): void {
    const target = this.#members[to]?.running;
    if (target?.url !== undefined) this.#members[from]?.running.connect(target.url, target.peerId);
  }

  #haveSessions(pairs: readonly (readonly [number, number])[]): boolean {
    const sessions = this.#members.map(({ running }) => new Set(running.peers()));
    return pairs.every(([from, to]) => {
      const [fromId, toId] = [this.#members[from]?.running.peerId, this.#members[to]?.running.peerId];
      return fromId !== undefined && toId !== undefined && sessions[from]?.has(toId) === true && sessions[to]?.has(fromId) === true;
    });
  }

  #notify(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves when the condition holds; it is asked again whenever something happened. */
  #until(holds: () => boolean, limitMs: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      const check = (): void => {
        if (!holds()) return;
        finish();
        resolve();
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`expected that ${what} within ${limitMs} ms; it is not`));
      }, limitMs);
      this.#waiting.add(check);
      check();
    });
  }
}
