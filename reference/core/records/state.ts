/** The state of a records machine: its links, its table, what it says itself, and what waits. */
import type { LinkId, MonoMs, PeerId } from '../types.ts';
import { OriginBuckets } from './buckets.ts';
import type { RecordsOptions, RecordsOutput } from './contract.ts';
import { type PushLink, PushOutbox } from './outbox.ts';
import { OwnRecords } from './own.ts';
import type { Slot } from './record.ts';
import { RecordTable } from './table.ts';

/** One session with `records/1`. */
export interface RecordsLink extends PushLink {
  /** When a newer record was pushed back for a label of the peer (REC-053). */
  readonly pushedBack: Map<Slot, MonoMs>;
  /** The largest instance of the records that the peer brought of itself; undefined before the first (REC-054). */
  broughtInstance: bigint | undefined;
}

/** A question of the application that waits for its answer. */
export interface Fetch {
  readonly token: number;
  readonly link: LinkId;
  readonly origin: PeerId;
}

/** Invariants: `links` holds the sessions with `records/1`, `sessions` counts all sessions by peer; `outputs` is empty between inputs. */
export interface RecordsState {
  readonly options: RecordsOptions;
  readonly links: Map<LinkId, RecordsLink>;
  /** Peers of all sessions, also of those without `records/1`. */
  readonly sessions: Map<LinkId, PeerId>;
  readonly sessionCounts: Map<PeerId, number>;
  readonly table: RecordTable;
  readonly buckets: OriginBuckets;
  readonly own: OwnRecords;
  readonly outbox: PushOutbox;
  readonly fetches: Map<number, Fetch>;
  readonly outputs: RecordsOutput[];
  nextAsk: number;
  /** When the node started; undefined before its first input. */
  startedMs: MonoMs | undefined;
  /** When records that are over are looked for again. */
  sweepAtMs: MonoMs;
  /** The wall clock at the last input. */
  wallMs: bigint;
}

/** The state of a node that has just been made. */
export function createState(options: RecordsOptions): RecordsState {
  const { params, rng, stakeOf, self } = options;
  const sessionCounts = new Map<PeerId, number>();
  return {
    options,
    links: new Map(),
    sessions: new Map(),
    sessionCounts,
    table: new RecordTable({ params, self, stakeOf, hasSession: (peer) => sessionCounts.has(peer) }),
    buckets: new OriginBuckets(params, stakeOf),
    own: new OwnRecords({ ...options, rng: rng.fork('own'), hasStake: stakeOf(self) > 0n }),
    outbox: new PushOutbox(params, rng.fork('push'), stakeOf),
    fetches: new Map(),
    outputs: [],
    nextAsk: 1,
    startedMs: undefined,
    sweepAtMs: 0,
    wallMs: 0n,
  };
}
