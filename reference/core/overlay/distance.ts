/** Distances between PeerIds as eight 32-bit words, first the highest. Spec: chapter 09, "Terms", OVL-003 */
import { invariant } from '../errors.ts';
import type { MessageId, PeerId } from '../types.ts';

const WORDS = 8;
const WORD_DIGITS = 8;
const WORD_BITS = 32;

/** A 256-bit number, big-endian: an id, or the exclusive or of two. */
export type Words = Uint32Array;

/** The words of an id. */
export function wordsOf(id: PeerId | MessageId): Words {
  invariant(id.length === WORDS * WORD_DIGITS, 'an id is 64 hexadecimal digits');
  return Uint32Array.from({ length: WORDS }, (_, index) => Number.parseInt(id.slice(index * WORD_DIGITS, (index + 1) * WORD_DIGITS), 16));
}

/** The exclusive or of two numbers. */
export function exclusiveOr(a: Words, b: Words): Words {
  return Uint32Array.from(a, (word, index) => word ^ (b[index] ?? 0));
}

/** Negative when `a` is smaller, positive when it is larger, 0 when they are equal. */
export function compareWords(a: Words, b: Words): number {
  for (let index = 0; index < WORDS; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The index of a distance's highest bit, 255 the farthest; undefined for 0, which is no distance to another. Spec: OVL-003 */
export function bucketOf(distance: Words): number | undefined {
  for (let index = 0; index < WORDS; index++) {
    const word = distance[index] ?? 0;
    if (word !== 0) return (WORDS - index) * WORD_BITS - 1 - Math.clz32(word);
  }
  return undefined;
}
