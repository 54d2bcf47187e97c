/** The mempool of chapter 05: a list, gone through anew for each question. Spec: MEM-001 to MEM-031 */
import { compare } from './bytes.ts';
import { type Judged, judgeSignature, judgeUnsigned, readEnvelope } from './envelope.ts';
import { allBytes, lastNumber, readFields } from './protobuf.ts';

/** A transaction as the pool sees it; `bytes` is the length of its envelope, `spends` fee and amount together. */
export interface PoolTransaction {
  readonly id: Uint8Array;
  readonly account: Uint8Array;
  readonly nonce: bigint;
  readonly fee: bigint;
  readonly spends: bigint;
  readonly validUntilSlot: bigint;
  readonly bytes: bigint;
}

/** The bounds of chapter 19 that the rules name. */
export interface PoolBounds {
  readonly countMax: bigint;
  readonly bytesMax: bigint;
  readonly accountMax: bigint;
  readonly replacePercent: bigint;
  readonly validSlotsMax: bigint;
}

/** What the ledger says of an account. */
export interface AccountState {
  readonly nonce: bigint;
  readonly balance: bigint;
}

/** Why a transaction is not taken; empty strings when it is. */
export interface Ruling {
  readonly code: string;
  readonly clause: string;
}

const TAKEN: Ruling = { code: '', clause: 'MEM-017' };

/** Whether a has more fee per byte than b, or at the same price the smaller id. */
export function isDearer(a: PoolTransaction, b: PoolTransaction): boolean {
  const [left, right] = [a.fee * b.bytes, b.fee * a.bytes];
  return left === right ? compare(a.id, b.id) < 0 : left > right;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return compare(a, b) === 0;
}

/** A pool and what is taken out of it, in the words of the chapter. */
export class PoolModel {
  readonly #bounds: PoolBounds;
  readonly #accountOf: (account: Uint8Array) => AccountState;
  #held: readonly PoolTransaction[] = [];

  constructor(bounds: PoolBounds, accountOf: (account: Uint8Array) => AccountState) {
    this.#bounds = bounds;
    this.#accountOf = accountOf;
  }

  get held(): readonly PoolTransaction[] {
    return this.#held;
  }

  /** MEM-010 to MEM-017, then MEM-020 and the making of room. */
  offer(newcomer: PoolTransaction, slot: bigint): Ruling {
    const { accountMax, validSlotsMax, replacePercent } = this.#bounds;
    const account = this.#accountOf(newcomer.account);
    if (newcomer.validUntilSlot < slot) return { code: 'E_EXPIRED', clause: 'MEM-010' };
    if (newcomer.validUntilSlot - slot > validSlotsMax) return { code: 'E_EXPIRED', clause: 'MEM-011' };
    if (newcomer.nonce < account.nonce) return { code: 'E_NONCE', clause: 'MEM-012' };
    if (newcomer.nonce - account.nonce >= accountMax) return { code: 'E_NONCE', clause: 'MEM-013' };
    if (newcomer.spends > account.balance) return { code: 'E_BALANCE', clause: 'MEM-014' };
    const old = this.#held.find((other) => same(other.account, newcomer.account) && other.nonce === newcomer.nonce);
    if (old !== undefined && (newcomer.fee <= old.fee || 100n * newcomer.fee < (100n + replacePercent) * old.fee)) {
      return { code: 'E_UNDERPRICED', clause: 'MEM-015' };
    }
    const left = this.#withRoomFor(newcomer, old);
    if (left === undefined) return { code: 'E_POOL_FULL', clause: 'MEM-016' };
    this.#held = [...left, newcomer];
    return TAKEN;
  }

