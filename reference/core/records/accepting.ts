/** What becomes of records that come in: judged, held, passed on. Spec: REC-010 to REC-031, REC-050, REC-053 */
import type { EnvelopeHash, LinkId, MonoMs, Now } from '../types.ts';
import { hashEnvelope } from '../wire/envelope.ts';
import { KIND_RECORD_PUSH } from '../wire/frame.ts';
import { encodeRecordList } from '../wire/records-body.ts';
import type { ListedRecord } from './contract.ts';
import { isNewer, KIND_CONTACT, type ReadRecord } from './record.ts';
import type { RecordsLink, RecordsState } from './state.ts';
import type { HeldRecord } from './table.ts';
import { judgeRecord, type RecordJudgement, type RecordMemory, type Way } from './verdict.ts';

/** How records came: on a link if they came in a session, pushed or pulled. */
export interface Arrival {
  readonly link: LinkId | undefined;
  readonly isPushed: boolean;
}

/** Judges one envelope and does what its verdict asks for; true when it was accepted. */
export function receive(state: RecordsState, bytes: Uint8Array, arrival: Arrival, now: Now): boolean {
  const { options } = state;
  const from = arrival.link === undefined ? undefined : state.sessions.get(arrival.link);
  const known = state.table.byBytes(bytes, state.wallMs);
  if (known !== undefined) {
    // A further copy of what is held has the verdict of REC-020 whatever else is asked.
    if (arrival.link !== undefined) state.outbox.note(known.id, arrival.link);
    noteInstance(state, known, arrival.link);
    report(state, known.hash, arrival.link, { verdict: 'ignore', code: 'E_RECORD_OLD', clause: 'REC-020' });
    return false;
  }
  const way: Way = { isPushed: arrival.isPushed, from };
  const judgement = judgeRecord(options, memoryOf(state, now.monoMs), bytes, way, now);
  if (judgement.record !== undefined && arrival.link !== undefined) state.outbox.note(judgement.record.id, arrival.link);
  if (judgement.record !== undefined && (judgement.verdict === 'pass' || judgement.clause === 'REC-020')) {
    noteInstance(state, judgement.record, arrival.link);
  }
  if (judgement.verdict === 'pass') {
    const held = hold(state, judgement.record);
    if (held !== undefined) {
      accept(state, held, arrival, now);
      report(state, held.hash, arrival.link, { verdict: 'accept' });
      return true;
    }
    report(state, judgement.record.hash, arrival.link, { verdict: 'ignore', code: 'E_RECORD_ROOM', clause: 'REC-027' });
    return false;
  }
  report(state, judgement.record?.hash ?? hashEnvelope(options.crypto, bytes), arrival.link, judgement);
  if (judgement.verdict === 'reject' && from !== undefined) state.outputs.push({ type: 'envelopeRejected', peer: from });
  if (judgement.clause === 'REC-020' && judgement.record !== undefined) pushBack(state, judgement.record, arrival.link, now.monoMs);
  return false;
}

function memoryOf(state: RecordsState, nowMs: MonoMs): RecordMemory {
  const { table, own, buckets, options } = state;
  const { self, params } = options;
  return {
    isSelf: (origin) => origin === self,
    isNews: (record) => {
      if (record.origin === self && !own.isAbove(record.payload)) return false;
      const held = table.get(record.origin, record.slot, state.wallMs);
      return held === undefined || isNewer(held, record);
    },
    allows: (origin) => buckets.allows(origin, nowMs),
    hasLabelRoom: (record) => {
      if (record.payload.kind === KIND_CONTACT || table.get(record.origin, record.slot, state.wallMs) !== undefined) return true;
      const others = table.ofOrigin(record.origin, state.wallMs).filter(({ payload }) => payload.kind !== KIND_CONTACT);
      return others.length < params['records.labels_max'];
    },
  };
}

/** Puts a record into the table, the node's own as well as others'. */
export function hold(state: RecordsState, record: ReadRecord): HeldRecord | undefined {
  return state.table.put(record, state.wallMs);
}

