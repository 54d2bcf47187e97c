/** Messages of `records.proto`. */
import { bytes, defineNoun, enumeration, envelope, list, message, type NounSchema, oneof, text, uint32, uint64 } from './schema.ts';

const KINDS = [0, 1, 2, 3, 4, 5];

/** Records, their bodies, and the frames that carry them. */
export const recordsSchema: NounSchema = defineNoun({
  messages: {
    Record: {
      version: uint32(1),
      kind: enumeration(2, KINDS),
      index: uint32(3),
      instance: uint64(4),
      sequence: uint64(5),
      wallclockMs: uint64(6),
      ttlMs: uint64(7),
      contact: oneof('body', message(8, 'ContactRecord')),
      snapshotHashes: oneof('body', message(9, 'SnapshotHashesRecord')),
      ledgerRange: oneof('body', message(10, 'LedgerRangeRecord')),
      health: oneof('body', message(11, 'HealthRecord')),
      nodeVersion: oneof('body', message(12, 'VersionRecord')),
    },
    ContactRecord: {
      addresses: list(message(1, 'Address')),
      roles: uint32(2),
      region: text(3),
      capabilities: list(text(4)),
      via: list(bytes(5)),
      overlayRole: enumeration(6, [0, 1, 2, 3]),
    },
    SnapshotHash: { slot: uint64(1), hash: bytes(2) },
    SnapshotHashesRecord: { full: message(1, 'SnapshotHash'), incremental: list(message(2, 'SnapshotHash')) },
    LedgerRangeRecord: { firstSlot: uint64(1), lastSlot: uint64(2) },
    HealthRecord: { sessions: uint32(1), loadPermille: uint32(2), syncSlot: uint64(3), uptimeMs: uint64(4) },
    VersionRecord: { implementation: text(1), version: text(2), specRevision: text(3) },
    RecordLabel: { origin: bytes(1, 32), kind: enumeration(2, KINDS), index: uint32(3) },
    RecordPush: { records: list(envelope(1), 1, 32) },
    RecordRequest: { labels: list(message(1, 'RecordLabel'), 1, 32) },
    RecordReply: { records: list(envelope(1), 0, 32) },
  },
  payloads: { record: 'Record' },
});
