/** Records machines for tests: one node, others as keys, a clock that is moved by hand. */
import { create } from '@bufbuild/protobuf';
import {
  ContactRecordSchema,
  HealthRecordSchema,
  LedgerRangeRecordSchema,
  type RecordKind,
  type Record as RecordPayload,
  RecordSchema,
  VersionRecordSchema,
} from '../../../proto/gen/carillon/v1/records_pb.ts';
import { encodeUtf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { type Params, PRESETS } from '../params.ts';
import { createRng } from '../rng.ts';
import { CAPABILITY_RECORDS, type LinkId, type PeerId } from '../types.ts';
import { sealEnvelope } from '../wire/envelope.ts';
import { KIND_RECORD_PUSH } from '../wire/frame.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { decodeRecordPush, encodeRecordList } from '../wire/records-body.ts';
import { encodeStrict } from '../wire/strict.ts';
import { createRecords, type RecordsInput, type RecordsMachine, type RecordsOutput } from './machine.ts';

const crypto = portableCrypto;
export const NETWORK: Uint8Array = encodeUtf8('test');
export const WALL_START = 1_700_000_000_000;

/** A key by a number, with its PeerId. */
export function person(number: number): { readonly seed: Uint8Array; readonly peer: PeerId } {
  const seed = new Uint8Array(32).fill(number);
  return { seed, peer: derivePeerId(crypto, 1, crypto.ed25519PublicKey(seed)) };
}

export interface RecordFields {
  readonly kind?: number;
  readonly index?: number;
  readonly instance?: number;
  readonly sequence?: number;
  readonly wallclockMs?: number;
  readonly ttlMs?: number;
  readonly region?: string;
}

/** A record of a person: contact unless another kind is asked for. */
export function sealRecord(by: { readonly seed: Uint8Array }, fields: RecordFields = {}): Uint8Array {
  const {
    kind = 1,
    index = 0,
    sequence = 1,
    wallclockMs = WALL_START,
    instance = wallclockMs - 1000,
    ttlMs = 3_600_000,
    region = '',
  } = fields;
  const payload = create(RecordSchema, {
    version: 1,
    kind: kind as RecordKind,
    index,
    instance: BigInt(instance),
    sequence: BigInt(sequence),
    wallclockMs: BigInt(wallclockMs),
    ttlMs: BigInt(ttlMs),
    body: bodyOf(kind, region),
  });
  return sealEnvelope(crypto, NETWORK, 'record', by.seed, encodeStrict(RecordSchema, payload));
}

function bodyOf(kind: number, region: string): RecordPayload['body'] {
  if (kind === 1) return { case: 'contact', value: create(ContactRecordSchema, { region }) };
  if (kind === 3) return { case: 'ledgerRange', value: create(LedgerRangeRecordSchema, { lastSlot: 9n }) };
  if (kind === 4) return { case: 'health', value: create(HealthRecordSchema) };
  return { case: 'nodeVersion', value: create(VersionRecordSchema, { implementation: 'i', version: 'v', specRevision: 's' }) };
}

/** A machine under test with its clock. */
export interface Bench {
  readonly machine: RecordsMachine;
  readonly self: PeerId;
  nowMs: number;
  /** By how much somebody has set the wall clock. */
  setMs: number;
  send(input: RecordsInput): readonly RecordsOutput[];
  /** Lets time pass, firing timers, and gives all that came of it. */
  pass(ms: number): readonly RecordsOutput[];
  up(link: number, peer: PeerId, capabilities?: readonly string[]): readonly RecordsOutput[];
  push(link: number, ...records: readonly Uint8Array[]): readonly RecordsOutput[];
}

/** A records machine of person 1; stakes by PeerId. */
export function bench(overrides: Partial<Params> = {}, stakes: ReadonlyMap<PeerId, bigint> = new Map()): Bench {
  const { seed, peer } = person(1);
  const machine = createRecords({
    params: { ...PRESETS.conformance, ...overrides },
    crypto,
    rng: createRng(Uint8Array.of(7)),
    networkId: NETWORK,
    identitySeed: seed,
    self: peer,
    stakeOf: (origin) => stakes.get(origin) ?? 0n,
    roles: 1,
    listenAddresses: [],
    capabilities: ['gossip/1', 'records/1'],
  });
  const now = () => ({ monoMs: made.nowMs, wallMs: WALL_START + made.nowMs + made.setMs });
  const made: Bench = {
    machine,
    self: peer,
    nowMs: 0,
    setMs: 0,
    send: (input) => machine.handle(input, now()),
    pass(ms) {
      const outputs: RecordsOutput[] = [];
      const end = made.nowMs + ms;
      for (let due = machine.deadline(); due !== undefined && due <= end; due = machine.deadline()) {
        made.nowMs = Math.max(due, made.nowMs);
        outputs.push(...machine.handle({ type: 'tick' }, now()));
      }
      made.nowMs = end;
      return outputs;
    },
    up: (link, peerId, capabilities = [CAPABILITY_RECORDS]) =>
      made.send({
        type: 'sessionUp',
        link: link as LinkId,
        peer: peerId,
        publicKey: new Uint8Array(32),
        address: '',
        direction: 'inbound',
        capabilities: new Set(capabilities),
        roles: 1,
        listenAddresses: [],
      }),
    push: (link, ...records) =>
      made.send({ type: 'frame', link: link as LinkId, kind: KIND_RECORD_PUSH, requestId: 0, body: encodeRecordList({ records }) }),
  };
  return made;
}

/** The records that outputs push, with their links. */
export function pushes(outputs: readonly RecordsOutput[]): readonly { readonly link: number; readonly record: Uint8Array }[] {
  return outputs.flatMap((output) => {
    if (output.type !== 'sendFrame') return [];
    const body = decodeRecordPush(output.body);
    return body.ok ? body.value.records.map((record) => ({ link: output.link as number, record })) : [];
  });
}

/** Verdict and code of each envelope judged. */
export function verdicts(outputs: readonly RecordsOutput[]): readonly string[] {
  return outputs.flatMap((output) => (output.type === 'verdict' ? [`${output.verdict} ${output.code ?? ''}`.trim()] : []));
}
