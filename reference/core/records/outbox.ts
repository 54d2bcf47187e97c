/** Records that wait to be pushed: gathered for a while, then each to a few links that have not got it. Spec: REC-060 to REC-065 */
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { LinkId, MessageId, MonoMs, PeerId } from '../types.ts';
import { RECORDS_PER_FRAME_MAX } from '../wire/records-body.ts';
import type { HeldRecord } from './table.ts';

/** One session with `records/1`, as pushing sees it. */
export interface PushLink {
  readonly link: LinkId;
  readonly peer: PeerId;
}

interface Waiting {
  readonly record: HeldRecord;
  /** Links that have it: it came or went on them. */
  readonly links: Set<LinkId>;
  readonly dueMs: MonoMs;
}

/** Records for one link, at most as many as a frame holds. */
export interface PushFrame {
  readonly link: LinkId;
  readonly records: readonly Uint8Array[];
}

/** Invariant: `#waiting` is in the order of `dueMs`, since every record waits equally long. */
export class PushOutbox {
  readonly #params: Params;
  readonly #rng: Rng;
  readonly #stakeOf: (peer: PeerId) => bigint;
  readonly #waiting = new Map<MessageId, Waiting>();

  constructor(params: Params, rng: Rng, stakeOf: (peer: PeerId) => bigint) {
    this.#params = params;
    this.#rng = rng;
    this.#stakeOf = stakeOf;
  }

  /** When the next record is to go, or undefined. */
  get nextMs(): MonoMs | undefined {
    for (const { dueMs } of this.#waiting.values()) return dueMs;
    return undefined;
  }

  /** Takes a record in; `from` is the link on which it came. Half of the time that REC-060 gives is spent on gathering. */
  add(record: HeldRecord, from: LinkId | undefined, nowMs: MonoMs): void {
    const dueMs = nowMs + Math.floor(this.#params['records.forward_ms_max'] / 2);
    this.#waiting.set(record.id, { record, links: new Set(from === undefined ? [] : [from]), dueMs });
  }

  /** Notes that a link has a record. Spec: REC-061 */
  note(id: MessageId, link: LinkId): void {
    this.#waiting.get(id)?.links.add(link);
  }

  /** The frames that are due; records that `isCurrent` no longer takes are left out. Links come in ascending order. */
  flush(links: ReadonlyMap<LinkId, PushLink>, isCurrent: (record: HeldRecord) => boolean, nowMs: MonoMs): readonly PushFrame[] {
    const byLink = new Map<LinkId, Uint8Array[]>();
    for (const [id, { record, links: having, dueMs }] of this.#waiting) {
      if (dueMs > nowMs) break;
      this.#waiting.delete(id);
      if (!isCurrent(record)) continue;
      const eligible = [...links.values()].filter(({ link, peer }) => !having.has(link) && peer !== record.origin);
      for (const { link } of this.#choose(eligible)) {
        const records = byLink.get(link) ?? [];
        records.push(record.envelope);
        byLink.set(link, records);
      }
    }
    return [...byLink].sort(([a], [b]) => a - b).flatMap(([link, records]) => inFrames(link, records));
  }

  /** As many links as a record goes to, by chance, those of peers with more stake sooner. */
  #choose(eligible: readonly PushLink[]): readonly PushLink[] {
    const fanout = this.#params['records.push_fanout'];
    if (eligible.length <= fanout) return eligible;
    const left = eligible.map((link) => ({ link, weight: weightOf(this.#stakeOf(link.peer)) }));
    const chosen: PushLink[] = [];
    let total = left.reduce((sum, { weight }) => sum + weight, 0);
    while (chosen.length < fanout) {
      let drawn = this.#rng.below(total);
      const index = left.findIndex(({ weight }) => {
        drawn -= weight;
        return drawn < 0;
      });
      const [taken] = left.splice(index, 1);
      if (taken === undefined) break;
      chosen.push(taken.link);
      total -= taken.weight;
    }
    return chosen;
  }
}

/** One more than the number of bits of the stake: a thousandfold stake is preferred tenfold, not a thousandfold. */
function weightOf(stake: bigint): number {
  return 1 + (stake === 0n ? 0 : stake.toString(2).length);
}

/** Records split into as many frames as they need. Spec: REC-064 */
export function inFrames(link: LinkId, records: readonly Uint8Array[]): readonly PushFrame[] {
  const frames: PushFrame[] = [];
  for (let start = 0; start < records.length; start += RECORDS_PER_FRAME_MAX) {
    frames.push({ link, records: records.slice(start, start + RECORDS_PER_FRAME_MAX) });
  }
  return frames;
}
