/** The functions `mempool.…` of chapter 23. */
import { readU64be, u64be, utf8 } from './bytes.ts';
import { PoolModel, type PoolTransaction } from './mempool.ts';

type Args = readonly Uint8Array[];

/** Bytes of one transaction in the notation of chapter 23: account, id, then five u64. */
const TRANSACTION_BYTES = 32 + 32 + 5 * 8;

function readTransactions(args: Args): readonly PoolTransaction[] | undefined {
  if (args.some((arg) => arg.length !== TRANSACTION_BYTES)) return undefined;
  return args.map((arg) => {
    const number = (index: number): bigint => readU64be(arg.subarray(64 + 8 * index, 72 + 8 * index));
    return {
      account: arg.subarray(0, 32),
      id: arg.subarray(32, 64),
      nonce: number(0),
      fee: number(1),
      spends: number(2),
      validUntilSlot: number(3),
      bytes: number(4),
    };
  });
}

/** Offers transactions one after another to an empty pool of preset `conformance`; undefined for wrong arguments. */
function offerAll(args: Args): { readonly pool: PoolModel; readonly rulings: readonly { code: string; clause: string }[] } | undefined {
  const [slot, nonce, balance, ...rest] = args;
  const transactions = readTransactions(rest);
  if (transactions === undefined || [slot, nonce, balance].some((arg) => arg?.length !== 8)) return undefined;
  const read = (arg: Uint8Array | undefined): bigint => readU64be(arg ?? new Uint8Array(8));
  const bounds = { countMax: 16n, bytesMax: 65_536n, accountMax: 8n, replacePercent: 10n, validSlotsMax: 4_096n };
  const pool = new PoolModel(bounds, () => ({ nonce: read(nonce), balance: read(balance) }));
  return { pool, rulings: transactions.map((transaction) => pool.offer(transaction, read(slot))) };
}

/** One code for each transaction, empty for those that are taken. */
export function evaluateAdmit(args: Args): { readonly values: readonly Uint8Array[]; readonly clause: string } | undefined {
  const offered = offerAll(args);
  if (offered === undefined) return undefined;
  return { values: offered.rulings.map(({ code }) => utf8(code)), clause: offered.rulings.at(-1)?.clause ?? 'MEM-017' };
}

/** Ids of the ready transactions in the order of MEM-023. */
export function evaluateOrder(args: Args): { readonly values: readonly Uint8Array[]; readonly clause: string } | undefined {
  const offered = offerAll(args);
  return offered && { values: offered.pool.order().map(({ id }) => id), clause: 'MEM-023' };
}

/** A transaction in the notation of chapter 23. */
export function writeTransaction(transaction: PoolTransaction): Uint8Array {
  const { account, id, nonce, fee, spends, validUntilSlot, bytes } = transaction;
  return Uint8Array.from([account, id, ...[nonce, fee, spends, validUntilSlot, bytes].map(u64be)].flatMap((part) => [...part]));
}
