/** Machines of this chapter with sets in memory, joined by links that carry questions and answers in virtual time. */
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeUtf8, encodeUtf8, fromHex, toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { SetName } from '../machine.ts';
import { makeParams, type Params } from '../params.ts';
import { createRng } from '../rng.ts';
import { type AskId, CAPABILITY_IBLT, CAPABILITY_RECONCILE, type LinkId, type MessageId, type PeerId } from '../types.ts';
import { encodeFrame, FRAME_KINDS } from '../wire/frame.ts';
import type { ReconcilableSet, ReconciliationOutput } from './contract.ts';
import { createReconciliation, type ReconciliationMachine } from './machine.ts';

/** SHA-256 of a text. */
export function idFrom(text: string): MessageId {
  return toHex(sha256(encodeUtf8(text))) as MessageId;
}

/** A set whose items are texts; an item's id is its hash, its time what `timeOf` gives. */
export class TextSet implements ReconcilableSet {
  readonly name: SetName;
  readonly #items = new Map<MessageId, { readonly text: string; readonly timeMs: number }>();
  readonly #timeOf: (text: string) => number;

  constructor(name: SetName, texts: Iterable<string> = [], timeOf: (text: string) => number = () => 1_700_000_000_000) {
    this.name = name;
    this.#timeOf = timeOf;
    for (const text of texts) this.add(text);
  }

  add(text: string): void {
    this.#items.set(idFrom(text), { text, timeMs: this.#timeOf(text) });
  }

  has(text: string): boolean {
    return this.#items.has(idFrom(text));
  }

  size(): number {
    return this.#items.size;
  }

  items(): Iterable<{ readonly id: MessageId; readonly timeMs: number }> {
    return [...this.#items].map(([id, { timeMs }]) => ({ id, timeMs })).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  bytesOf(id: MessageId): Uint8Array | undefined {
    const item = this.#items.get(id);
    return item && encodeUtf8(item.text);
  }

  idOf(bytes: Uint8Array): MessageId | undefined {
    return idFrom(decodeUtf8(bytes) ?? '');
  }
}

/** Parameters of a preset with some replaced. */
export function paramsWith(overrides: Readonly<Record<string, string>> = {}, preset: 'main' | 'conformance' = 'main'): Params {
  const made = makeParams(preset, overrides);
  if (!made.ok) throw new Error(made.message);
  return made.params;
}

/** What a peer of a test does with a question: the body of its answer, or nothing. */
export type Answerer = (kind: number, body: Uint8Array) => { readonly kind: number; readonly body: Uint8Array } | undefined;

/** One frame that crossed a link, with its length. */
export interface Crossed {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly kind: number;
  readonly body: Uint8Array;
  readonly bytes: number;
}

interface Member {
  readonly name: string;
  readonly machine: ReconciliationMachine | undefined;
  readonly answerer: Answerer | undefined;
  readonly sets: readonly TextSet[];
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A few nodes and scripted peers in one virtual time; a message takes `latencyMs`. */
export class Reconcilers {
  readonly crossed: Crossed[] = [];
  readonly outputs: { readonly atMs: number; readonly node: string; readonly output: ReconciliationOutput }[] = [];
  nowMs = 0;
  readonly latencyMs: number;
  readonly #members = new Map<string, Member>();
  readonly #links = new Map<string, { readonly node: string; readonly peer: string }>();
  readonly #events: Event[] = [];
  #order = 0;
  #count = 0;

  constructor(latencyMs = 20) {
    this.latencyMs = latencyMs;
  }

  /** A node with sets. */
  addNode(name: string, sets: readonly TextSet[], params: Params = paramsWith()): ReconciliationMachine {
    const machine = createReconciliation({
      params,
      crypto: portableCrypto,
      rng: createRng(encodeUtf8(`node ${name}`)),
      networkId: new Uint8Array([1]),
      identitySeed: new Uint8Array(32),
      self: idFrom(name) as string as PeerId,
      sets,
    });
    this.#members.set(name, { name, machine, answerer: undefined, sets });
    return machine;
  }

  /** A peer that answers as a test wants it. */
  addPeer(name: string, answerer: Answerer): void {
    this.#members.set(name, { name, machine: undefined, answerer, sets: [] });
  }

