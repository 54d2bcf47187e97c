import { describe, expect, test } from 'vitest';
import { encodeFrame } from '../model/frame.ts';
import { writeTag } from '../model/protobuf.ts';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { goAwayFrame, pingFrame, pongFrame, TraceScript } from './session-trace.fixture.ts';
import {
  actsOnNothingBehind,
  closesOn,
  closesOrGoesOn,
  codesTravel,
  endsAfterGoAway,
  nothingBehindGoAway,
  tellsCode,
} from './wire-close.ts';

const EVEN = encodeFrame(10, 0, new Uint8Array());

function judge(rule: SessionRule, script: TraceScript, endMs: number) {
  return judgeSessions([rule])(script.end(endMs));
}

function clauses(rule: SessionRule, script: TraceScript, endMs: number): string[] {
  return judge(rule, script, endMs).findings.map(({ clause }) => clause);
}

const evenKind = (): TraceScript => new TraceScript().session(1, 'alice').plaintext(1, EVEN);

describe('closesOn', () => {
  test('WIR-027 is content when the node closes in time, with whatever code', () => {
    expect(judge(closesOn(['WIR-027']), evenKind().closed(1, 'E_UNKNOWN_KIND'), 2_000)).toEqual({ findings: [], exercised: true });
    const other = judge(closesOn(['WIR-027']), evenKind().at(1_000).closed(1, 'E_MALFORMED'), 2_000);
    expect(other.findings).toEqual([]);
    expect(other.variant).toContain('E_MALFORMED');
  });

  test('WIR-027 is named when the session goes on, or ends too late', () => {
    expect(clauses(closesOn(['WIR-027']), evenKind(), 2_000)).toEqual(['WIR-027']);
    expect(clauses(closesOn(['WIR-027']), evenKind().at(1_001).closed(1), 2_000)).toEqual(['WIR-027']);
  });

  test('CNV-010 is named in its place when the check is about time', () => {
    expect(clauses(closesOn(['WIR-027'], 'CNV-010'), evenKind(), 2_000)).toEqual(['CNV-010']);
  });

  test('nothing is said before the reaction time is over, nor of what was not sent', () => {
    expect(clauses(closesOn(['WIR-027']), evenKind(), 999)).toEqual([]);
    const unsent = judge(closesOn(['WIR-027']), new TraceScript().session(1, 'alice').closed(1).plaintext(1, EVEN).notSent(1), 2_000);
    expect(unsent).toEqual({ findings: [], exercised: false });
  });

  test('the wall clock has a second more', () => {
    const script = () => new TraceScript({ level: 'wire' }).session(1, 'alice').plaintext(1, EVEN);
    expect(clauses(closesOn(['WIR-027']), script().at(1_900).closed(1), 3_000)).toEqual([]);
    expect(clauses(closesOn(['WIR-027']), script(), 2_000)).toEqual(['WIR-027']);
  });
});

describe('actsOnNothingBehind', () => {
  test('WIR-036 is named when a Ping behind the closing frame is answered', () => {
    const script = () => new TraceScript().session(1, 'alice').plaintext(1, Uint8Array.from([...EVEN, ...pingFrame(7)]));
    expect(judge(actsOnNothingBehind, script().closed(1), 2_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(actsOnNothingBehind, script().gets(1, pongFrame(7)).closed(1), 2_000)).toEqual(['WIR-036']);
  });

  test('WIR-036 is named when something behind bytes that are no frame is answered', () => {
    const bytes = Uint8Array.from([0x81, 0x00, ...pingFrame(7)]);
    const script = new TraceScript().session(1, 'alice').plaintext(1, bytes).gets(1, pongFrame(7)).closed(1);
    expect(clauses(actsOnNothingBehind, script, 2_000)).toEqual(['WIR-036']);
  });

  test('a Pong for a Ping before the closing frame is no fault', () => {
    const bytes = Uint8Array.from([...pingFrame(6), ...EVEN, ...pingFrame(7)]);
    const script = new TraceScript().session(1, 'alice').plaintext(1, bytes).gets(1, pongFrame(6)).closed(1);
    expect(clauses(actsOnNothingBehind, script, 2_000)).toEqual([]);
  });
});

describe('GoAway of the node', () => {
  test('CNV-012 is named when a frame follows it', () => {
    expect(clauses(nothingBehindGoAway, evenKind().gets(1, goAwayFrame(5)).closed(1), 2_000)).toEqual([]);
    expect(clauses(nothingBehindGoAway, evenKind().gets(1, goAwayFrame(5), pongFrame(1)).closed(1), 2_000)).toEqual(['CNV-012']);
    expect(clauses(nothingBehindGoAway, evenKind().gets(1, goAwayFrame(5), goAwayFrame(5)).closed(1), 2_000)).toEqual(['CNV-012']);
  });

  test('CNV-013 is named when the connection stays', () => {
    expect(clauses(endsAfterGoAway, evenKind().gets(1, goAwayFrame(5)).at(1_000).closed(1), 2_000)).toEqual([]);
    expect(clauses(endsAfterGoAway, evenKind().gets(1, goAwayFrame(5)), 2_000)).toEqual(['CNV-013']);
  });

  test('ERR-001 and ERR-002 are named for codes that do not travel', () => {
    expect(clauses(codesTravel, evenKind().gets(1, goAwayFrame(31)).closed(1), 2_000)).toEqual([]);
    expect(clauses(codesTravel, evenKind().gets(1, goAwayFrame(41)).closed(1), 2_000)).toEqual(['ERR-001']);
    expect(clauses(codesTravel, evenKind().gets(1, goAwayFrame(0)).closed(1), 2_000)).toEqual(['ERR-002']);
  });

  test('CNV-011 is named when it is missing or has another code', () => {
    expect(clauses(tellsCode, evenKind().gets(1, goAwayFrame(5)).closed(1), 2_000)).toEqual([]);
    expect(clauses(tellsCode, evenKind().gets(1, goAwayFrame(7)).closed(1), 2_000)).toEqual(['CNV-011']);
    expect(clauses(tellsCode, evenKind().closed(1), 2_000)).toEqual(['CNV-011']);
  });
});

describe('closesOrGoesOn', () => {
  const group = encodeFrame(2, 9, Uint8Array.from([...writeTag(14, 3), ...writeTag(14, 4), 0x0a, 8, 1, 2, 3, 4, 5, 6, 7, 8]));
  const script = (): TraceScript => new TraceScript().session(1, 'alice').plaintext(1, group).send(1, pingFrame(10));

  test('WIR-049 takes both ways and records which', () => {
    expect(judge(closesOrGoesOn('WIR-049'), script().gets(1, pongFrame(9), pongFrame(10)), 2_000)).toMatchObject({
      findings: [],
      exercised: true,
      variant: 'WIR-049: skips',
    });
    expect(judge(closesOrGoesOn('WIR-049'), script().closed(1), 2_000)).toMatchObject({
      findings: [],
      exercised: true,
      variant: 'WIR-049: closes',
    });
  });

  test('WIR-049 is named when the node does neither', () => {
    expect(clauses(closesOrGoesOn('WIR-049'), script(), 2_000)).toEqual(['WIR-049']);
  });
});
