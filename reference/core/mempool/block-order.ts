/** In which order a block takes transactions. Spec: MEM-023, MEM-024 */
import type { PeerId } from '../types.ts';
import type { PoolEntry } from './pool.ts';
import { PriceHeap } from './price.ts';

/** The ready transactions of an account in the order of their nonces: none when the next one is missing. */
export function readyEntries(entries: ReadonlyMap<bigint, PoolEntry>, nextNonce: bigint): readonly PoolEntry[] {
  const ready: PoolEntry[] = [];
  for (let entry = entries.get(nextNonce); entry !== undefined; entry = entries.get(entry.nonce + 1n)) ready.push(entry);
  return ready;
}

/** At most `countMax` ready transactions: at each place the dearest of what the accounts have next. */
export function blockOrder(
  accounts: ReadonlyMap<PeerId, ReadonlyMap<bigint, PoolEntry>>,
  nextNonceOf: (account: PeerId) => bigint,
  countMax: number,
): readonly PoolEntry[] {
  const heads = new PriceHeap<PoolEntry>('dearest');
  for (const [account, entries] of accounts) {
    const head = entries.get(nextNonceOf(account));
    if (head !== undefined) heads.push(head);
  }
  const ordered: PoolEntry[] = [];
  while (ordered.length < countMax) {
    const head = heads.pop();
    if (head === undefined) break;
    ordered.push(head);
    const next = accounts.get(head.account)?.get(head.nonce + 1n);
    if (next !== undefined) heads.push(next);
  }
  return ordered;
}
