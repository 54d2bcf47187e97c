/** Words from which the plans of chapter 06 are put together: sessions with records, records by labelled identities, questions. */
import type { EnvelopeDefect, Label, SealedSpec, Step, Value, ValueFields } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import { makeEnvelope } from '../model/envelope.ts';
import { makeRecord } from '../model/records.ts';

/** A session that has nothing but records, so that nothing else is heard on it. */
export function recordsSession(link: number, peer: Label = `p${link}`): Step {
  return { op: 'open', link, peer, mode: 'session', capabilities: ['records/1'] };
}

/** Sessions `from` … `to - 1`, each with the peer `p<link>`. */
export function recordsSessions(from: number, to: number): Step[] {
  return Array.from({ length: to - from }, (_, index) => recordsSession(from + index));
}

/** What a record says besides its body. Times are milliseconds before the node's wall clock at the step. */
export interface RecordOptions {
  readonly by?: Label;
  readonly index?: number;
  /** Before `wallclock_ms`. */
  readonly startedMs?: number;
  readonly sequence?: number | string;
  readonly ageMs?: number;
  readonly ttlMs?: number | string;
  readonly defect?: EnvelopeDefect;
}

function sealed(name: string, kind: number, body: ValueFields, options: RecordOptions): SealedSpec {
  const { by = 'author', index = 0, startedMs = 60_000, sequence = 1, ageMs = 1_000, ttlMs = 3_600_000, defect } = options;
  return {
    context: 'record',
    by,
    message: 'Record',
    fields: { kind, index, instance: { wallMs: -ageMs - startedMs }, sequence, wallclockMs: { wallMs: -ageMs }, ttlMs, ...body },
    name,
    ...(defect === undefined ? {} : { defect }),
  };
}

/** A contact record in order, one second old; the name is its region, so that records with different names differ. */
export function contactRecord(name: string, options: RecordOptions = {}): SealedSpec {
  return sealed(name, 1, { contact: { roles: 1, region: name.slice(0, 16), capabilities: ['gossip/1', 'records/1'] } }, options);
}

export function snapshotRecord(name: string, full: number, incremental: readonly number[], options: RecordOptions = {}): SealedSpec {
  const snapshot = (slot: number): ValueFields => ({ slot, hash: { hash: [{ utf8: `snapshot ${slot}` }] } });
  return sealed(name, 2, { snapshotHashes: { full: snapshot(full), incremental: incremental.map(snapshot) } }, options);
}

export function rangeRecord(name: string, firstSlot: number, lastSlot: number, options: RecordOptions = {}): SealedSpec {
  return sealed(name, 3, { ledgerRange: { firstSlot, lastSlot } }, options);
}

export function healthRecord(name: string, sessions: number, options: RecordOptions = {}): SealedSpec {
  return sealed(name, 4, { health: { sessions, loadPermille: sessions } }, options);
}

export function versionRecord(name: string, options: RecordOptions = {}): SealedSpec {
  return sealed(name, 5, { nodeVersion: { implementation: 'kit', version: name.slice(0, 32), specRevision: '0.1' } }, options);
}

/** The same record with one defect. */
export function spoiltRecord(good: SealedSpec, defect: EnvelopeDefect): SealedSpec {
  return { ...good, defect };
}

/** A record whose payload says other things than it should, strictly encoded. */
export function bentRecord(good: SealedSpec, name: string, fields: ValueFields): SealedSpec {
  return { ...good, name, fields: { ...good.fields, ...fields } };
}

/** One RecordPush. */
export function pushRecords(link: number, ...records: readonly SealedSpec[]): Step {
  return { op: 'frames', link, frames: [messageFrame('RecordPush', { records: records.map((spec) => ({ sealed: spec })) })] };
}

/** A label in a question; kind 0 stands for all. */
export function labelOf(peer: Label, kind = 0, index = 0): Value {
  return { origin: { peerId: peer }, kind, index };
}

/** One RecordRequest. */
export function requestRecords(link: number, ...labels: readonly Value[]): Step {
  return { op: 'frames', link, frames: [messageFrame('RecordRequest', { labels })] };
}

/** A contact record whose envelope has exactly that many bytes, for wall clocks of this century. Throws a RangeError when none has. */
export function sizedRecord(name: string, bytes: number, options: { readonly by?: Label } = {}): SealedSpec {
  const hosts = (letters: number): readonly { readonly dns: string; readonly port: number }[] =>
    [200, 200, 150, letters].map((count) => ({ dns: 'd'.repeat(count), port: 1 }));
  const sizeWith = (letters: number): number => {
    const [wallclockMs, ttlMs] = [1_800_000_000_000n, 3_600_000];
    const payload = makeRecord({ kind: 1, instance: wallclockMs, sequence: 1, wallclockMs, ttlMs, contact: { addresses: hosts(letters) } });
    return makeEnvelope(new Uint8Array([1]), 'record', new Uint8Array(32).fill(1), payload).length;
  };
  const letters = 150 + bytes - sizeWith(150);
  if (sizeWith(letters) !== bytes) throw new RangeError(`no host makes a record of ${bytes} bytes`);
  const good = contactRecord(name, options);
  return { ...good, fields: { ...good.fields, contact: { addresses: hosts(letters) } } };
}
