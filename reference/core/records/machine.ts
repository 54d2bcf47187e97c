/** The records machine: which input goes to which part, and when the next one is due. Spec: chapter 06 */
import { toHex } from '../bytes.ts';
import { assertNever } from '../errors.ts';
import type { Machine, SessionEvent } from '../machine.ts';
import type { ReconcilableSet } from '../reconciliation/contract.ts';
import { CAPABILITY_RECORDS, type LinkId, type MessageId, type MonoMs, type Now, type PeerId } from '../types.ts';
import { envelopeId, openEnvelope } from '../wire/envelope.ts';
import { KIND_RECORD_PUSH, KIND_RECORD_REPLY, KIND_RECORD_REQUEST } from '../wire/frame.ts';
import { decodeRecordPush, encodeRecordList } from '../wire/records-body.ts';
import { isInWindow, listed, receive } from './accepting.ts';
import { answerTo, fetchRecords, giveUp, takeAnswer } from './asking.ts';
import type { PeerClaims, RecordsInput, RecordsOptions, RecordsOutput } from './contract.ts';
import { inFrames } from './outbox.ts';
import { KIND_CONTACT, RECORD_CONTEXT, RecordSchema, slotOf } from './record.ts';
import { contactChanged, publishDue, resumeMs, setOwn, start } from './self.ts';
import { createState, type RecordsState } from './state.ts';

export type { PeerClaims, RecordsInput, RecordsOptions, RecordsOutput } from './contract.ts';

/** How often records that are over are looked for, in milliseconds. What is over is not held in the meantime either. */
const SWEEP_MS = 1000;

/** A RecordReply over a session: 32 records of the greatest size fit. */
const REPLY_BYTES_MAX = 29_990;

