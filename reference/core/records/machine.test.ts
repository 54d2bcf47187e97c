import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { EnvelopeSchema } from '../../../proto/gen/carillon/v1/identity_pb.ts';
import { toHex } from '../bytes.ts';
import type { LinkId } from '../types.ts';
import { KIND_RECORD_REQUEST } from '../wire/frame.ts';
import { decodeRecordReply, encodeRecordRequest } from '../wire/records-body.ts';
import { RecordSchema } from './record.ts';
import { bench, person, pushes, sealRecord, verdicts, WALL_START } from './records.fixture.ts';

const [, , bob, carol, dave] = [0, 1, 2, 3, 4].map((number) => person(Math.max(1, number)));
if (bob === undefined || carol === undefined || dave === undefined) throw new Error('there are four people');

describe('the records machine', () => {
  test('REC-043: the contact record comes first on a new session, with health and version', () => {
    const node = bench();
    const sent = pushes(node.up(1, bob.peer));
    expect(sent.map(({ link }) => link)).toEqual([1, 1, 1]);
    expect(node.machine.contactOf(node.self)).toMatchObject({ roles: 1, capabilities: ['gossip/1', 'records/1'] });
    expect(pushes(node.up(2, carol.peer, ['gossip/1']))).toEqual([]);
  });

  test('REC-042: a wall clock that is set back below the instance makes no record that others reject', () => {
    const node = bench();
    node.up(1, bob.peer);
    node.setMs = -60_000;
    const made = pushes(node.pass(1_800_000)).map(({ record }) => fromBinary(RecordSchema, fromBinary(EnvelopeSchema, record).payload));
    expect(made.length).toBeGreaterThan(3);
    for (const record of made) expect(record.wallclockMs).toBeGreaterThanOrEqual(record.instance);
    expect(new Set(made.map(({ instance }) => instance))).toEqual(new Set([BigInt(WALL_START)]));
  });

  test('REC-060, REC-061: an accepted record goes to the other links, not back', () => {
    const node = bench();
    node.up(1, bob.peer);
    node.up(2, carol.peer);
    node.up(3, dave.peer);
    const record = sealRecord(bob);
    expect(verdicts(node.push(1, record))).toEqual(['accept']);
    const sent = pushes(node.pass(200)).filter(({ record: bytes }) => toHex(bytes) === toHex(record));
    expect(sent.map(({ link }) => link)).toEqual([2, 3]);
    expect(verdicts(node.push(2, record))).toEqual(['ignore E_RECORD_OLD']);
  });

  test('REC-020: the later instance wins whatever the wall clock', () => {
    const node = bench();
    node.up(1, carol.peer);
    const old = sealRecord(bob, { instance: WALL_START - 5000, sequence: 9, wallclockMs: WALL_START + 1000 });
    const late = sealRecord(bob, { instance: WALL_START - 4000, sequence: 1, wallclockMs: WALL_START - 4000 });
    expect(verdicts(node.push(1, old, late, old))).toEqual(['accept', 'accept', 'ignore E_RECORD_OLD']);
  });

  test('REC-021, REC-022: the edges of the push window', () => {
    const stakes = new Map([[bob.peer, 5n]]);
    const at = (wallclockMs: number) => {
      const node = bench({}, stakes);
      node.up(1, carol.peer);
      return verdicts(node.push(1, sealRecord(bob, { wallclockMs })));
    };
    expect(at(WALL_START - 30_000)).toEqual(['accept']);
    expect(at(WALL_START - 30_001)).toEqual(['ignore E_TIME']);
    expect(at(WALL_START + 30_000)).toEqual(['accept']);
    expect(at(WALL_START + 30_001)).toEqual(['ignore E_TIME']);
  });

  test('REC-021: the window does not hold on the session of the origin, and what is old is not passed on', () => {
    const node = bench({}, new Map([[bob.peer, 5n]]));
    node.up(1, bob.peer);
    node.up(2, carol.peer);
    const record = sealRecord(bob, { wallclockMs: WALL_START - 60_000 });
    expect(verdicts(node.push(1, record))).toEqual(['accept']);
    expect(pushes(node.pass(500)).filter(({ record: bytes }) => toHex(bytes) === toHex(record))).toEqual([]);
  });

  test('REC-003: without stake a record is over after its 15 seconds', () => {
    const node = bench();
    node.up(1, carol.peer);
    node.push(1, sealRecord(bob));
    node.pass(15_000);
    expect(node.machine.contactOf(bob.peer)).toBeDefined();
    node.nowMs += 1;
    node.send({ type: 'tick' });
    expect(node.machine.contactOf(bob.peer)).toBeUndefined();
  });

  test('REC-050 to REC-052: superseded, silent, and back when the winner is gone', () => {
    const node = bench();
    node.up(1, carol.peer);
    node.nowMs = 1000;
    const winner = sealRecord(person(1), { instance: WALL_START + 500, wallclockMs: WALL_START + 600 });
    const outputs = node.push(1, winner);
    expect(verdicts(outputs)).toEqual(['accept']);
    expect(outputs.filter(({ type }) => type === 'notice')).toHaveLength(2);
    expect(pushes(node.pass(14_600))).toEqual([]);
    node.up(2, bob.peer);
    const back = pushes(node.pass(200));
    expect(back.map(({ link }) => link).sort()).toEqual([1, 1, 1, 2, 2, 2]);
  });

  test('REC-053: the origin that brings an old record is told of the newer one, once', () => {
    const node = bench();
    node.up(1, carol.peer);
    node.up(2, bob.peer);
    const [old, late] = [sealRecord(bob, { sequence: 1 }), sealRecord(bob, { sequence: 2 })];
    node.push(1, late);
    expect(pushes(node.push(1, old))).toEqual([]);
    expect(pushes(node.push(2, old)).map(({ link, record }) => [link, toHex(record)])).toEqual([[2, toHex(late)]]);
    expect(pushes(node.push(2, old))).toEqual([]);
  });

  test('REC-045: records are published anew before half of their time', () => {
    const node = bench();
    node.up(1, bob.peer);
    node.pass(200);
    const first = pushes(node.pass(7_500));
    expect(first).toHaveLength(3);
  });

  test('REC-070, REC-071: answers in the order of the question, each record once', () => {
    const node = bench();
    node.up(1, carol.peer);
    const records = [1, 4, 5].map((kind) => sealRecord(bob, { kind }));
    node.push(1, ...records);
    const labels = [
      { origin: bob.peer, kind: 5, index: 0 },
      { origin: bob.peer, kind: 0, index: 3 },
      { origin: dave.peer, kind: 1, index: 0 },
    ];
    const [answer] = node.send({
      type: 'frame',
      link: 1 as LinkId,
      kind: KIND_RECORD_REQUEST,
      requestId: 9,
      body: encodeRecordRequest({ labels }),
    });
    if (answer?.type !== 'answer') throw new Error('the request is answered');
    const reply = decodeRecordReply(answer.body);
    expect(reply.ok && reply.value.records.map(toHex)).toEqual(
      [records[2], records[0], records[1]].map((bytes) => toHex(bytes ?? new Uint8Array())),
    );
  });

  test('REC-024, REC-085: an origin has its bucket, and a bad signature costs nothing', () => {
    const node = bench();
    node.up(1, carol.peer);
    const spoilt = Uint8Array.from(sealRecord(bob, { sequence: 1 }));
    spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
    for (let i = 0; i < 20; i++) expect(verdicts(node.push(1, spoilt))).toEqual(['reject E_SIGNATURE']);
    const judged = Array.from({ length: 9 }, (_, i) => verdicts(node.push(1, sealRecord(bob, { sequence: i + 1 })))[0]);
    expect(judged).toEqual([...Array.from({ length: 8 }, () => 'accept'), 'ignore E_ORIGIN_RATE']);
  });

  test('REC-080 to REC-083: a flood of keys displaces no staked origin and not the node itself', () => {
    const stakes = new Map([[bob.peer, 5n]]);
    const node = bench({ 'records.origins_max': 4, 'records.unstaked_per_s': 1000 }, stakes);
    node.up(1, carol.peer);
    node.push(1, sealRecord(bob));
    for (let number = 10; number < 60; number++) expect(verdicts(node.push(1, sealRecord(person(number))))).toEqual(['accept']);
    expect(node.machine.origins).toBe(4);
    expect(node.machine.contactOf(bob.peer)).toBeDefined();
    expect(node.machine.contactOf(node.self)).toBeDefined();
    expect(node.machine.contactOf(person(59).peer)).toBeDefined();
    expect(node.machine.contactOf(person(57).peer)).toBeUndefined();
  });

  test('REC-046, REC-049: what the application sets is published, and a change waits for the pause', () => {
    const node = bench();
    node.up(1, bob.peer);
    node.pass(300);
    const body = Uint8Array.of(0x10, 5);
    const set = (bytes: Uint8Array) =>
      node.send({ type: 'local', token: 1, request: { type: 'records.set', kind: 3, index: 0, body: bytes } });
    expect(set(body)).toMatchObject([{ type: 'outcome', outcome: { error: undefined } }]);
    expect(pushes(node.pass(200))).toHaveLength(1);
    set(Uint8Array.of(0x10, 6));
    expect(pushes(node.pass(250))).toHaveLength(0);
    expect(pushes(node.pass(500))).toHaveLength(1);
    expect(set(Uint8Array.of(0x08, 7, 0x10, 6))).toMatchObject([{ outcome: { error: 'E_RECORD_FORM' } }]);
  });
});
