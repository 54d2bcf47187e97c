/**
 * The node under fuzz: every input is written down with its moment, so that it can be given again; what
 * is thrown is caught; and an orderly bystander says after each batch whether the node still serves it.
 */
import { toHex } from '../core/bytes.ts';
import { createNode, type Node, type NodeEffect, type NodeInput, type NodeOptions } from '../core/index.ts';
import { makeParams, type PresetName } from '../core/params.ts';
import type { LinkId, PeerId } from '../core/types.ts';
import { decodePing, encodePing, encodePong } from '../core/wire/body.ts';
import { encodeFrame, KIND_PING, KIND_PONG, readFrame } from '../core/wire/frame.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { NETWORK_ID, NODE_SEED, publicKeyOf } from './stock.ts';

/** How a node under fuzz is set up; plain data, so that a failure can be written to a file. */
export interface SubjectOptions {
  readonly preset: PresetName;
  readonly applicationValidation: boolean;
  /** Stakes by PeerId, in decimal. */
  readonly stakes: Readonly<Record<string, string>>;
  /** 64 hexadecimal digits: the node's chance. */
  readonly seed: string;
}

/** One input and the moment at which it was given. */
export interface Step {
  readonly monoMs: number;
  readonly wallMs: number;
  readonly input: NodeInput;
}

/** What was wrong: something was thrown, or the bystander was not served. */
export interface Fault {
  readonly kind: 'throw' | 'starved';
  readonly message: string;
}

/** Makes a node; tests put another one in its place. */
export type MakeNode = (options: NodeOptions) => Node;

/** The wall clock when the monotonic one begins; it goes in rounds, so that what was signed once stays in time. */
export const WALL_START_MS = 1_700_000_000_000;
const WALL_ROUND_MS = 40_000;

/** The bystander's link; hostile links have other numbers. */
export const BYSTANDER_LINK: LinkId = 1 as LinkId;

/** Ticks for one wait; a node that asks for more at one moment does not come to rest. */
const WAKES_MAX = 20_000;
const WAKES_AT_ONE_MOMENT_MAX = 64;

/** How long the bystander waits for its Pong, `session.pong_answer_ms_max` of every preset. */
const PONG_WAIT_MS = 1000;

/** Where nodes under fuzz ask first: addresses from which hostile datagrams come. */
export const BOOTSTRAP: readonly string[] = ['udp://8.8.4.4:4000', 'udp://9.9.9.9:4001'];

function nodeOptionsOf({ preset, applicationValidation, stakes, seed }: SubjectOptions): NodeOptions {
  const made = makeParams(preset);
  if (!made.ok) throw new Error(made.message);
  return {
    params: made.params,
    crypto: nativeCrypto,
    seed: Uint8Array.from(Buffer.from(seed, 'hex')),
    identitySeed: NODE_SEED,
    networkId: NETWORK_ID,
    bootstrap: BOOTSTRAP,
    stakes: new Map(Object.entries(stakes).map(([peer, stake]) => [peer as PeerId, BigInt(stake)])),
    applicationValidation,
  };
}

/** Thrown by a subject whose node is at fault; nothing further may be given to it. */
export class SubjectFailure extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.name = 'SubjectFailure';
    this.fault = fault;
  }
}

/** A node, its clock, and everything that it was given. */
export class Subject {
  readonly steps: Step[] = [];
  /** Set when the node was told to stop: nobody is served after that. */
  hasStopped = false;
  readonly #node: Node;
  #nowMs = 0;
  #pings = 0;

