import { describe, expect, test } from 'vitest';
import { encodeBody } from '../model/bodies.ts';
import { sha256, unhex } from '../model/bytes.ts';
import { makeAppPayload, makeEnvelope } from '../model/envelope.ts';
import { encodeFrame } from '../model/frame.ts';
import { asksForPuzzle, judgesSignaturesAlone, leadingZeroBits, passesBytesOn } from './session-identity.ts';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { NETWORK_ID, peerIdOf, TraceScript } from './session-trace.fixture.ts';

function clauses(rule: SessionRule, script: TraceScript): string[] {
  return judgeSessions([rule])(script.end(3_000)).findings.map(({ clause }) => clause);
}

const payload = (sequence: number): Uint8Array =>
  makeAppPayload({ createdMs: 1_800_000_000_000, topic: 'app/kit', sequence, data: Uint8Array.of(1) });
const envelope = (sequence: number): Uint8Array => makeEnvelope(NETWORK_ID, 'app', new Uint8Array(32).fill(9), payload(sequence));
const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1);
const push = (...envelopes: readonly Uint8Array[]): Uint8Array =>
  encodeFrame(32, 0, encodeBody('Push', { topic: 'app/kit', items: envelopes.map((one) => ({ hops: 1, envelope: one })) }));

const good = envelope(1);
const bad = flipped(envelope(2));
const both = (): TraceScript => new TraceScript().session(1, 'alice').session(2, 'bob').send(1, push(good, bad));

describe('judgesSignaturesAlone', () => {
  test('IDN-019 is content when the good message is passed on and the bad one is not', () => {
    expect(judgeSessions([judgesSignaturesAlone])(both().gets(2, push(good)).end(3_000))).toEqual({ findings: [], exercised: true });
  });

  test('IDN-019 is named when the bad one goes along, or takes the good one with it', () => {
    expect(clauses(judgesSignaturesAlone, both().gets(2, push(good, bad)))).toEqual(['IDN-019']);
    expect(clauses(judgesSignaturesAlone, both())).toEqual(['IDN-019']);
  });
});

describe('passesBytesOn', () => {
  test('IDN-042 is named when the bytes are not those that came', () => {
    expect(judgeSessions([passesBytesOn])(both().gets(2, push(good)).end(3_000))).toEqual({ findings: [], exercised: true });
    expect(clauses(passesBytesOn, both().gets(2, push(flipped(good))))).toEqual(['IDN-042']);
  });
});

describe('asksForPuzzle', () => {
  const labels = Array.from({ length: 40 }, (_, index) => `peer-${index}`);
  const bitsOf = (label: string): number => leadingZeroBits(sha256(unhex(peerIdOf(label))));
  const solver = labels.find((label) => bitsOf(label) >= 1) ?? '';
  const other = labels.find((label) => bitsOf(label) === 0) ?? '';
  const script = (): TraceScript =>
    new TraceScript({ overrides: { 'identity.puzzle_bits': 1 } }).open(1, solver).handshake(1).open(2, other).handshake(2);

  test('IDN-070 is named when the one stays or the other does not', () => {
    expect(judgeSessions([asksForPuzzle])(script().closed(2).end(3_000))).toEqual({ findings: [], exercised: true });
    expect(clauses(asksForPuzzle, script())).toEqual(['IDN-070']);
    expect(clauses(asksForPuzzle, script().closed(1).closed(2))).toEqual(['IDN-070']);
  });

  test('leading zero bits are counted over bytes', () => {
    expect([[0x80], [0x01], [0x00, 0x40], [0, 0]].map((bytes) => leadingZeroBits(Uint8Array.from(bytes)))).toEqual([0, 7, 9, 16]);
  });
});
