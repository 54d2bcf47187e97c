/** Worked examples of chapter 06, computed by the model. */
import { makeEnvelope } from '../conformance/model/envelope.ts';
import { encodeFrame, frameNamed } from '../conformance/model/frame.ts';
import { encodeMessage, type MessageFields } from '../conformance/model/message.ts';
import { isNewer, judgeRecord, makeRecord } from '../conformance/model/records.ts';
import { ALICE, CREATED_MS, NETWORK } from './spec-example-bytes.ts';
import { dissect, fence, group, table } from './spec-example-form.ts';

const WALL = CREATED_MS;
const BODY: MessageFields = {
  addresses: [{ ip4: Uint8Array.of(198, 51, 100, 7), port: 7_600, transport: 1 }],
  roles: 1,
  region: 'eu-west',
  capabilities: ['gossip/1', 'records/1'],
};

function record(fields: MessageFields = {}): MessageFields {
  return { kind: 1, instance: WALL - 60_000n, sequence: 7, wallclockMs: WALL, ttlMs: 3_600_000, contact: BODY, ...fields };
}

function seal(fields: MessageFields): Uint8Array {
  return makeEnvelope(NETWORK, 'record', ALICE.seed, makeRecord(fields));
}

export function recordPushExample(): string {
  const envelope = seal(record());
  const payload = makeRecord(record());
  const body = encodeMessage('ContactRecord', BODY);
  const push = encodeFrame(frameNamed('RecordPush').kind, 0, encodeMessage('RecordPush', { records: [envelope] }));
  const head = payload.length - body.length;
  return fence(
    dissect('RecordPush', push, [
      [2, `length of what follows: ${push.length - 2}`],
      [1, 'kind 50'],
      [1, 'request id 0, a notice'],
      [3, `field 1, records: ${envelope.length} bytes`],
      [8, '  context "record"'],
      [2, '  key type 1'],
      [2, '  public key: 32 bytes'],
      [32, "  Alice's key"],
      [2, `  payload: ${payload.length} bytes`],
      [2, '    version 1'],
      [2, '    kind 1, contact'],
      [0, '    index 0'],
      [7, `    instance ${group(WALL - 60_000n)}`],
      [2, '    sequence 7'],
      [7, `    wallclock_ms ${group(WALL)}`],
      [5, '    ttl_ms 3,600,000'],
      [head - 25, `    field 8, contact: ${body.length} bytes`],
      [2, '      address: 11 bytes'],
      [6, '        ip4 198.51.100.7'],
      [3, '        port 7,600'],
      [2, '        transport 1, ws'],
      [2, '      roles 1'],
      [9, '      region "eu-west"'],
      [10, '      capability "gossip/1"'],
      [11, '      capability "records/1"'],
      [2, '  signature: 64 bytes'],
      [64, '  by Alice'],
    ]),
  );
}

export function recordNewerExample(): string {
  const of = (started: bigint, sequence: number, wall: bigint, region = 'a'): Uint8Array =>
    seal(record({ instance: WALL - started, sequence, wallclockMs: WALL + wall, contact: { region } }));
  const rows: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
    ['started 1 ms later, sequence 1 after 9', of(1_000n, 9, 0n), of(999n, 1, 0n)],
    ['started 1 ms later, made 20 s before', of(60_000n, 9, 0n), of(59_999n, 1, -20_000n)],
    ['started 1 ms earlier, sequence 9 after 1', of(999n, 1, 0n), of(1_000n, 9, 0n)],
    ['same instance, sequence 10 after 9', of(1_000n, 9, 0n), of(1_000n, 10, 0n)],
    ['same instance, sequence 9 after 10, made later', of(1_000n, 10, 0n), of(1_000n, 9, 500n)],
    ['same instance and sequence, region "b" after "a"', of(1_000n, 9, 0n), of(1_000n, 9, 0n, 'b')],
    ['the same record again', of(1_000n, 9, 0n), of(1_000n, 9, 0n)],
  ];
  return table(
    ['the second against the first', 'newer'],
    rows.map(([what, first, second]) => [what, isNewer(NETWORK, first, second) === true ? 'the second' : 'the first stays']),
  );
}

export function recordWindowExample(): string {
  const rows: readonly (readonly [bigint, bigint, boolean, string])[] = [
    [-30_001n, 60_000n, true, 'pushed'],
    [-15_001n, 60_000n, true, 'pushed'],
    [-15_000n, 60_000n, true, 'pushed'],
    [-5_001n, 5_000n, true, 'pushed'],
    [-5_000n, 5_000n, true, 'pushed'],
    [30_000n, 60_000n, true, 'pushed'],
    [30_001n, 60_000n, true, 'pushed'],
    [-30_001n, 60_000n, false, 'pulled'],
    [-14_000n, 60_000n, false, 'pulled'],
    [30_001n, 60_000n, false, 'pulled'],
  ];
  return table(
    ['`wallclock_ms` against the wall clock', '`ttl_ms`', 'came', 'verdict', 'code'],
    rows.map(([age, ttlMs, isPushed, how]) => {
      const envelope = seal(record({ instance: 0, wallclockMs: WALL + age, ttlMs }));
      const { verdict, code, clause } = judgeRecord(NETWORK, WALL, { isPushed, hasStake: false }, envelope);
      const sign = age < 0n ? `−${group(-age)}` : `+${group(age)}`;
      return [`${sign} ms`, group(ttlMs), how, verdict, code === '' ? '–' : `${code}, ${clause}`];
    }),
  );
}
