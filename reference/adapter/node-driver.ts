/**
 * One node under an adapter: the core with a clock that stands still until it is moved. Links, dials
 * and tokens are checked here, so that a request that cannot be carried out changes nothing.
 */
import { create } from '@bufbuild/protobuf';
import {
  type AdvanceRequest,
  type CommandInput,
  type CreateRequest,
  Direction,
  type Effect,
  EffectSchema,
  type EstablishedLink,
  type InputRequest,
  type OpenRequest,
  type StepResponse,
  StepResponseSchema,
  Until,
  VerdictKind,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { fromHex, toHex, u64be } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import { createNode, type Node, VIEWS } from '../core/node.ts';
import { createRng } from '../core/rng.ts';
import type { LinkId, Now, PeerId, Verdict } from '../core/types.ts';
import { RefusedArguments } from './arguments.ts';
import { type Birth, birthOf, safeNumber } from './birth.ts';
import { readCommand, writeNotice, writeOutcome } from './commands/index.ts';
import { formatEndpoint, parseEndpoint } from './endpoints.ts';

/** Why a request was not carried out. */
export type Rejection = { readonly refused: string } | { readonly unsupported: string };

/** What a request came to. */
export type StepResult = { readonly step: StepResponse } | Rejection;

/** A node that keeps waking without its clock moving, or does more than one response can tell: nothing that the adapter says counts any more. */
export class Runaway extends Error {}

/** Wakes at one moment before a node counts as stuck. Spec: CNF-007 */
const WAKES_AT_ONCE_MAX = 10_000;

/** Wakes of one Advance: years of a busy node; a kit that wants more advances in smaller steps. */
const WAKES_MAX = 5_000_000;

/** Effects of one response, in bytes; more do not fit one message of the adapter protocol. */
const EFFECT_BYTES_MAX = 15 * 1024 * 1024;
/** What an effect takes besides its data, at most. */
const EFFECT_HEADER_BYTES = 256;

/** Links alive on one node, and link numbers used in its life. */
export const LINKS_MAX = 1_024;
const LINK_NUMBERS_MAX = 1_000_000;

const DIALS_KEPT_MAX = 4_096;
const TOKENS_KEPT_MAX = 100_000;
/** Commands of one node. */
const COMMANDS_MAX = 1_000_000;

type LinkMode = 'raw' | 'established';

/** An established link with what the peer's hello said. */
function established(opened: Opened, { publicKey, capabilities, roles, listenAddresses }: EstablishedLink): NodeInput {
  const claimed = roles === 0 ? {} : { roles };
  return { type: 'linkEstablished', ...opened, publicKey, capabilities: [...capabilities], ...claimed, listenAddresses };
}

interface Opened {
  readonly link: LinkId;
  readonly direction: 'inbound' | 'outbound';
  readonly address: string;
  readonly dial?: number;
}

function refused(reason: string): Rejection {
  return { refused: reason };
}

const VERDICTS = new Map<VerdictKind, Verdict>([
  [VerdictKind.ACCEPT, 'accept'],
  [VerdictKind.IGNORE, 'ignore'],
  [VerdictKind.REJECT, 'reject'],
]);

const VERDICT_KINDS: Readonly<Record<Verdict, VerdictKind>> = {
  accept: VerdictKind.ACCEPT,
  ignore: VerdictKind.IGNORE,
  reject: VerdictKind.REJECT,
};

function bytesOf(id: string): Uint8Array {
  return fromHex(id) ?? new Uint8Array(0);
}

/** One node and its clock. */
export class NodeDriver {
  readonly #crypto: CryptoProvider;
  readonly #birth: Birth;
  readonly #links = new Map<LinkId, LinkMode>();
  readonly #usedLinks = new Set<LinkId>();
  readonly #dials = new Set<number>();
  readonly #tokens = new Set<number>();
  /** Tokens of commands, which are used once in the life of a node. */
  readonly #commands = new Set<number>();
  #node: Node | undefined;
  #starts = 0;
  #nowMs = 0;
  #effects: Effect[] = [];
  #effectBytes = 0;

  /** Makes a node with its clock at 0, or says why that cannot be. Spec: CNF-008 */
  static create(crypto: CryptoProvider, request: CreateRequest): NodeDriver | Rejection {
    const birth = birthOf(request);
    return typeof birth === 'string' ? refused(birth) : new NodeDriver(crypto, birth);
  }

  private constructor(crypto: CryptoProvider, birth: Birth) {
    this.#crypto = crypto;
    this.#birth = birth;
    this.#node = this.#start();
  }

  /** What the node did since it was asked last, and when it wants to wake. */
  step(): { readonly step: StepResponse } {
    const effects = this.#effects;
    this.#effects = [];
    this.#effectBytes = 0;
    const wake = this.#node?.deadline();
    const step = create(StepResponseSchema, { nowMs: BigInt(this.#nowMs), effects });
    // A wake that is overdue is due now: no clock shows a time before this one again.
    if (wake !== undefined) step.nextWakeMs = BigInt(Math.max(Math.ceil(wake), this.#nowMs));
    return { step };
  }

  open(request: OpenRequest): StepResult {
    const node = this.#node;
    if (node === undefined) return refused('the node has crashed');
    const { mode } = request;
    if (mode.case === undefined) return { unsupported: 'a link of another mode than raw or established' };
    const opened = this.#openedOf(request);
    if (!('link' in opened)) return opened;
    if (mode.case === 'established' && mode.value.publicKey.length !== 32) {
      return refused(`public_key has ${mode.value.publicKey.length} bytes instead of 32`);
    }
    this.#links.set(opened.link, mode.case);
    this.#usedLinks.add(opened.link);
    if (opened.dial !== undefined) this.#dials.delete(opened.dial);
    this.#handle(node, mode.case === 'raw' ? { type: 'linkOpened', ...opened } : established(opened, mode.value));
    return this.step();
  }

  input({ input }: InputRequest): StepResult {
    const node = this.#node;
    if (node === undefined) return refused('the node has crashed');
    switch (input.case) {
      case 'message':
        return this.#onLink(node, input.value.link, 'raw', (link) => ({
          type: 'message',
          link,
          data: input.value.data,
          text: input.value.text,
        }));
      case 'frame':
        return this.#onLink(node, input.value.link, 'established', (link) => ({ type: 'plaintext', link, data: input.value.plaintext }));
      case 'closed':
        return this.#onLink(node, input.value.link, undefined, (link) => {
          this.#links.delete(link);
          return { type: 'linkClosed', link };
        });
      case 'publish':
        return this.#publish(node, input.value.topic, input.value.data);
      case 'connect': {
        const { address, expectedPeerId } = input.value;
        if (expectedPeerId.length !== 0 && expectedPeerId.length !== 32) {
          return refused(`expected_peer_id has ${expectedPeerId.length} bytes instead of 0 or 32`);
        }
        const expected = expectedPeerId.length === 0 ? {} : { expected: toHex(expectedPeerId) as PeerId };
        this.#handle(node, { type: 'connect', address, ...expected });
        return this.step();
      }
      case 'validated': {
        const token = safeNumber(input.value.token);
        const verdict = VERDICTS.get(input.value.verdict);
        if (token === undefined || !this.#tokens.has(token)) return refused(`no Validate effect has the token ${input.value.token}`);
        if (verdict === undefined) return refused('the verdict is none of accept, ignore, reject');
        this.#tokens.delete(token);
        this.#handle(node, { type: 'validated', token, verdict });
        return this.step();
      }
      case 'command':
        return this.#command(node, input.value);
      case 'datagram': {
        const from = parseEndpoint(input.value.remoteAddress);
        if (from === undefined) return refused(`remote_address ${JSON.stringify(input.value.remoteAddress)} is no IP:PORT`);
        this.#handle(node, { type: 'datagram', from, data: input.value.data });
        return this.step();
      }
      case 'dialFailed': {
        const dial = safeNumber(input.value.dial);
        if (dial === undefined || !this.#dials.has(dial)) return refused(`no Dial effect that waits has the id ${input.value.dial}`);
        this.#dials.delete(dial);
        this.#handle(node, { type: 'dialFailed', dial });
        return this.step();
      }
      case 'resolved':
        this.#handle(node, { type: 'resolved', name: input.value.name, texts: [...input.value.texts] });
        return this.step();
      case undefined:
        return { unsupported: 'an input that this adapter does not know' };
    }
  }

  /** Fires every timer that falls due, in order, up to the stop. Spec: CNF-004, CNF-007 */
  advance({ toMs, until }: AdvanceRequest): StepResult {
    const targetMs = safeNumber(toMs);
    if (targetMs === undefined) return refused('to_ms is above 2^53 - 1');
    if (targetMs < this.#nowMs) return refused(`to_ms is ${targetMs}, but the clock stands at ${this.#nowMs}`);
    if (until === Until.UNSPECIFIED) return refused('until is not specified');
    if (until !== Until.WAKE && until !== Until.EFFECT && until !== Until.TARGET) return { unsupported: `until ${until}` };
    let wakesAtOnce = 0;
    for (let wakes = 0; ; wakes++) {
      if (wakes > WAKES_MAX) throw new Runaway(`${wakes} wakes before ${targetMs} ms: advance in smaller steps`);
      const due = this.#node?.deadline();
      if (this.#node === undefined || due === undefined || due > targetMs) break;
      const atMs = Math.max(this.#nowMs, Math.ceil(due));
      wakesAtOnce = atMs === this.#nowMs ? wakesAtOnce + 1 : 1;
      if (wakesAtOnce > WAKES_AT_ONCE_MAX) throw new Runaway(`livelock: ${wakesAtOnce} wakes at ${atMs} ms without time moving`);
      if (atMs > targetMs) break;
      this.#nowMs = atMs;
      this.#handle(this.#node, { type: 'tick' });
      if (until === Until.WAKE || (until === Until.EFFECT && this.#effects.length > 0)) return this.step();
    }
    this.#nowMs = targetMs;
    return this.step();
  }

  query(view: string): { readonly json: string } | Rejection {
    if (this.#node === undefined) return refused('the node has crashed');
    if (!(VIEWS as readonly string[]).includes(view)) return { unsupported: `view ${JSON.stringify(view)}; there are ${VIEWS.join(', ')}` };
    return {
      json: JSON.stringify(this.#node.view(view) ?? null, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    };
  }

  /** The process dies: what it knew and its links are gone. */
  crash(): StepResult {
    if (this.#node === undefined) return refused('the node has crashed already');
    this.#node = undefined;
    this.#links.clear();
    this.#dials.clear();
    this.#tokens.clear();
    return this.step();
  }

  restart(): StepResult {
    if (this.#node !== undefined) return refused('the node runs');
    this.#node = this.#start();
    return this.step();
  }

  /** Each start has chance of its own: the same ephemeral keys twice would be a fault of the adapter. */
  #start(): Node {
    const { seed, ...rest } = this.#birth;
    const label = `start ${toHex(u64be(this.#starts))}`;
    this.#starts += 1;
    return createNode({ ...rest, crypto: this.#crypto, seed: createRng(seed).fork(label).bytes(32) });
  }

  #now(): Now {
    return { monoMs: this.#nowMs, wallMs: this.#birth.wallStartMs + this.#nowMs };
  }

  #handle(node: Node, input: NodeInput): readonly NodeEffect[] {
    const effects = node.handle(input, this.#now());
    for (const effect of effects) this.#record(effect);
    return effects;
  }

  #openedOf(request: OpenRequest): Rejection | Opened {
    const link = request.link as LinkId;
    if (this.#usedLinks.has(link)) return refused(`link ${link} was used before`);
    if (this.#links.size >= LINKS_MAX) return refused(`at most ${LINKS_MAX} links at the same time`);
    if (this.#usedLinks.size >= LINK_NUMBERS_MAX) return refused(`at most ${LINK_NUMBERS_MAX} links in the life of a node`);
    if (request.remoteAddress === '') return refused('remote_address is empty');
    const address = request.remoteAddress;
    if (request.direction === Direction.INBOUND) {
      return request.dial === 0n ? { link, direction: 'inbound', address } : refused('an inbound link answers no dial');
    }
    if (request.direction !== Direction.OUTBOUND) return refused('direction is neither inbound nor outbound');
    // Without a dial it is a connection that nobody asked for, with any peer.
    if (request.dial === 0n) return { link, direction: 'outbound', address };
    const dial = safeNumber(request.dial);
    if (dial === undefined || !this.#dials.has(dial)) return refused(`no Dial effect that waits has the id ${request.dial}`);
    return { link, direction: 'outbound', address, dial };
  }

  #onLink(node: Node, number: number, mode: LinkMode | undefined, inputOf: (link: LinkId) => NodeInput): StepResult {
    const link = number as LinkId;
    const known = this.#links.get(link);
    if (known === undefined) return refused(`no link ${link} is open`);
    if (mode !== undefined && known !== mode) return refused(`link ${link} is ${known}, not ${mode}`);
    this.#handle(node, inputOf(link));
    return this.step();
  }

  #publish(node: Node, topic: string, data: Uint8Array): StepResult {
    const refusal = this.#handle(node, { type: 'publish', topic, data }).find((effect) => effect.type === 'publishRefused');
    if (refusal?.type === 'publishRefused') return refused(`${refusal.code}: ${refusal.message}`);
    return this.step();
  }

  #command(node: Node, { token: wanted, command, args }: CommandInput): StepResult {
    const token = safeNumber(wanted);
    if (token === undefined || this.#commands.has(token)) return refused(`token ${wanted} is above 2^53 - 1 or was used before`);
    if (this.#commands.size >= COMMANDS_MAX) return refused(`at most ${COMMANDS_MAX} commands in the life of a node`);
    let request: ReturnType<typeof readCommand>;
    try {
      request = readCommand(command, args);
    } catch (error) {
      if (error instanceof RefusedArguments) return refused(`${command}: ${error.message}`);
      throw error;
    }
    if (request === undefined) return { unsupported: `command ${JSON.stringify(command)}` };
    this.#commands.add(token);
    this.#handle(node, { type: 'local', token, request });
    return this.step();
  }

  /** Writes down what the kit can see of an effect. */
  #record(effect: NodeEffect): void {
    const seen = this.#seen(effect);
    if (seen === undefined) return;
    this.#effects.push(create(EffectSchema, { atMs: BigInt(this.#nowMs), effect: seen }));
    this.#effectBytes += EFFECT_HEADER_BYTES + sizeOf(seen);
    if (this.#effectBytes > EFFECT_BYTES_MAX) throw new Runaway('the effects of one request exceed a response: advance in smaller steps');
  }

  #seen(effect: NodeEffect): EffectInit | undefined {
    switch (effect.type) {
      case 'dial':
        keep(this.#dials, effect.dial, DIALS_KEPT_MAX);
        return { case: 'dial', value: { dial: BigInt(effect.dial), address: effect.address } };
      case 'close':
        this.#links.delete(effect.link);
        return { case: 'close', value: { link: effect.link, code: effect.code ?? '' } };
      case 'message':
        return { case: 'message', value: { link: effect.link, data: effect.data } };
      case 'plaintext':
        return { case: 'frame', value: { link: effect.link, plaintext: effect.data } };
      case 'established':
        // On an established link the kit knows already.
        if (this.#links.get(effect.link) === 'established') return undefined;
        return { case: 'established', value: { link: effect.link, peerId: bytesOf(effect.peer), capabilities: [...effect.capabilities] } };
      case 'deliver':
        return {
          case: 'deliver',
          value: { topic: effect.topic, id: bytesOf(effect.id), origin: bytesOf(effect.origin), data: effect.data },
        };
      case 'validate':
        keep(this.#tokens, effect.token, TOKENS_KEPT_MAX);
        return {
          case: 'validate',
          value: {
            token: BigInt(effect.token),
            topic: effect.topic,
            id: bytesOf(effect.id),
            origin: bytesOf(effect.origin),
            data: effect.data,
          },
        };
      case 'verdict':
        return {
          case: 'verdict',
          value: {
            link: effect.link,
            envelopeHash: bytesOf(effect.envelopeHash),
            verdict: VERDICT_KINDS[effect.verdict],
            code: effect.code ?? '',
            clause: effect.clause ?? '',
          },
        };
      case 'outcome': {
        const outcome = writeOutcome(effect.outcome);
        const token = BigInt(effect.token);
        if ('error' in outcome) return { case: 'outcome', value: { token, error: outcome.error } };
        return { case: 'outcome', value: { token, values: [...outcome.values] } };
      }
      case 'notice':
        return { case: 'notice', value: { notice: effect.notice.type, values: [...writeNotice(effect.notice)] } };
      case 'datagram':
        return { case: 'datagram', value: { remoteAddress: formatEndpoint(effect.to), data: effect.data } };
      case 'resolve':
        return { case: 'resolve', value: { name: effect.name } };
      case 'sessionEnded':
      case 'violation':
      case 'publishRefused':
        return undefined;
    }
  }
}

/** Bytes of an effect besides its header. */
function sizeOf({ value }: NonNullable<EffectInit>): number {
  if (value === undefined) return 0;
  const { data, plaintext, values } = value as {
    readonly data?: Uint8Array;
    readonly plaintext?: Uint8Array;
    readonly values?: readonly Uint8Array[];
  };
  return (data?.length ?? 0) + (plaintext?.length ?? 0) + (values ?? []).reduce((size, one) => size + one.length + 8, 0);
}

type EffectInit = NonNullable<Parameters<typeof create<typeof EffectSchema>>[1]>['effect'];

/** Adds to a set that forgets its oldest member at its bound. */
function keep(set: Set<number>, value: number, max: number): void {
  if (set.size >= max) {
    for (const oldest of set) {
      set.delete(oldest);
      break;
    }
  }
  set.add(value);
}
