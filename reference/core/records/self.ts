/** What a node says of itself: contact, health and version records, and those that its application sets. Spec: REC-040 to REC-052 */
import { create } from '@bufbuild/protobuf';
import {
  ContactRecordSchema,
  HealthRecordSchema,
  LedgerRangeRecordSchema,
  type OverlayRole,
  SnapshotHashesRecordSchema,
  VersionRecordSchema,
} from '../../../proto/gen/carillon/v1/records_pb.ts';
import { fromHex } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { MonoMs, Now, PeerId } from '../types.ts';
import { decodeStrict } from '../wire/strict.ts';
import { announce, hold } from './accepting.ts';
import { formFault } from './form.ts';
import type { BodySource } from './own.ts';
import {
  comparePrecedence,
  KIND_CONTACT,
  KIND_HEALTH,
  KIND_LEDGER_RANGE,
  KIND_SNAPSHOT_HASHES,
  KIND_VERSION,
  type RecordPayload,
} from './record.ts';
import type { RecordsState } from './state.ts';

/** What the version record says of this program when nobody says otherwise. */
const IMPLEMENTATION = { name: 'carillon-reference', version: '0.1' };
const SPEC_REVISION = '0.1';

/** Begins to publish: the labels that every node has. */
export function start(state: RecordsState, now: Now): void {
  state.startedMs = now.monoMs;
  const { own } = state;
  own.begin(now);
  own.set(KIND_CONTACT, 0, () => contactBody(state), now);
  own.set(KIND_HEALTH, 0, ({ monoMs }) => healthBody(state, monoMs), now);
  own.set(KIND_VERSION, 0, () => versionBody(state), now);
}

/** Says anew where the node is to be found; what was not begun yet is said then. Spec: REC-046 */
export function contactChanged(state: RecordsState, now: Now): void {
  if (state.own.has(KIND_CONTACT, 0)) state.own.set(KIND_CONTACT, 0, () => contactBody(state), now);
}

function contactBody(state: RecordsState): RecordPayload['body'] {
  const { listenAddresses, roles, capabilities, region = '', overlayPlace } = state.options;
  const place = overlayPlace?.() ?? { role: 0, via: [] };
  const value = create(ContactRecordSchema, {
    addresses: [...listenAddresses],
    roles,
    region,
    capabilities: [...capabilities],
    via: place.via.slice(0, 3).map(bytesOf),
    overlayRole: place.role as OverlayRole,
  });
  return { case: 'contact', value };
}

function bytesOf(peer: PeerId): Uint8Array<ArrayBuffer> {
  const bytes = fromHex(peer);
  invariant(bytes !== undefined, 'a PeerId is hexadecimal');
  return Uint8Array.from(bytes);
}

function healthBody(state: RecordsState, nowMs: MonoMs): RecordPayload['body'] {
  const sessions = state.sessions.size;
  const loadPermille = Math.min(1000, Math.floor((1000 * sessions) / state.options.params['session.sessions_max']));
  const uptimeMs = BigInt(Math.floor(nowMs - (state.startedMs ?? nowMs)));
  return { case: 'health', value: create(HealthRecordSchema, { sessions, loadPermille, uptimeMs }) };
}

function versionBody(state: RecordsState): RecordPayload['body'] {
  const { name, version } = state.options.implementation ?? IMPLEMENTATION;
  return { case: 'nodeVersion', value: create(VersionRecordSchema, { implementation: name, version, specRevision: SPEC_REVISION }) };
}

/** Has the node say something of its ledger, or say it no more; false when no record can say that. */
export function setOwn(state: RecordsState, kind: number, index: number, bytes: Uint8Array, now: Now): boolean {
  if (bytes.length === 0) return state.own.clear(kind, index);
  const body = bodyOf(kind, bytes);
  if (body === undefined) return false;
  const labelsMax = state.options.params['records.labels_max'];
  // Health and version are among them; the contact record has room of its own (REC-025).
  if (!state.own.has(kind, index) && state.own.size - 1 >= labelsMax) return false;
  if (formFault({ kind, index, instance: 0n, wallclockMs: 0n, body } as RecordPayload) !== undefined) return false;
  const source: BodySource = () => body;
  state.own.set(kind, index, source, now);
  return true;
}

function bodyOf(kind: number, bytes: Uint8Array): RecordPayload['body'] | undefined {
  if (kind === KIND_SNAPSHOT_HASHES) {
    const value = decodeStrict(SnapshotHashesRecordSchema, bytes);
    return value === undefined ? undefined : { case: 'snapshotHashes', value };
  }
  if (kind !== KIND_LEDGER_RANGE) return undefined;
  const value = decodeStrict(LedgerRangeRecordSchema, bytes);
  return value === undefined ? undefined : { case: 'ledgerRange', value };
}

/** Publishes what is due, and takes up publishing when the winner is gone. */
export function publishDue(state: RecordsState, now: Now): void {
  const resumesMs = resumeMs(state);
  if (resumesMs !== undefined && resumesMs <= state.wallMs) state.own.begin(now);
  for (const record of state.own.makeDue(now)) {
    const held = hold(state, record);
    if (held === undefined) continue;
    announce(state, held, undefined, now.monoMs);
  }
}

/** The first millisecond of the wall clock at which a superseded node may publish again; undefined while it need not ask. Spec: REC-052 */
export function resumeMs(state: RecordsState): bigint | undefined {
  const { own, table, options } = state;
  if (own.winner === undefined) return undefined;
  let newest = own.winner;
  let last = newest.instance;
  for (const record of table.ofOrigin(options.self, state.wallMs)) {
    if (record.isMade) continue;
    if (comparePrecedence(newest, record.payload) < 0) newest = record.payload;
    if (record.lastMs > last) last = record.lastMs;
  }
  return last + 1n;
}
