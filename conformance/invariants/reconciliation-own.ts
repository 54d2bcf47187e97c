/** What a node held of the records when it asked, as far as the trace shows it. */
import { envelopesIn, numberIn, seenMessage, textIn } from '../driver/seen.ts';
import type { SeenEnvelope } from '../driver/trace.ts';
import { hex, unhex } from '../model/bytes.ts';
import { digestOf, isInPartition } from '../model/riblt.ts';
import type { Question, ReconciliationView } from './reconciliation-view.ts';
import { recordOf } from './records-table.ts';

/** Messages in which records stand, with their field. */
const WITH_RECORDS = [
  ['RecordPush', 'records'],
  ['RecordReply', 'records'],
  ['FetchReply', 'items'],
] as const;

/** In which what comes is held, and what is made is pushed. */
const QUIET_MS = 1_000;

/**
 * The ids of the partition of a first request: the newest record of each label that was made before the request and was the
 * node's own, or came to it earlier. Undefined when the digest of the request is not that of these.
 */
export function ownIds(view: ReconciliationView, question: Question): readonly Uint8Array[] | undefined {
  const ids = shownIds(view, question);
  return digestOfRequest(question, ids) === textIn(question.fields, 'digest') ? ids : undefined;
}

/** The digest that a first request has to give for these ids, in hex. Spec: RCN-011 */
export function digestOfRequest({ fields }: Question, ids: readonly Uint8Array[]): string {
  return hex(digestOf(unhex(textIn(fields, 'salt')), ids));
}

/** The same whatever the digest: right if the node was asked for all its own records before, and nothing came or was made at that time. */
export function shownIds(view: ReconciliationView, { fields, event: at, atMs }: Question): readonly Uint8Array[] {
  const { trace } = view;
  const wallMs = BigInt(trace.wallStartMs + atMs);
  const held = new Map<string, { readonly instance: bigint; readonly sequence: bigint; readonly id: string }>();
  const take = (envelope: SeenEnvelope): void => {
    const record = recordOf(envelope);
    if (record === undefined || envelope.id === undefined || record.wallclockMs > wallMs) return;
    const label = `${envelope.origin} ${record.kind} ${record.index}`;
    const { instance, sequence } = record;
    const other = held.get(label);
    if (other === undefined || instance > other.instance || (instance === other.instance && sequence > other.sequence)) {
      held.set(label, { instance, sequence, id: envelope.id });
    }
  };
  trace.events.forEach((event, index) => {
    if (event.type !== 'frame' && event.type !== 'sentFrame') return;
    for (const [message, field] of WITH_RECORDS) {
      const said = seenMessage(event.frame, message);
      if (said === undefined) continue;
      for (const envelope of envelopesIn(said, field)) {
        // What the node made before it asked may be pushed a moment later.
        if (event.type === 'frame' ? envelope.origin === trace.nodePeerId : index < at) take(envelope);
      }
    }
  });
  const [prefixBits, prefix] = [numberIn(fields, 'prefixBits'), numberIn(fields, 'prefix')];
  return [...held.values()].map(({ id }) => unhex(id)).filter((id) => isInPartition(id, prefixBits, prefix));
}

/** Whether `shownIds` is right at a request. */
export function isAllShown(view: ReconciliationView, { event: at, atMs }: Question): boolean {
  const { trace } = view;
  const wallMs = BigInt(trace.wallStartMs + atMs);
  let wasTold = false;
  let isQuiet = trace.endMs > atMs + QUIET_MS;
  trace.events.forEach((event, index) => {
    if (event.type !== 'frame' && event.type !== 'sentFrame') return;
    for (const [message, field] of WITH_RECORDS) {
      const said = seenMessage(event.frame, message);
      if (said === undefined) continue;
      const envelopes = envelopesIn(said, field);
      const own = envelopes.filter(({ origin }) => origin === trace.nodePeerId);
      if (event.type === 'sentFrame') {
        if (envelopes.length > 0 && Math.abs(event.atMs - atMs) < QUIET_MS) isQuiet = false;
        continue;
      }
      if (message === 'RecordReply' && index < at && own.length > 0) wasTold = true;
      if (own.some((envelope) => recordOf(envelope)?.wallclockMs === wallMs)) isQuiet = false;
    }
  });
  return wasTold && isQuiet;
}
