/** The functions `mempool.…` of chapter 23 on the reference's pool. */
import { encodeUtf8, fromHex, toHex } from '../core/bytes.ts';
import { blockOrder } from '../core/mempool/block-order.ts';
import { type Candidate, Pool } from '../core/mempool/pool.ts';
import { PRESETS } from '../core/params.ts';
import type { MessageId, PeerId } from '../core/types.ts';
import { type Arguments, RefusedArguments } from './arguments.ts';

const TRANSACTION_BYTES = 104;
const NO_BYTES = new Uint8Array(0);

function candidateOf(bytes: Uint8Array, index: number): Candidate {
  if (bytes.length !== TRANSACTION_BYTES) {
    throw new RefusedArguments(`argument ${index} has ${bytes.length} bytes instead of ${TRANSACTION_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const number = (at: number): bigint => view.getBigUint64(64 + 8 * at);
  return {
    account: toHex(bytes.subarray(0, 32)) as PeerId,
    id: toHex(bytes.subarray(32, 64)) as MessageId,
    nonce: number(0),
    fee: number(1),
    spends: number(2),
    validUntilSlot: number(3),
    bytes: Number(number(4)),
    createdMs: 0,
    acceptedMs: 0,
    envelope: NO_BYTES,
  };
}

function offerAll(args: Arguments): { readonly pool: Pool; readonly codes: readonly string[] } {
  const moment = { slot: args.u64(0), nonce: args.u64(1), balance: args.u64(2) };
  const candidates = args.rest(3).map((bytes, index) => candidateOf(bytes, index + 3));
  const pool = new Pool(PRESETS.conformance);
  const codes = candidates.map((candidate) => {
    const admission = pool.admit(candidate, moment);
    return admission.ok ? '' : admission.code;
  });
  return { pool, codes };
}

/** Offers transactions one after another to an empty pool: one code each, empty for those that are taken. */
export function admitTransactions(args: Arguments): readonly Uint8Array[] {
  return offerAll(args).codes.map(encodeUtf8);
}

/** Offers transactions as above: ids of the ready ones in the order in which a block takes them. Spec: MEM-023 */
export function orderTransactions(args: Arguments): readonly Uint8Array[] {
  const { pool } = offerAll(args);
  const nonce = args.u64(1);
  return blockOrder(pool.accounts, () => nonce, pool.count).map(({ id }) => fromHex(id) ?? NO_BYTES);
}
