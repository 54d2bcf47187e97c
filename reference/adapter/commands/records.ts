/** Commands of the records. Spec: chapter 06, chapter 23 "Commands" */
import { copyBytes, toHex } from '../../core/bytes.ts';
import type { ListedRecord, RecordsNotice, RecordsOutcome, RecordsRequest } from '../../core/records/contract.ts';
import type { PeerId } from '../../core/types.ts';
import { type Arguments, u64 } from '../arguments.ts';
import { defineCommands, idBytes, type NamedCommands } from './table.ts';

const KIND_MAX = 5;
const UINT32_MAX = 2 ** 32 - 1;

function peerOf(args: Arguments, index: number): PeerId {
  return toHex(args.bytes(index, 32)) as PeerId;
}

/** Origin, kind, index, instance, sequence, wallclock_ms. */
function listedValues({ origin, kind, index, instance, sequence, wallclockMs }: ListedRecord): readonly Uint8Array[] {
  return [idBytes(origin), u64(kind), u64(index), u64(instance), u64(sequence), u64(wallclockMs)];
}

export const recordsCommands: NamedCommands = defineCommands<RecordsRequest, RecordsOutcome, RecordsNotice>({
  requests: {
    'records.set': (args) => ({
      type: 'records.set',
      kind: args.number(0, KIND_MAX),
      index: args.number(1, UINT32_MAX),
      body: copyBytes(args.bytes(2)),
    }),
    'records.get': (args) => ({
      type: 'records.get',
      peer: peerOf(args, 0),
      kind: args.number(1, KIND_MAX),
      index: args.number(2, UINT32_MAX),
    }),
    'records.list': () => ({ type: 'records.list' }),
    'records.fetch': (args) => ({ type: 'records.fetch', peer: peerOf(args, 0) }),
  },
  outcomes: {
    'records.set': ({ error }) => (error === undefined ? { values: [] } : { error }),
    'records.get': ({ envelope }) => ({ values: envelope === undefined ? [] : [envelope] }),
    'records.list': ({ records }) => ({ values: records.flatMap(listedValues) }),
    'records.fetch': ({ accepted }) => ({ values: [u64(accepted)] }),
  },
  notices: {
    'records.accepted': listedValues,
    'records.superseded': ({ instance, sequence }) => [u64(instance), u64(sequence)],
  },
});
