/** What two nodes can do together: the texts of their hellos and the minor version. Spec: chapter 04, "Handshake". */
import type { GossipMode, Params } from '../params.ts';
import {
  CAPABILITY_DHT,
  CAPABILITY_DIRECT,
  CAPABILITY_GOSSIP,
  CAPABILITY_IBLT,
  CAPABILITY_MEMPOOL,
  CAPABILITY_OVERLAY,
  CAPABILITY_RECONCILE,
  CAPABILITY_RECORDS,
} from '../types.ts';

/** Lowest and highest minor protocol version that a node speaks. */
export interface MinorRange {
  readonly min: number;
  readonly max: number;
}

/** The minor versions of this revision. Spec: SES-020 */
export const MINOR_RANGE: MinorRange = { min: 0, max: 0 };

/** The capabilities of chapters 06 to 09 and of the mempool, each with the parameter that turns it on. */
const SWITCHED = [
  [CAPABILITY_DHT, 'dht.mode'],
  [CAPABILITY_IBLT, 'reconcile.iblt'],
  [CAPABILITY_MEMPOOL, 'mempool.mode'],
  [CAPABILITY_OVERLAY, 'overlay.mode'],
  [CAPABILITY_RECONCILE, 'reconcile.mode'],
  [CAPABILITY_RECORDS, 'records.mode'],
] as const;

/** The capability texts that a node with these parameters offers, ascending by bytes. Spec: GSP-100, chapter 04 "Capabilities" */
export function offeredCapabilities(params: Params): readonly string[] {
  const further = SWITCHED.filter(([, name]) => params[name] === 'on').map(([text]) => text);
  return [...gossipCapabilities(params['gossip.mode']), ...further].sort();
}

function gossipCapabilities(mode: GossipMode): readonly string[] {
  switch (mode) {
    case 'off':
      return [CAPABILITY_DIRECT];
    case 'only':
      return [CAPABILITY_GOSSIP];
    case 'alongside':
      return [CAPABILITY_DIRECT, CAPABILITY_GOSSIP];
  }
}

/**
 * The capabilities of a session: the texts that both lists hold, in the order of the first, without
 * `direct/1` where there is gossip, so that no message takes both ways over one link. Spec: SES-022
 */
export function intersectCapabilities(ours: readonly string[], theirs: readonly string[]): readonly string[] {
  const held = new Set(theirs);
  const shared = ours.filter((text) => held.has(text));
  return shared.includes(CAPABILITY_GOSSIP) ? shared.filter((text) => text !== CAPABILITY_DIRECT) : shared;
}

/** The highest minor version in both ranges, or undefined when there is none or a range is upside down. Spec: SES-019, SES-020 */
export function agreeMinor(ours: MinorRange, theirs: MinorRange): number | undefined {
  if (ours.min > ours.max || theirs.min > theirs.max) return undefined;
  const highest = Math.min(ours.max, theirs.max);
  return highest >= ours.min && highest >= theirs.min ? highest : undefined;
}
