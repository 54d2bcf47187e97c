/** Which of several links take a message, by their keys. Spec: OVL-004, OVL-037 */
import { bucketOf, compareWords, exclusiveOr, type Words } from './distance.ts';

/** A link as the choice sees it. */
export interface Placed<T> {
  readonly link: T;
  /** The exclusive or of the node's PeerId and the peer's. */
  readonly distance: Words;
}

interface Keyed<T> {
  readonly link: T;
  readonly key: Words;
  readonly bucket: number;
}

/** All links by ascending key; equal keys belong to one peer and stay in their order. */
function byKey<T>(messageId: Words, links: readonly Placed<T>[]): readonly Keyed<T>[] {
  return links
    .map(({ link, distance }) => ({ link, key: exclusiveOr(distance, messageId), bucket: bucketOf(distance) ?? 0 }))
    .sort((a, b) => compareWords(a.key, b.key));
}

/** The first `count` links of a message, or all if there are no more. */
export function firstLinks<T>(messageId: Words, links: readonly Placed<T>[], count: number): readonly T[] {
  return byKey(messageId, links)
    .slice(0, count)
    .map(({ link }) => link);
}

/** The rank of each link among those of its bucket. */
function ranked<T>(messageId: Words, links: readonly Placed<T>[]): readonly (Keyed<T> & { readonly rank: number })[] {
  const counts = new Map<number, number>();
  return byKey(messageId, links).map((keyed) => {
    const rank = counts.get(keyed.bucket) ?? 0;
    counts.set(keyed.bucket, rank + 1);
    return { ...keyed, rank };
  });
}

/** The first `perBucket` links of each bucket, the farthest bucket first. Spec: OVL-004 */
export function bucketLinks<T>(messageId: Words, links: readonly Placed<T>[], perBucket: number): readonly T[] {
  return ranked(messageId, links)
    .filter(({ rank }) => rank < perBucket)
    .sort((a, b) => b.bucket - a.bucket || a.rank - b.rank)
    .map(({ link }) => link);
}

/** `count` links: the first of each bucket from the farthest on, then the second of each, and so on. Spec: OVL-037 */
export function spreadLinks<T>(messageId: Words, links: readonly Placed<T>[], count: number): readonly T[] {
  return ranked(messageId, links)
    .toSorted((a, b) => a.rank - b.rank || b.bucket - a.bucket)
    .slice(0, count)
    .map(({ link }) => link);
}