  constructor(options: SubjectOptions, makeNode: MakeNode = createNode) {
    this.#node = makeNode(nodeOptionsOf(options));
    this.act({
      type: 'linkEstablished',
      link: BYSTANDER_LINK,
      direction: 'inbound',
      address: '192.0.2.1:9',
      publicKey: publicKeyOf('bystander'),
      capabilities: ['gossip/1'],
    });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return WALL_START_MS + (this.#nowMs % WALL_ROUND_MS);
  }

  /** Gives an input at its own moment, as a replay does. Throws a SubjectFailure when the node throws. */
  giveAt(step: Step): readonly NodeEffect[] {
    this.#nowMs = step.monoMs;
    this.steps.push(step);
    if (step.input.type === 'shutdown') this.hasStopped = true;
    let effects: readonly NodeEffect[];
    try {
      effects = this.#node.handle(step.input, { monoMs: step.monoMs, wallMs: step.wallMs });
      const due = this.#node.deadline();
      if (due !== undefined && !Number.isFinite(due)) throw new Error(`the deadline is ${due}`);
    } catch (error) {
      throw new SubjectFailure({ kind: 'throw', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    return effects;
  }

  /** Gives an input now and answers the node's Pings to the bystander. Throws a SubjectFailure when the node throws. */
  act(input: NodeInput, wallMs: number = this.wallMs): readonly NodeEffect[] {
    const effects = this.giveAt({ monoMs: this.#nowMs, wallMs, input });
    for (const effect of effects) {
      if (effect.type === 'plaintext' && effect.link === BYSTANDER_LINK) this.#answerPings(effect.data);
    }
    return effects;
  }

  /** Lets time pass with every tick that the node asks for. Throws a SubjectFailure when it asks for ever more. */
  wait(ms: number): readonly NodeEffect[] {
    const target = this.#nowMs + ms;
    const effects: NodeEffect[] = [];
    let atOneMoment = 0;
    for (let wakes = 0; ; wakes++) {
      const due = this.#node.deadline();
      if (due === undefined || due > target) break;
      atOneMoment = due > this.#nowMs ? 0 : atOneMoment + 1;
      if (wakes >= WAKES_MAX || atOneMoment >= WAKES_AT_ONE_MOMENT_MAX) {
        throw new SubjectFailure({ kind: 'starved', message: `the node does not come to rest: due at ${due}, now ${this.#nowMs}` });
      }
      this.#nowMs = Math.max(this.#nowMs, due);
      effects.push(...this.act({ type: 'tick' }));
    }
    this.#nowMs = target;
    return effects;
  }

  /** Moves the clock without a tick, as a machine that slept. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Pings the node as the bystander. Throws a SubjectFailure when no Pong comes in time. */
  checkService(): void {
    if (this.hasStopped) return;
    this.wait(1);
    this.#pings += 1;
    const requestId = 1_000_000 + this.#pings;
    const data = encodeFrame(KIND_PING, requestId, encodePing({ nonce: new Uint8Array(8).fill(this.#pings) }));
    const isAnswer = (effect: NodeEffect): boolean =>
      effect.type === 'plaintext' &&
      effect.link === BYSTANDER_LINK &&
      framesOf(effect.data).some((frame) => frame.kind === KIND_PONG && frame.requestId === requestId);
    if (this.act({ type: 'plaintext', link: BYSTANDER_LINK, data }).some(isAnswer)) return;
    if (this.wait(PONG_WAIT_MS).some(isAnswer)) return;
    const message = `the bystander's Ping ${toHex(data)} got no Pong within ${PONG_WAIT_MS} ms`;
    throw new SubjectFailure({ kind: 'starved', message });
  }

  #answerPings(plaintext: Uint8Array): void {
    for (const frame of framesOf(plaintext)) {
      if (frame.kind !== KIND_PING) continue;
      const ping = decodePing(frame.body);
      if (!ping.ok) continue;
      this.act({ type: 'plaintext', link: BYSTANDER_LINK, data: encodeFrame(KIND_PONG, frame.requestId, encodePong(ping.value)) });
    }
  }
}

interface SeenFrame {
  readonly kind: number;
  readonly requestId: number;
  readonly body: Uint8Array;
}

/** The frames of a plaintext of the node's, as far as they are in order. */
export function framesOf(plaintext: Uint8Array): readonly SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let offset = 0; offset < plaintext.length; ) {
    const frame = readFrame(plaintext, offset);
    if (!frame.ok) break;
    frames.push(frame);
    offset = frame.next;
  }
  return frames;
}
