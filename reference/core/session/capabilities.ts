/** What two nodes can do together: the texts of their hellos and the minor version. Spec: chapter 04, "Handshake". */
import { compareBytes, encodeUtf8 } from '../bytes.ts';
import type { GossipMode } from '../params.ts';
import { CAPABILITY_DIRECT, CAPABILITY_GOSSIP } from '../types.ts';

/** Lowest and highest minor protocol version that a node speaks. */
export interface MinorRange {
  readonly min: number;
  readonly max: number;
}

/** The minor versions of this revision. Spec: SES-020 */
export const MINOR_RANGE: MinorRange = { min: 0, max: 0 };

// "without a leading zero" leaves the version 0 alone: its only digit leads nothing.
const CAPABILITY_FORM = /^[a-z0-9-]{1,32}\/(?:0|[1-9][0-9]{0,4})$/;

/** The capability texts that a node offers in a mode, ascending by bytes. Spec: GSP-100 */
export function offeredCapabilities(mode: GossipMode): readonly string[] {
  switch (mode) {
    case 'off':
      return [CAPABILITY_DIRECT];
    case 'only':
      return [CAPABILITY_GOSSIP];
    case 'alongside':
      return [CAPABILITY_DIRECT, CAPABILITY_GOSSIP];
  }
}

/** Whether a hello's list is short enough, of the right form, ascending by bytes and without repetition. Spec: SES-021 */
export function areCapabilitiesInOrder(texts: readonly string[], countMax: number): boolean {
  if (texts.length > countMax) return false;
  let previous: Uint8Array | undefined;
  for (const text of texts) {
    if (!CAPABILITY_FORM.test(text)) return false;
    const bytes = encodeUtf8(text);
    if (previous !== undefined && compareBytes(previous, bytes) >= 0) return false;
    previous = bytes;
  }
  return true;
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