/** The machine, with its read-only ports, which speak of the moment of the last input. */
export interface RecordsMachine extends Machine<RecordsInput, RecordsOutput> {
  /** What a peer says of itself, or undefined. */
  contactOf(peer: PeerId): PeerClaims | undefined;
  /** The contacts of all peers that are known, in ascending order of PeerIds. */
  contacts(): readonly PeerClaims[];
  /** Origins with a contact record, this node among them. */
  readonly origins: number;
  /** The records as a set for chapter 07. */
  readonly set: ReconcilableSet;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine; it publishes from its first input on. */
export function createRecords(options: RecordsOptions): RecordsMachine {
  const state = createState(options);
  const isOn = options.params['records.mode'] === 'on';
  let resumeAtMs: MonoMs | undefined;

  function handle(input: RecordsInput, now: Now): readonly RecordsOutput[] {
    state.wallMs = BigInt(now.wallMs);
    if (isOn && state.startedMs === undefined) start(state, now);
    // What fell due while nobody listened comes first: a new session hears of nothing old.
    if (isOn) publishDue(state, now);
    take(state, input, now);
    if (isOn) runTimers(state, now);
    const resumes = resumeMs(state);
    resumeAtMs = resumes === undefined ? undefined : now.monoMs + Number(resumes - state.wallMs);
    return state.outputs.splice(0);
  }

  /** Without a link nothing can be heard, so nothing needs to be said in time. */
  function deadline(): MonoMs | undefined {
    if (!isOn) return undefined;
    if (state.startedMs === undefined) return 0;
    if (state.links.size === 0) return undefined;
    const moments = [state.own.nextMs, state.outbox.nextMs, resumeAtMs].filter((moment) => moment !== undefined);
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  return {
    handle,
    deadline,
    contactOf: (peer) => claimsOf(state, peer),
    contacts: () => state.table.origins().flatMap((peer) => claimsOf(state, peer) ?? []),
    get origins() {
      return state.table.contactCount;
    },
    set: setOf(state),
    view: () => describe(state),
  };
}

function take(state: RecordsState, input: RecordsInput, now: Now): void {
  switch (input.type) {
    case 'sessionUp':
      addLink(state, input);
      return;
    case 'sessionDown':
      removeLink(state, input.link);
      return;
    case 'frame':
      takeFrame(state, input, now);
      return;
    case 'answered':
      takeAnswer(state, input.ask, input.link, input.body, now);
      return;
    case 'unanswered':
      giveUp(state, input.ask);
      return;
    case 'datagramAsked': {
      const body = answerTo(state, input.body, input.bodyBytesMax);
      // A question that cannot be read gets no answer: a datagram has no session to close.
      if (body instanceof Uint8Array) state.outputs.push({ type: 'answerByDatagram', handle: input.handle, kind: KIND_RECORD_REPLY, body });
      return;
    }
    case 'reconciled':
      for (const bytes of input.items) receive(state, bytes, { link: input.link, isPushed: false }, now);
      return;
    case 'local':
      request(state, input, now);
      return;
    case 'placeChanged':
      contactChanged(state, now);
      return;
    case 'answeredByDatagram':
    case 'rtt':
    case 'dialEnded':
    case 'overrun':
    case 'tick':
      return;
    default:
      assertNever(input);
  }
}

function addLink(state: RecordsState, { link, peer, capabilities }: Extract<SessionEvent, { readonly type: 'sessionUp' }>): void {
  state.sessions.set(link, peer);
  state.sessionCounts.set(peer, (state.sessionCounts.get(peer) ?? 0) + 1);
  if (!capabilities.has(CAPABILITY_RECORDS)) return;
  state.links.set(link, { link, peer, pushedBack: new Map(), broughtInstance: undefined });
  introduce(state, link);
}

/** The node's own records, the contact first, for a peer that has just come. Spec: REC-043 */
function introduce(state: RecordsState, link: LinkId): void {
  if (state.own.isSuperseded) return;
  const records = state.table.ofOrigin(state.options.self, state.wallMs).filter(({ isMade }) => isMade);
  for (const { id } of records) state.outbox.note(id, link);
  const envelopes = records.map(({ envelope }) => envelope);
  for (const frame of inFrames(link, envelopes)) pushFrame(state, frame.link, frame.records);
}

function pushFrame(state: RecordsState, link: LinkId, records: readonly Uint8Array[]): void {
  state.outputs.push({ type: 'sendFrame', link, kind: KIND_RECORD_PUSH, body: encodeRecordList({ records }) });
}

function removeLink(state: RecordsState, link: LinkId): void {
  const peer = state.sessions.get(link);
  state.sessions.delete(link);
  state.links.delete(link);
  if (peer === undefined) return;
  const left = (state.sessionCounts.get(peer) ?? 1) - 1;
  if (left > 0) state.sessionCounts.set(peer, left);
  else state.sessionCounts.delete(peer);
}

function takeFrame(state: RecordsState, frame: Extract<SessionEvent, { readonly type: 'frame' }>, now: Now): void {
  const { link, kind, requestId, body } = frame;
  if (!state.links.has(link)) return;
  if (kind === KIND_RECORD_REQUEST) {
    const answer = answerTo(state, body, REPLY_BYTES_MAX);
    if (answer instanceof Uint8Array) state.outputs.push({ type: 'answer', link, requestId, kind: KIND_RECORD_REPLY, body: answer });
    else close(state, link, answer);
    return;
  }
  if (kind !== KIND_RECORD_PUSH) return;
  const push = decodeRecordPush(body);
  if (!push.ok) {
    close(state, link, push);
    return;
  }
  for (const bytes of push.value.records) receive(state, bytes, { link, isPushed: true }, now);
}

/** The peer broke a rule of bodies: the session ends, and nothing more is said on it. */
function close(
  state: RecordsState,
  link: LinkId,
  fault: { readonly code: 'E_MALFORMED' | 'E_LIMIT' | string; readonly clause: string },
): void {
  const peer = state.sessions.get(link);
  const code = fault.code === 'E_LIMIT' ? 'E_LIMIT' : 'E_MALFORMED';
  state.links.delete(link);
  state.outputs.push({ type: 'violation', link, peer, code, clause: fault.clause });
  state.outputs.push({ type: 'closeSession', link, code, clause: fault.clause });
}

function request(state: RecordsState, { token, request: asked }: Extract<RecordsInput, { readonly type: 'local' }>, now: Now): void {
  switch (asked.type) {
    case 'records.set': {
      const isTaken = setOwn(state, asked.kind, asked.index, asked.body, now);
      const error = isTaken ? undefined : 'E_RECORD_FORM';
      state.outputs.push({ type: 'outcome', token, outcome: { type: 'records.set', error } });
      return;
    }
    case 'records.get': {
      const envelope = state.table.get(asked.peer, slotOf(asked.kind, asked.index), state.wallMs)?.envelope;
      state.outputs.push({ type: 'outcome', token, outcome: { type: 'records.get', envelope } });
      return;
    }
    case 'records.list': {
      const records = state.table.origins().flatMap((origin) => state.table.ofOrigin(origin, state.wallMs).map(listed));
      state.outputs.push({ type: 'outcome', token, outcome: { type: 'records.list', records } });
      return;
    }
    case 'records.fetch':
      if (!fetchRecords(state, token, asked.peer)) {
        state.outputs.push({ type: 'outcome', token, outcome: { type: 'records.fetch', accepted: 0 } });
      }
      return;
    default:
  }
}

/** An input that comes at the very moment of a timer is taken first. */
function runTimers(state: RecordsState, now: Now): void {
  publishDue(state, now);
  const isCurrent = (record: Parameters<Parameters<RecordsState['outbox']['flush']>[1]>[0]): boolean =>
    state.table.byId(record.id, state.wallMs) !== undefined && (record.isMade ? !state.own.isSuperseded : isInWindow(state, record));
  for (const { link, records } of state.outbox.flush(state.links, isCurrent, now.monoMs)) pushFrame(state, link, records);
  if (now.monoMs < state.sweepAtMs) return;
  state.table.sweep(state.wallMs);
  state.sweepAtMs = now.monoMs + SWEEP_MS;
}

function claimsOf(state: RecordsState, peer: PeerId): PeerClaims | undefined {
  const body = state.table.get(peer, slotOf(KIND_CONTACT, 0), state.wallMs)?.payload.body;
  if (body?.case !== 'contact') return undefined;
  const { addresses, roles, region, capabilities, via, overlayRole } = body.value;
  return { peer, addresses, roles, region, capabilities, via: via.map((bytes) => toHex(bytes) as PeerId), overlayRole };
}

/** Chapter 07 reads the table as it is at its own moment; what is over is told apart when it is asked for. */
function setOf(state: RecordsState): ReconcilableSet {
  const { crypto, networkId } = state.options;
  return {
    name: 'records',
    size: () => state.table.size,
    items: () =>
      state.table.ids().flatMap((id) => {
        const record = state.table.byId(id, state.wallMs);
        return record === undefined ? [] : [{ id, timeMs: Number(record.payload.wallclockMs) }];
      }),
    bytesOf: (id: MessageId) => state.table.byId(id, state.wallMs)?.envelope,
    idOf: (bytes) => {
      const opened = openEnvelope(bytes, RECORD_CONTEXT, RecordSchema);
      return opened.verdict === 'ok' ? envelopeId(crypto, networkId, opened.envelope) : undefined;
    },
  };
}

function describe(state: RecordsState): unknown {
  const { table, own, links } = state;
  return {
    records: table.size,
    origins: table.originCount,
    contacts: table.contactCount,
    links: links.size,
    instance: String(own.instance),
    superseded: own.isSuperseded,
  };
}
