/** Transactions: their envelope, and the frame that hands them to a leader. Spec: MEM-001 to MEM-003, MEM-032 */
import { type Transaction, TransactionSchema } from '../../../proto/gen/carillon/v1/mempool_pb.ts';
import { concatBytes } from '../bytes.ts';
import type { ErrorName } from '../types.ts';
import { type Decoded, readElements } from './body.ts';
import { type OpenedEnvelope, openEnvelope } from './envelope.ts';
import { elementField } from './fields.ts';

/** The context of envelopes that carry transactions, and the topic on which they travel. */
export const TRANSACTION_CONTEXT = 'transaction';
export const TRANSACTION_TOPIC = 'tx';

/** Transactions of one Forward at most. */
export const FORWARD_TRANSACTIONS_MAX = 64;

const ACCOUNT_BYTES = 32;

/** Judges the structure of a transaction's envelope: all before the signature. Spec: IDN-032 to IDN-040, MEM-003 */
export function openTransaction(bytes: Uint8Array): OpenedEnvelope<Transaction> {
  const opened = openEnvelope(bytes, TRANSACTION_CONTEXT, TransactionSchema);
  if (opened.verdict !== 'ok' || hasBody(opened.payload)) return opened;
  const code: ErrorName = 'E_STRUCTURE';
  return { verdict: 'reject', code, clause: 'MEM-003' };
}

function hasBody({ body }: Transaction): boolean {
  return body.case === 'entry' || (body.case === 'transfer' && body.value.to.length === ACCOUNT_BYTES);
}

/** Fee and amount together: what the account must be able to pay. Spec: MEM-014 */
export function spendsOf({ fee, body }: Transaction): bigint {
  return body.case === 'transfer' ? fee + body.value.amount : fee;
}

/** Frame kind 34, 1 to 64 envelopes. */
export interface Forward {
  readonly transactions: readonly Uint8Array[];
}

/** Spec: WIR-040 to WIR-050 */
export function decodeForward(body: Uint8Array): Decoded<Forward> {
  const read = readElements(body, FORWARD_TRANSACTIONS_MAX);
  return read.ok ? { ok: true, value: { transactions: read.value } } : read;
}

export function encodeForward({ transactions }: Forward): Uint8Array {
  return concatBytes(...transactions.flatMap((bytes) => elementField(1, bytes)));
}
