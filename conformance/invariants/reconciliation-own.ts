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

/**
 * The ids of the partition of a first request: the newest record of each label that was made before the request and was the
 * node's own, or came to it earlier. Undefined when the digest of the request is not that of these.
 */
export function ownIds(view: ReconciliationView, { fields, event: at, atMs }: Question): readonly Uint8Array[] | undefined {
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
  const ids = [...held.values()].map(({ id }) => unhex(id)).filter((id) => isInPartition(id, prefixBits, prefix));
  return hex(digestOf(unhex(textIn(fields, 'salt')), ids)) === textIn(fields, 'digest') ? ids : undefined;
}