  /** What stays when room is made; undefined when there is none to be made. */
  #withRoomFor(newcomer: PoolTransaction, old: PoolTransaction | undefined): readonly PoolTransaction[] | undefined {
    let left = this.#held.filter((held) => held !== old);
    while (!this.#fits([...left, newcomer])) {
      const lasts = left.filter(
        (one) => !same(one.account, newcomer.account) && !left.some((other) => same(other.account, one.account) && other.nonce > one.nonce),
      );
      const [first, ...rest] = lasts;
      if (first === undefined) return undefined;
      const cheapest = rest.reduce((cheap, one) => (isDearer(cheap, one) ? one : cheap), first);
      if (!isDearer(newcomer, cheapest)) return undefined;
      left = left.filter((one) => one !== cheapest);
    }
    return left;
  }

  #fits(all: readonly PoolTransaction[]): boolean {
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0n);
    return BigInt(all.length) <= this.#bounds.countMax && bytes <= this.#bounds.bytesMax;
  }

  /** Spec: MEM-022 */
  beginSlot(slot: bigint): void {
    this.#held = this.#held.filter((one) => one.validUntilSlot >= slot && one.nonce >= this.#accountOf(one.account).nonce);
  }

  /** Spec: MEM-023, MEM-024 */
  order(): readonly PoolTransaction[] {
    const ordered: PoolTransaction[] = [];
    for (;;) {
      const heads = this.#held.filter((one) => {
        const given = ordered.filter((other) => same(other.account, one.account)).length;
        return one.nonce === this.#accountOf(one.account).nonce + BigInt(given);
      });
      const [first, ...rest] = heads.filter((one) => !ordered.includes(one));
      if (first === undefined) return ordered;
      ordered.push(rest.reduce((best, one) => (isDearer(one, best) ? one : best), first));
    }
  }
}

/** A transaction read from an envelope that is in order, or undefined. */
export function readTransaction(
  envelope: Uint8Array,
):
  | { readonly createdMs: bigint; readonly nonce: bigint; readonly fee: bigint; readonly spends: bigint; readonly validUntilSlot: bigint }
  | undefined {
  const payload = readEnvelope(envelope)?.payload;
  const fields = payload === undefined ? undefined : readFields(payload).fields;
  if (fields === undefined) return undefined;
  const transfer = allBytes(fields, 6).at(-1);
  const amount = transfer === undefined ? 0n : lastNumber(readFields(transfer).fields ?? [], 2);
  const fee = lastNumber(fields, 5);
  return {
    createdMs: lastNumber(fields, 2),
    nonce: lastNumber(fields, 3),
    validUntilSlot: lastNumber(fields, 4),
    fee,
    spends: fee + amount,
  };
}

/** Whether a transaction has a body, and a transfer an account to go to. Spec: MEM-003 */
function hasBody(envelope: Uint8Array): boolean {
  const payload = readEnvelope(envelope)?.payload ?? new Uint8Array();
  const fields = readFields(payload).fields ?? [];
  const [transfer] = allBytes(fields, 6);
  if (transfer === undefined) return allBytes(fields, 7).length > 0;
  return allBytes(readFields(transfer).fields ?? [], 1).at(-1)?.length === 32;
}

/** What a transaction's verdict needs. */
export interface TransactionBounds {
  readonly transactionBytesMax: number;
  readonly hopsMax: number;
  readonly pastMsMax: bigint;
  readonly futureMsMax: bigint;
}

/** The verdict on an item of topic `tx` before memory, ledger and pool are asked. Spec: MEM-001 to MEM-003 */
export function judgeTransaction(
  networkId: Uint8Array,
  wallMs: bigint,
  hops: bigint,
  envelope: Uint8Array,
  bounds: TransactionBounds,
): Judged {
  if (envelope.length > 32_768) return { verdict: 'reject', code: 'E_SIZE', clause: 'GSP-010' };
  if (envelope.length > bounds.transactionBytesMax) return { verdict: 'reject', code: 'E_SIZE', clause: 'MEM-002' };
  if (hops > BigInt(bounds.hopsMax)) return { verdict: 'ignore', code: 'E_STRUCTURE', clause: 'GSP-011' };
  const structure = judgeUnsigned('transaction', envelope);
  if (structure.verdict !== 'accept') return { ...structure, clause: 'MEM-001' };
  if (!hasBody(envelope)) return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'MEM-003' };
  const transaction = readTransaction(envelope);
  if (transaction === undefined) throw new Error('a payload that passed IDN-040 can be read');
  if (transaction.createdMs < wallMs - bounds.pastMsMax) return { verdict: 'ignore', code: 'E_TIME', clause: 'GSP-016' };
  if (transaction.createdMs > wallMs + bounds.futureMsMax) return { verdict: 'ignore', code: 'E_TIME', clause: 'GSP-017' };
  const signature = judgeSignature(networkId, envelope);
  return signature.verdict === 'accept' ? signature : { ...signature, clause: 'GSP-018' };
}
