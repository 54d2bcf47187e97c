/** The bytes of range messages: big-endian base-128 numbers, bounds, fingerprints. Spec: RCN-071, RCN-074 */
import type { CryptoProvider } from '../crypto/provider.ts';

/** First byte of every range message. */
export const RANGE_VERSION = 0x61;

export const FINGERPRINT_BYTES = 16;
export const RANGE_ID_BYTES = 32;

/** What follows a bound. */
export const MODE_SKIP = 0;
export const MODE_FINGERPRINT = 1;
export const MODE_IDS = 2;

/** An end of a range, not part of it: a time, and as many bytes of an id as it takes to tell the items beside it apart. */
export interface RangeBound {
  /** Milliseconds, or Infinity for the end of everything. */
  readonly time: number;
  readonly id: Uint8Array;
}

const NO_ID = new Uint8Array(0);

/** The bound behind all items. */
export const END_BOUND: RangeBound = { time: Number.POSITIVE_INFINITY, id: NO_ID };

/** The bound before all items. */
export const START_BOUND: RangeBound = { time: 0, id: NO_ID };

/** Orders bounds, and items among them: by time, then by id, a prefix before what it begins. */
export function compareBounds(a: RangeBound, b: RangeBound): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  const shared = Math.min(a.id.length, b.id.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a.id[at] as number) - (b.id[at] as number);
    if (difference !== 0) return difference;
  }
  return a.id.length - b.id.length;
}

/** Collects the bytes of one message. */
export class RangeWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  #lastTime = 0;

  get length(): number {
    return this.#length;
  }

  bytes(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  /** A whole number below 2^53, most significant seven bits first. */
  number(value: number): void {
    const digits = [value % 128];
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) + 128);
    this.bytes(Uint8Array.from(digits));
  }

  /** Times are told as the distance from the last one plus 1; 0 is the end of everything. */
  bound(bound: RangeBound): void {
    if (bound.time === Number.POSITIVE_INFINITY) this.number(0);
    else this.number(bound.time - this.#lastTime + 1);
    this.#lastTime = bound.time;
    this.number(bound.id.length);
    this.bytes(bound.id);
  }

  /** Takes back everything written since the message was `length` bytes long; a time that was told stays the last one. */
  rewind(length: number): void {
    while (this.#length > length) this.#length -= (this.#parts.pop() as Uint8Array).length;
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/** Reads one message; every method gives undefined at the first fault. */
export class RangeReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #lastTime = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(count: number): Uint8Array | undefined {
    if (count > this.left) return undefined;
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  number(): number | undefined {
    let value = 0;
    for (let read = 0; read < 8; read++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) return undefined;
      this.#at += 1;
      value = value * 128 + (byte % 128);
      if (byte < 128) return value < 2 ** 53 ? value : undefined;
    }
    return undefined;
  }

  bound(): RangeBound | undefined {
    const told = this.number();
    if (told === undefined) return undefined;
    const time = told === 0 || this.#lastTime === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : this.#lastTime + (told - 1);
    if (time !== Number.POSITIVE_INFINITY && time >= 2 ** 53) return undefined;
    this.#lastTime = time;
    const length = this.number();
    if (length === undefined || length > RANGE_ID_BYTES) return undefined;
    const id = this.take(length);
    return id === undefined ? undefined : { time, id };
  }
}

/** The fingerprint of the ids from `lower` to `upper` − 1: their sum and their number, hashed. Spec: RCN-071 */
export function fingerprint(crypto: CryptoProvider, ids: readonly { readonly id: Uint8Array }[], lower: number, upper: number): Uint8Array {
  const sum = new Float64Array(16);
  for (let at = lower; at < upper; at++) {
    const { id } = ids[at] as { readonly id: Uint8Array };
    for (let limb = 0; limb < 16; limb++) {
      sum[limb] = (sum[limb] as number) + (id[2 * limb] as number) + (id[2 * limb + 1] as number) * 256;
    }
  }
  // Sums of 2^37 limbs stay exact, so carrying once at the end is enough.
  const writer = new RangeWriter();
  const digits = new Uint8Array(32);
  let carry = 0;
  for (let limb = 0; limb < 16; limb++) {
    const value = (sum[limb] as number) + carry;
    digits[2 * limb] = value % 256;
    digits[2 * limb + 1] = Math.floor(value / 256) % 256;
    carry = Math.floor(value / 65536);
  }
  writer.bytes(digits);
  writer.number(upper - lower);
  return crypto.sha256(writer.finish()).slice(0, FINGERPRINT_BYTES);
}
