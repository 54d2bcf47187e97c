/** The transactions that a block may still take, by account and nonce, within count and bytes. Spec: MEM-012 to MEM-022 */
import type { Params } from '../params.ts';
import type { ErrorName, MessageId, MonoMs, PeerId, WallMs } from '../types.ts';
import { isDearer, type Priced, PriceHeap } from './price.ts';

/** A transaction in the pool. */
export interface PoolEntry extends Priced {
  readonly account: PeerId;
  readonly nonce: bigint;
  readonly validUntilSlot: bigint;
  readonly createdMs: WallMs;
  /** When it was judged, which is when it was accepted once it is here. */
  readonly acceptedMs: MonoMs;
  readonly envelope: Uint8Array;
}

/** A transaction before it is in the pool; `spends` is fee and amount together. */
export interface Candidate extends PoolEntry {
  readonly spends: bigint;
}

/** What the ledger says at the moment of judging. */
export interface LedgerMoment {
  readonly slot: bigint;
  readonly nonce: bigint;
  readonly balance: bigint;
}

/** What becomes of a candidate: the entries that leave for it, or the rule that keeps it out. */
export type Admission =
  | { readonly ok: true; readonly replaced: PoolEntry | undefined; readonly evicted: readonly PoolEntry[] }
  | { readonly ok: false; readonly code: ErrorName; readonly clause: string };

function refuse(code: ErrorName, clause: string): Admission {
  return { ok: false, code, clause };
}

/** Invariants: an account in the map has entries; `#ids` and the accounts hold the same entries; `#bytes` is the sum of their envelopes. */
export class Pool {
  readonly #params: Params;
  readonly #accounts = new Map<PeerId, Map<bigint, PoolEntry>>();
  readonly #ids = new Map<MessageId, PoolEntry>();
  /** Every account's last entry, and entries that were one and are not any more, which are passed over. */
  readonly #lasts = new PriceHeap<PoolEntry>('cheapest');
  #bytes = 0;

  constructor(params: Params) {
    this.#params = params;
  }

  get count(): number {
    return this.#ids.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get accounts(): ReadonlyMap<PeerId, ReadonlyMap<bigint, PoolEntry>> {
    return this.#accounts;
  }

  get(id: MessageId): PoolEntry | undefined {
    return this.#ids.get(id);
  }

