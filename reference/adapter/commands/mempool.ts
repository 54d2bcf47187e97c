/** Commands of the mempool. Spec: MEM-022 to MEM-025, chapter 23 "Commands" */

import { encodeUtf8 } from '../../core/bytes.ts';
import type { MempoolNotice, MempoolOutcome, MempoolRequest } from '../../core/mempool/contract.ts';
import { defineCommands, idBytes, type NamedCommands } from './table.ts';

const LIST_MAX = 100_000;

export const mempoolCommands: NamedCommands = defineCommands<MempoolRequest, MempoolOutcome, MempoolNotice>({
  requests: {
    'mempool.submit': (args) => ({ type: 'mempool.submit', envelope: args.bytes(0) }),
    'mempool.list': (args) => ({ type: 'mempool.list', countMax: args.number(0, LIST_MAX) }),
  },
  outcomes: {
    'mempool.accepted': ({ id }) => ({ values: [idBytes(id)] }),
    'mempool.refused': ({ code }) => ({ error: code }),
    'mempool.listed': ({ ids }) => ({ values: ids.map(idBytes) }),
  },
  notices: {
    'mempool.dropped': ({ id, code }) => [idBytes(id), encodeUtf8(code)],
  },
});
