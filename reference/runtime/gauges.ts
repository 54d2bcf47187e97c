/** Gauges of the chapters' machines, read from their views when somebody looks. */

import type { LocalNotice } from '../core/machine.ts';
import type { OverlayView } from '../core/overlay/view.ts';
import type { TopologyView } from '../core/topology/view.ts';
import type { Metrics } from './metrics.ts';

/** Numbers of the views that have no type of their own. */
interface Shown {
  readonly records: { readonly records: number; readonly origins: number };
  readonly dht: { readonly contacts: number; readonly networkSize: number; readonly stored: number; readonly lookups: number };
  readonly mempool: { readonly transactions: number; readonly bytes: number };
  readonly datagrams: { readonly questions: number };
}

/** Sets every gauge that a view gives; what is gone from a view counts 0. */
export function readGauges(metrics: Metrics, view: (name: string) => unknown): void {
  const shown = <Name extends keyof Shown>(name: Name): Shown[Name] => view(name) as Shown[Name];
  const { records, origins } = shown('records');
  metrics.set('records', records);
  metrics.set('recordOrigins', origins);
  const dht = shown('dht');
  metrics.set('networkSize', dht.networkSize);
  metrics.set('contacts', dht.contacts);
  metrics.set('stored', dht.stored);
  metrics.set('lookups', dht.lookups);
  const mempool = shown('mempool');
  metrics.set('transactions', mempool.transactions);
  metrics.set('transactionBytes', mempool.bytes);
  metrics.set('questions', shown('datagrams').questions);

  const topology = view('topology') as TopologyView;
  metrics.clear('members');
  const members = new Map<string, number>();
  for (const { role, region } of topology.sessions) {
    const key = `${role} ${region}`;
    members.set(key, (members.get(key) ?? 0) + 1);
  }
  for (const [key, count] of members) metrics.set('members', count, key.split(' '));
  metrics.set('candidates', topology.candidates);
  metrics.set('bans', topology.bans.length);

  const overlay = view('overlay') as OverlayView;
  metrics.clear('overlay');
  metrics.set('overlay', 1, [overlay.strategy, overlay.role]);
  metrics.set('leaves', overlay.leaves);
  metrics.set('attachments', overlay.attachments);
}

/** Counts what the application is told unasked, and the numbers in it. */
export function countNotice(metrics: Metrics, notice: LocalNotice): void {
  metrics.add('notices', [notice.type]);
  if (notice.type === 'reconciliation.done') metrics.add('reconciled', [notice.set], notice.items);
  else if (notice.type === 'topology.refused') metrics.add('refusedPeers', [notice.reason]);
}
