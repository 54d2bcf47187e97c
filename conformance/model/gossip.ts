/** The rules of gossip that are functions of their arguments. Spec: chapter 05. */
import { compare } from './bytes.ts';
import { type Judged, judgeSignature, judgeUnsigned, readAppPayload, readEnvelope } from './envelope.ts';
import { judgeTransaction } from './mempool.ts';

/** `mempool.transaction_bytes_max` of every preset. */
const TRANSACTION_BYTES_MAX = 8_192;

/** Decimal places of the powers of e, more than enough to tell them from integers below 2^64. */
const SCALE = 10n ** 40n;

/**
 * `max(active min, ceil(ln N + 5))`; the active min alone for N of 0 or 1. Integers only: for N of 2 or more ln N is no
 * integer, so its ceiling is one more than the largest k with e^k ≤ N. Spec: GSP-030.
 */
export function activeSize(networkSize: bigint | number, activeMin = 6): number {
  const size = BigInt(networkSize);
  if (size < 2n) return activeMin;
  let k = 0;
  while (floorOfExp(k + 1) < size) k += 1;
  return Math.max(activeMin, k + 1 + 5);
}

/** floor(e^k), from the series of e^k. */
function floorOfExp(k: number): bigint {
  let sum = 0n;
  let term = SCALE;
  for (let n = 1n; term > 0n; n++) {
    sum += term;
    term = (term * BigInt(k)) / n;
  }
  return sum / SCALE;
}

/** Whether a topic is of the form of chapter 05. Spec: GSP-001. */
export function isTopic(topic: string): boolean {
  return /^[a-z0-9/-]{1,64}$/.test(topic);
}

/** Whether every node serves the topic: `app/<name>`. Spec: GSP-012. */
export function isServed(topic: string): boolean {
  return /^app\/[a-z0-9-]{1,32}$/.test(topic);
}

/** Bounds that the verdict needs; the defaults are those of every preset. */
export interface JudgeBounds {
  readonly messageBytesMax: number;
  readonly hopsMax: number;
  readonly pastMsMax: bigint;
  readonly futureMsMax: bigint;
}

const BOUNDS: JudgeBounds = { messageBytesMax: 32_768, hopsMax: 32, pastMsMax: 60_000n, futureMsMax: 500n };

/**
 * The verdict of a node that serves topic `tx` on an item by GSP-010 to GSP-014 and GSP-016 to GSP-018, in their order; what needs memory (GSP-015,
 * GSP-019, GSP-020) is left out. The clause is the chapter 05 one, also where an IDN clause decided.
 */
export function judgeMessage(
  networkId: Uint8Array,
  topic: string,
  wallMs: bigint | number,
  hops: bigint | number,
  envelope: Uint8Array,
  bounds: JudgeBounds = BOUNDS,
): Judged {
  const now = BigInt(wallMs);
  if (topic === 'tx') {
    return judgeTransaction(networkId, now, BigInt(hops), envelope, { ...bounds, transactionBytesMax: TRANSACTION_BYTES_MAX });
  }
  if (envelope.length > bounds.messageBytesMax) return { verdict: 'reject', code: 'E_SIZE', clause: 'GSP-010' };
  if (BigInt(hops) > BigInt(bounds.hopsMax)) return { verdict: 'ignore', code: 'E_STRUCTURE', clause: 'GSP-011' };
  if (!isServed(topic)) return { verdict: 'ignore', code: 'E_TOPIC', clause: 'GSP-012' };
  const structure = judgeUnsigned('app', envelope);
  if (structure.verdict !== 'accept') return { ...structure, clause: 'GSP-013' };
  const payload = readAppPayload(readEnvelope(envelope)?.payload ?? new Uint8Array());
  if (payload === undefined) throw new Error('a payload that passed IDN-040 can be read');
  if (payload.topic !== topic) return { verdict: 'reject', code: 'E_TOPIC', clause: 'GSP-014' };
  if (payload.createdMs < now - bounds.pastMsMax) return { verdict: 'ignore', code: 'E_TIME', clause: 'GSP-016' };
  if (payload.createdMs > now + bounds.futureMsMax) return { verdict: 'ignore', code: 'E_TIME', clause: 'GSP-017' };
  const signature = judgeSignature(networkId, envelope);
  return signature.verdict === 'accept' ? signature : { ...signature, clause: 'GSP-018' };
}

/** A link that pushed a copy of an origin's messages since the last count. */
export interface CreditedLink {
  readonly peerId: Uint8Array;
  readonly credits: number;
  readonly stake: bigint | number;
}

/** The links that the prune rule keeps, best first; the others are pruned. Stakes and shares are compared as integers. Spec: GSP-070 to GSP-072. */
export function keptLinks(rule: {
  readonly links: readonly CreditedLink[];
  readonly ownStake: bigint | number;
  readonly originStake: bigint | number;
  /** `gossip.prune_keep_min`. */
  readonly keepMin: number;
  /** `gossip.prune_stake_percent`. */
  readonly stakePercent: number;
}): readonly CreditedLink[] {
  const ordered = [...rule.links].sort(
    (a, b) => b.credits - a.credits || Number(BigInt(b.stake) - BigInt(a.stake)) || compare(a.peerId, b.peerId),
  );
  const [own, origin] = [BigInt(rule.ownStake), BigInt(rule.originStake)];
  const asked = BigInt(rule.stakePercent) * (own < origin ? own : origin);
  const kept: CreditedLink[] = [];
  let stake = 0n;
  for (const link of ordered) {
    if (kept.length >= rule.keepMin && 100n * stake >= asked) break;
    kept.push(link);
    stake += BigInt(link.stake);
  }
  return kept;
}

/** What a peer did, and from how many sessions of its address. */
export interface ScoreCounts {
  readonly first: number;
  readonly invalid: number;
  readonly behaviour: number;
  readonly colocated: number;
}

/** The parameters of chapter 19 by name, as `presetParameters` gives them. */
type Parameters = Readonly<Record<string, number | string>>;

/** A peer's score. Throws a RangeError when a parameter is missing. Spec: chapter 05, "Flood control and score". */
export function score(counts: ScoreCounts, parameters: Parameters): number {
  const of = (name: string): number => numberOf(parameters, `score.${name}`);
  const above = (count: number, threshold: number): number => Math.max(0, count - threshold);
  return (
    of('first_weight') * Math.min(counts.first, of('first_max')) -
    of('invalid_weight') * counts.invalid ** 2 -
    of('behaviour_weight') * above(counts.behaviour, of('behaviour_threshold')) ** 2 -
    of('colocation_weight') * above(counts.colocated, of('colocation_threshold')) ** 2
  );
}

/** The counts one `score.decay_interval_ms` later. */
export function decay(counts: ScoreCounts, parameters: Parameters): ScoreCounts {
  const decayed = (count: number, name: string): number => {
    const rest = count * numberOf(parameters, `score.${name}`);
    return rest < 0.01 ? 0 : rest;
  };
  return {
    first: decayed(counts.first, 'first_decay'),
    invalid: decayed(counts.invalid, 'invalid_decay'),
    behaviour: decayed(counts.behaviour, 'behaviour_decay'),
    colocated: counts.colocated,
  };
}

function numberOf(parameters: Parameters, name: string): number {
  const value = parameters[name];
  if (typeof value !== 'number') throw new RangeError(`parameter ${name} is missing`);
  return value;
}
