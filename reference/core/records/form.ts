/** What no record can say, though it may be strictly encoded. Spec: REC-012 to REC-019 */
import type {
  ContactRecord,
  HealthRecord,
  LedgerRangeRecord,
  Record as RecordPayload,
  SnapshotHashesRecord,
  VersionRecord,
} from '../../../proto/gen/carillon/v1/records_pb.ts';
import { toHex } from '../bytes.ts';
import type { ClauseId } from '../types.ts';
import { areCapabilitiesInOrder, isAddressInOrder } from '../wire/claims.ts';
import { KIND_CONTACT, KIND_HEALTH, KIND_LEDGER_RANGE, KIND_SNAPSHOT_HASHES, KIND_VERSION } from './record.ts';

/** Indexes of snapshot-hashes and ledger-range records go up to this. */
const INDEX_MAX = 15;
const ADDRESSES_MAX = 8;
const CAPABILITIES_MAX = 32;
const VIA_MAX = 3;
const INCREMENTAL_MAX = 16;
const LOAD_PERMILLE_MAX = 1000;
const HASH_BYTES = 32;
const REGION_FORM = /^[a-z0-9-]{0,16}$/;
const VERSION_FORM = /^[\x20-\x7e]{1,32}$/;

/** The member of the body that each kind names. */
const MEMBERS: Readonly<Record<number, RecordPayload['body']['case']>> = {
  [KIND_CONTACT]: 'contact',
  [KIND_SNAPSHOT_HASHES]: 'snapshotHashes',
  [KIND_LEDGER_RANGE]: 'ledgerRange',
  [KIND_HEALTH]: 'health',
  [KIND_VERSION]: 'nodeVersion',
};

/** The first clause that a record breaks, or undefined. */
export function formFault(record: RecordPayload): ClauseId | undefined {
  const { body } = record;
  if (body.case === undefined || body.case !== MEMBERS[record.kind]) return 'REC-012';
  if (record.index > indexMax(record.kind)) return 'REC-013';
  if (record.instance > record.wallclockMs) return 'REC-014';
  switch (body.case) {
    case 'contact':
      return isContactInOrder(body.value) ? undefined : 'REC-015';
    case 'snapshotHashes':
      return areSnapshotsInOrder(body.value) ? undefined : 'REC-016';
    case 'ledgerRange':
      return isRangeInOrder(body.value) ? undefined : 'REC-017';
    case 'health':
      return isHealthInOrder(body.value) ? undefined : 'REC-018';
    case 'nodeVersion':
      return isVersionInOrder(body.value) ? undefined : 'REC-019';
  }
}

/** The largest index of a kind. Spec: REC-013 */
function indexMax(kind: number): number {
  return kind === KIND_SNAPSHOT_HASHES || kind === KIND_LEDGER_RANGE ? INDEX_MAX : 0;
}

function isContactInOrder(contact: ContactRecord): boolean {
  const { addresses, region, capabilities, via } = contact;
  return (
    addresses.length <= ADDRESSES_MAX &&
    addresses.every(isAddressInOrder) &&
    REGION_FORM.test(region) &&
    areCapabilitiesInOrder(capabilities, CAPABILITIES_MAX) &&
    via.length <= VIA_MAX &&
    via.every((peer) => peer.length === HASH_BYTES) &&
    new Set(via.map(toHex)).size === via.length
  );
}

function areSnapshotsInOrder({ full, incremental }: SnapshotHashesRecord): boolean {
  if (full === undefined || incremental.length > INCREMENTAL_MAX) return false;
  let slot = full.slot;
  if (full.hash.length !== HASH_BYTES) return false;
  for (const snapshot of incremental) {
    if (snapshot.hash.length !== HASH_BYTES || snapshot.slot <= slot) return false;
    slot = snapshot.slot;
  }
  return true;
}

function isRangeInOrder({ firstSlot, lastSlot }: LedgerRangeRecord): boolean {
  return firstSlot <= lastSlot;
}

function isHealthInOrder({ loadPermille }: HealthRecord): boolean {
  return loadPermille <= LOAD_PERMILLE_MAX;
}

function isVersionInOrder({ implementation, version, specRevision }: VersionRecord): boolean {
  return [implementation, version, specRevision].every((text) => VERSION_FORM.test(text));
}
