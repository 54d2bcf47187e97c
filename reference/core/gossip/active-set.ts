/** The active links: those on which messages are pushed at once. Spec: GSP-030 to GSP-032 */
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { LinkId, MonoMs } from '../types.ts';

/** What the formula adds to the logarithm. */
const BASE_LINKS = 5;

/** The largest network size that the formula is asked for, as a wire integer has 64 bits. */
const SIZE_BITS = 64n;

/** Bits behind the point while the powers of e are computed; far more than 2^64 · 45 roundings use up. */
const FRACTION_BITS = 256n;

/**
 * The whole parts of e^0, e^1, … beyond 2^64. No power of e above the first is a whole number, so
 * `ln N ≤ k` holds exactly when `N ≤ floor(e^k)`; a logarithm in floating point would be off for large N.
 */
function powersOfE(): readonly bigint[] {
  const one = 1n << FRACTION_BITS;
  let e = 0n;
  let term = one;
  for (let divisor = 1n; term > 0n; divisor++) {
    e += term;
    term /= divisor;
  }
  const powers: bigint[] = [];
  for (let power = one; powers.at(-1) === undefined || (powers.at(-1) ?? 0n) >> SIZE_BITS === 0n; power = (power * e) >> FRACTION_BITS) {
    powers.push(power >> FRACTION_BITS);
  }
  return powers;
}

const POWERS_OF_E = powersOfE();

/** `max(activeMin, ceil(ln N + 5))`, and `activeMin` for N of 0 or 1; N is at most 2^64 − 1. Spec: GSP-030 */
export function activeSize(networkSize: bigint, activeMin: number): number {
  if (networkSize <= 1n) return activeMin;
  const logarithm = POWERS_OF_E.findIndex((power) => networkSize <= power);
  return Math.max(activeMin, logarithm + BASE_LINKS);
}

/**
 * Which of the eligible links are active: all, or `size` of them by chance, one of which is replaced
 * in each `gossip.rotation_ms`. Invariants: members are eligible, never more than `size`, and fewer
 * only when there are not more eligible ones.
 */
export class ActiveSet {
  readonly #size: () => number;
  readonly #rotationMs: number;
  readonly #rng: Rng;
  readonly #members = new Set<LinkId>();
  #eligible: readonly LinkId[] = [];
  #rotateAtMs: MonoMs | undefined;

  /** `estimate` is asked where `gossip.network_size` is 0. Spec: DHT-111 */
  constructor(params: Params, rng: Rng, estimate: () => number = () => 0) {
    const { 'gossip.network_size': configured, 'gossip.active_min': activeMin } = params;
    const fixed = configured === 0 ? undefined : activeSize(BigInt(configured), activeMin);
    this.#size = () => fixed ?? activeSize(BigInt(estimate()), activeMin);
    this.#rotationMs = params['gossip.rotation_ms'];
    this.#rng = rng;
  }

  /** How many links are active when there are enough. */
  get size(): number {
    return this.#size();
  }

  has(link: LinkId): boolean {
    return this.#members.has(link);
  }

  /** The active links in ascending order. */
  links(): readonly LinkId[] {
    // An estimated network may have shrunk since the set was filled.
    while (this.#members.size > this.size) {
      const extra = this.#rng.pick([...this.#members].sort((a, b) => a - b));
      if (extra !== undefined) this.#members.delete(extra);
    }
    return [...this.#members].sort((a, b) => a - b);
  }

  /** The links that may be active, in ascending order. */
  eligible(): readonly LinkId[] {
    return this.#eligible;
  }

  /** When the next link is replaced, or undefined while all eligible links are active. */
  get rotateAtMs(): MonoMs | undefined {
    return this.#rotateAtMs;
  }

  /** Takes the links that are eligible from now on, in ascending order. */
  update(eligible: readonly LinkId[], nowMs: MonoMs): void {
    this.#eligible = eligible;
    const allowed = new Set(eligible);
    for (const member of this.#members) {
      if (!allowed.has(member)) this.#members.delete(member);
    }
    this.#fill();
    if (eligible.length <= this.size) this.#rotateAtMs = undefined;
    else this.#rotateAtMs ??= nowMs + this.#rotationMs;
  }

  /** Replaces one active link by another eligible one, if it is time to. */
  rotate(nowMs: MonoMs): void {
    if (this.#rotateAtMs === undefined || nowMs < this.#rotateAtMs) return;
    const leaving = this.#rng.pick(this.links());
    const coming = this.#rng.pick(this.#idle());
    if (leaving !== undefined && coming !== undefined) {
      this.#members.delete(leaving);
      this.#members.add(coming);
    }
    // An estimated network may have grown since.
    this.#fill();
    this.#rotateAtMs = nowMs + this.#rotationMs;
  }

  #fill(): void {
    const missing = Math.min(this.size, this.#eligible.length) - this.#members.size;
    if (missing > 0) {
      for (const link of this.#rng.shuffle(this.#idle()).slice(0, missing)) this.#members.add(link);
    }
  }

  #idle(): readonly LinkId[] {
    return this.#eligible.filter((link) => !this.#members.has(link));
  }
}