  /** All entries in the order of their ids. */
  entries(): readonly PoolEntry[] {
    return [...this.#ids.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Judges a candidate and takes it in if nothing speaks against it. Spec: MEM-010 to MEM-017, MEM-020, MEM-021 */
  admit(candidate: Candidate, { slot, nonce, balance }: LedgerMoment): Admission {
    const params = this.#params;
    if (candidate.validUntilSlot < slot) return refuse('E_EXPIRED', 'MEM-010');
    if (candidate.validUntilSlot > slot + BigInt(params['mempool.valid_slots_max'])) return refuse('E_EXPIRED', 'MEM-011');
    if (candidate.nonce < nonce) return refuse('E_NONCE', 'MEM-012');
    if (candidate.nonce >= nonce + BigInt(params['mempool.account_max'])) return refuse('E_NONCE', 'MEM-013');
    if (candidate.spends > balance) return refuse('E_BALANCE', 'MEM-014');
    const replaced = this.#accounts.get(candidate.account)?.get(candidate.nonce);
    if (replaced !== undefined && !this.#mayReplace(candidate, replaced)) return refuse('E_UNDERPRICED', 'MEM-015');
    const evicted = this.#makeRoom(candidate, replaced);
    if (evicted === undefined) return refuse('E_POOL_FULL', 'MEM-016');
    if (replaced !== undefined) this.remove(replaced);
    for (const entry of evicted) this.remove(entry);
    this.#add(candidate);
    return { ok: true, replaced, evicted };
  }

  /** Takes an entry out, if it is there. */
  remove(entry: PoolEntry): void {
    if (this.#ids.get(entry.id) !== entry) return;
    this.#ids.delete(entry.id);
    this.#bytes -= entry.bytes;
    const account = this.#accounts.get(entry.account);
    account?.delete(entry.nonce);
    if (account?.size === 0) this.#accounts.delete(entry.account);
    const last = this.#lastOf(entry.account);
    if (last !== undefined && last.nonce < entry.nonce) this.#note(last);
  }

  #mayReplace(candidate: PoolEntry, old: PoolEntry): boolean {
    const percent = 100n + BigInt(this.#params['mempool.replace_percent']);
    return candidate.fee > old.fee && 100n * candidate.fee >= percent * old.fee;
  }

  /** The entries that have to leave for the candidate, or undefined when there is no room to be made. */
  #makeRoom(candidate: PoolEntry, replaced: PoolEntry | undefined): readonly PoolEntry[] | undefined {
    const { 'mempool.count_max': countMax, 'mempool.bytes_max': bytesMax } = this.#params;
    let count = this.#ids.size + 1 - (replaced === undefined ? 0 : 1);
    let bytes = this.#bytes + candidate.bytes - (replaced?.bytes ?? 0);
    const evicted: PoolEntry[] = [];
    const aside: PoolEntry[] = [];
    while (count > countMax || bytes > bytesMax) {
      const cheapest = this.#popLast(evicted);
      if (cheapest === undefined) break;
      aside.push(cheapest);
      if (cheapest.account === candidate.account) continue;
      if (!isDearer(candidate, cheapest)) break;
      evicted.push(cheapest);
      count -= 1;
      bytes -= cheapest.bytes;
      const next = this.#before(cheapest);
      if (next !== undefined) this.#lasts.push(next);
    }
    // Whether they leave is decided when all is known; until then each is a last entry as before.
    for (const entry of aside) this.#lasts.push(entry);
    return count > countMax || bytes > bytesMax ? undefined : evicted;
  }

  /** The cheapest entry that is its account's last when `gone` have left. */
  #popLast(gone: readonly PoolEntry[]): PoolEntry | undefined {
    for (let entry = this.#lasts.pop(); entry !== undefined; entry = this.#lasts.pop()) {
      if (this.#ids.get(entry.id) === entry && !gone.includes(entry) && this.#isLast(entry, gone)) return entry;
    }
    return undefined;
  }

  #isLast(entry: PoolEntry, gone: readonly PoolEntry[]): boolean {
    for (const other of this.#accounts.get(entry.account)?.values() ?? []) {
      if (other.nonce > entry.nonce && !gone.includes(other)) return false;
    }
    return true;
  }

  #before(entry: PoolEntry): PoolEntry | undefined {
    let before: PoolEntry | undefined;
    for (const other of this.#accounts.get(entry.account)?.values() ?? []) {
      if (other.nonce < entry.nonce && (before === undefined || other.nonce > before.nonce)) before = other;
    }
    return before;
  }

  #lastOf(account: PeerId): PoolEntry | undefined {
    let last: PoolEntry | undefined;
    for (const entry of this.#accounts.get(account)?.values() ?? []) {
      if (last === undefined || entry.nonce > last.nonce) last = entry;
    }
    return last;
  }

  #add(entry: PoolEntry): void {
    let account = this.#accounts.get(entry.account);
    if (account === undefined) {
      account = new Map();
      this.#accounts.set(entry.account, account);
    }
    account.set(entry.nonce, entry);
    this.#ids.set(entry.id, entry);
    this.#bytes += entry.bytes;
    if (this.#lastOf(entry.account) === entry) this.#note(entry);
  }

  /** An entry has become its account's last; what is passed over anyway does not pile up. */
  #note(entry: PoolEntry): void {
    this.#lasts.push(entry);
    if (this.#lasts.size > 4 * this.#ids.size + 64) {
      const seen = new Set<MessageId>();
      this.#lasts.filter((item) => {
        const stays = this.#ids.get(item.id) === item && !seen.has(item.id) && this.#lastOf(item.account) === item;
        seen.add(item.id);
        return stays;
      });
    }
  }
}
