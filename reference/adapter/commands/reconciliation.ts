/** Notices of reconciliation; there is nothing to ask for. Spec: chapter 07, chapter 23 "Commands" */
import { encodeUtf8 } from '../../core/bytes.ts';
import type { ReconciliationNotice } from '../../core/reconciliation/contract.ts';
import { u64 } from '../arguments.ts';
import { defineCommands, idBytes, type NamedCommands } from './table.ts';

export const reconciliationCommands: NamedCommands = defineCommands<never, never, ReconciliationNotice>({
  requests: {},
  outcomes: {},
  notices: {
    'reconciliation.done': ({ set, peer, items }) => [encodeUtf8(set), idBytes(peer), u64(items)],
  },
});