  /** A session between two members. */
  connect(a: string, b: string, capabilities: readonly string[] = [CAPABILITY_RECONCILE]): void {
    for (const [node, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#count += 1;
      const link = this.#count as LinkId;
      this.#links.set(`${node}>${peer}`, { node, peer });
      this.#linkIds.set(`${node}>${peer}`, link);
      this.give(node, {
        type: 'sessionUp',
        link,
        peer: idFrom(peer) as string as PeerId,
        publicKey: new Uint8Array(32),
        address: 'ws://198.18.0.1:1',
        direction: 'outbound',
        capabilities: new Set(capabilities),
        roles: 1,
        listenAddresses: [],
      });
    }
  }

  readonly #linkIds = new Map<string, LinkId>();

  #memberOf(node: string, link: LinkId): string {
    for (const [key, id] of this.#linkIds) {
      if (id === link && key.startsWith(`${node}>`)) return key.slice(node.length + 1);
    }
    throw new Error('no such link');
  }

  give(node: string, input: Parameters<ReconciliationMachine['handle']>[0]): void {
    const member = this.#members.get(node);
    if (member?.machine === undefined) return;
    const outputs = member.machine.handle(input, { monoMs: this.nowMs, wallMs: 1_700_000_000_000 + this.nowMs });
    for (const output of outputs) {
      this.outputs.push({ atMs: this.nowMs, node, output });
      if (output.type === 'ask') this.#ask(node, output);
      if (output.type === 'reconciled') {
        const set = member.sets.find(({ name }) => name === output.set);
        for (const item of output.items) set?.add(decodeUtf8(item) ?? '');
      }
    }
  }

  #cross(from: string, to: string, kind: number, body: Uint8Array): void {
    // Request ids of this implementation have five bytes.
    this.crossed.push({ atMs: this.nowMs, from, to, kind, body, bytes: encodeFrame(kind, 2 ** 31, body).length });
  }

  #ask(node: string, { ask, link, kind, body, timeoutMs }: Extract<ReconciliationOutput, { type: 'ask' }>): void {
    const peer = this.#memberOf(node, link);
    this.#cross(node, peer, kind, body);
    let isOpen = true;
    const settle = (input: Parameters<ReconciliationMachine['handle']>[0]): void => {
      if (!isOpen) return;
      isOpen = false;
      this.give(node, input);
    };
    this.#later(timeoutMs, () => settle({ type: 'unanswered', ask, kind }));
    this.#later(this.latencyMs, () => {
      const reply = this.#replyOf(peer, node, kind, body);
      if (reply === undefined) return;
      this.#cross(peer, node, reply.kind, reply.body);
      this.#later(this.latencyMs, () => settle({ type: 'answered', ask: ask as AskId, link, kind: reply.kind, body: reply.body }));
    });
  }

  #replyOf(peer: string, node: string, kind: number, body: Uint8Array): ReturnType<Answerer> {
    const member = this.#members.get(peer);
    if (member?.answerer !== undefined) return member.answerer(kind, body);
    const link = this.#linkIds.get(`${peer}>${node}`);
    if (member?.machine === undefined || link === undefined || FRAME_KINDS.get(kind)?.exchange !== 'request') return undefined;
    const outputs = member.machine.handle({ type: 'frame', link, kind, requestId: 1, body }, { monoMs: this.nowMs, wallMs: this.nowMs });
    for (const output of outputs) {
      this.outputs.push({ atMs: this.nowMs, node: peer, output });
      if (output.type === 'ask') this.#ask(peer, output);
    }
    const answer = outputs.find((output) => output.type === 'answer');
    return answer?.type === 'answer' ? { kind: answer.kind, body: answer.body } : undefined;
  }

  #later(ms: number, run: () => void): void {
    this.#order += 1;
    this.#events.push({ atMs: this.nowMs + ms, order: this.#order, run });
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const event = this.#events.reduce<Event | undefined>(
        (a, b) => (a === undefined || b.atMs < a.atMs || (b.atMs === a.atMs && b.order < a.order) ? b : a),
        undefined,
      );
      let tick: { readonly name: string; readonly atMs: number } | undefined;
      for (const { name, machine } of this.#members.values()) {
        const atMs = machine?.deadline();
        if (atMs !== undefined && (tick === undefined || atMs < tick.atMs)) tick = { name, atMs };
      }
      const atMs = Math.min(event?.atMs ?? Number.POSITIVE_INFINITY, tick?.atMs ?? Number.POSITIVE_INFINITY);
      if (atMs > end) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (event !== undefined && event.atMs <= atMs) {
        this.#events.splice(this.#events.indexOf(event), 1);
        event.run();
      } else if (tick !== undefined) {
        this.give(tick.name, { type: 'tick' });
      }
    }
    this.nowMs = end;
  }
}

export { CAPABILITY_IBLT, CAPABILITY_RECONCILE, fromHex, toHex };