function accept(state: RecordsState, held: HeldRecord, { link, isPushed }: Arrival, now: Now): void {
  const { options, buckets, own } = state;
  if (held.origin === options.self) {
    if (own.yieldTo(held.payload)) {
      state.outputs.push({
        type: 'notice',
        notice: { type: 'records.superseded', instance: held.payload.instance, sequence: held.payload.sequence },
      });
    }
  } else {
    buckets.charge(held.origin, now.monoMs);
    propose(state, held);
  }
  state.outputs.push({ type: 'notice', notice: { type: 'records.accepted', ...listed(held) } });
  tellOlderCopy(state, held, link, now.monoMs);
  if (isPushed) announce(state, held, link, now.monoMs);
}

/** Tells the topology of somebody who says where to be reached. */
function propose(state: RecordsState, { origin, payload }: HeldRecord): void {
  if (payload.body.case !== 'contact') return;
  const { addresses } = payload.body.value;
  if (addresses.length > 0) state.outputs.push({ type: 'candidate', peer: origin, addresses });
}

/** Has a record pushed on, unless it is another's and too old for that. Spec: REC-060, REC-065 */
export function announce(state: RecordsState, held: HeldRecord, from: LinkId | undefined, nowMs: MonoMs): void {
  if (held.isMade || isInWindow(state, held)) state.outbox.add(held, from, nowMs);
}

/** Whether the record may be pushed on others' behalf at this moment. */
export function isInWindow(state: RecordsState, { payload }: HeldRecord): boolean {
  return payload.wallclockMs + BigInt(state.options.params['records.push_window_ms']) >= state.wallMs;
}

/** The origin itself brought an old record: it is told of the newer one, now and then. Spec: REC-053 */
function pushBack(state: RecordsState, stale: ReadRecord, linkId: LinkId | undefined, nowMs: MonoMs): void {
  const link = linkId === undefined ? undefined : state.links.get(linkId);
  if (link === undefined || link.peer !== stale.origin) return;
  const held = state.table.get(stale.origin, stale.slot, state.wallMs);
  if (held === undefined || held.id === stale.id) return;
  const last = link.pushedBack.get(stale.slot);
  if (last !== undefined && nowMs - last < state.options.params['records.push_window_ms']) return;
  sendBack(state, link, held, nowMs);
}

/** Notes which instance of a peer speaks on its session. */
function noteInstance(state: RecordsState, { origin, payload }: ReadRecord, linkId: LinkId | undefined): void {
  const link = linkId === undefined ? undefined : state.links.get(linkId);
  if (link === undefined || link.peer !== origin) return;
  if (link.broughtInstance === undefined || link.broughtInstance < payload.instance) link.broughtInstance = payload.instance;
}

/** A session may be with a copy of the origin that was started earlier: it hears of the later one. Spec: REC-054 */
function tellOlderCopy(state: RecordsState, held: HeldRecord, from: LinkId | undefined, nowMs: MonoMs): void {
  const links = [...state.links.values()].filter(({ peer }) => peer === held.origin).sort((a, b) => a.link - b.link);
  for (const link of links) {
    if (link.link === from || link.broughtInstance === undefined || link.broughtInstance >= held.payload.instance) continue;
    sendBack(state, link, held, nowMs);
  }
}

function sendBack(state: RecordsState, link: RecordsLink, held: HeldRecord, nowMs: MonoMs): void {
  link.pushedBack.set(held.slot, nowMs);
  state.outbox.note(held.id, link.link);
  state.outputs.push({ type: 'sendFrame', link: link.link, kind: KIND_RECORD_PUSH, body: encodeRecordList({ records: [held.envelope] }) });
}

type RefusedVerdict = Pick<Extract<RecordJudgement, { readonly clause: string }>, 'verdict' | 'code' | 'clause'>;

/** Reports the verdict on what came in a session. */
function report(
  state: RecordsState,
  envelopeHash: EnvelopeHash,
  link: LinkId | undefined,
  told: { readonly verdict: 'accept' } | RefusedVerdict,
): void {
  if (link === undefined) return;
  const { verdict } = told;
  const [code, clause] = verdict === 'accept' ? [undefined, undefined] : [told.code, told.clause];
  state.outputs.push({ type: 'verdict', link, envelopeHash, verdict, code, clause });
}

/** A record as lists show it. */
export function listed({ origin, payload }: HeldRecord): ListedRecord {
  const { kind, index, instance, sequence, wallclockMs } = payload;
  return { origin, kind, index, instance, sequence, wallclockMs };
}
