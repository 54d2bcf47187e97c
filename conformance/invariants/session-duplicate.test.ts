import { describe, expect, test } from 'vitest';
import { keepsOneSession, limitsSessions } from './session-duplicate.ts';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { pingFrame, TraceScript } from './session-trace.fixture.ts';

function judge(rule: SessionRule, script: TraceScript, endMs = 30_000) {
  return judgeSessions([rule])(script.end(endMs));
}

function clauses(rule: SessionRule, script: TraceScript, endMs = 30_000): string[] {
  return judge(rule, script, endMs).findings.map(({ clause }) => clause);
}

describe('SES-040 same direction', () => {
  const twice = (): TraceScript => new TraceScript().session(1, 'alice').session(2, 'alice');

  test('the second is kept and the first ends', () => {
    expect(judge(keepsOneSession('SES-040'), twice().closed(1, 'E_DUPLICATE_SESSION').served(2, 5))).toEqual({
      findings: [],
      exercised: true,
    });
  });

  test('is named when both stay, the second ends, or the second is not served', () => {
    expect(clauses(keepsOneSession('SES-040'), twice().served(2, 5))).toEqual(['SES-040']);
    expect(clauses(keepsOneSession('SES-040'), twice().closed(2))).toContain('SES-040');
    expect(clauses(keepsOneSession('SES-040'), twice().closed(1).send(2, pingFrame(5)))).toEqual(['SES-040']);
  });

  test('a third replaces the second', () => {
    const script = twice().closed(1).session(3, 'alice').closed(2).served(3, 5);
    expect(clauses(keepsOneSession('SES-040'), script)).toEqual([]);
  });

  test('sessions of other peers have nothing to do with it', () => {
    expect(judge(keepsOneSession('SES-040'), new TraceScript().session(1, 'alice').session(2, 'bob'))).toEqual({
      findings: [],
      exercised: false,
    });
  });
});

describe('SES-041 and SES-042 opposite directions', () => {
  // The node's PeerId lies between those of `alice` and `zoe`.
  const crossing = (peer: string, ageMs: number): TraceScript =>
    new TraceScript().session(1, peer).at(ageMs).session(2, peer, { direction: 'outbound' });

  test('SES-041 keeps the session whose initiator has the smaller PeerId', () => {
    expect(clauses(keepsOneSession('SES-041'), crossing('alice', 4_999).closed(2).served(1, 5))).toEqual([]);
    expect(clauses(keepsOneSession('SES-041'), crossing('alice', 4_999).closed(1).served(2, 5))).toContain('SES-041');
    expect(clauses(keepsOneSession('SES-041'), crossing('zoe', 4_999).closed(1).served(2, 5))).toEqual([]);
    expect(clauses(keepsOneSession('SES-041'), crossing('zoe', 4_999).closed(2).served(1, 5))).toContain('SES-041');
  });

  test('SES-042 keeps the second once the first has its age', () => {
    expect(clauses(keepsOneSession('SES-042'), crossing('alice', 5_000).closed(1).served(2, 5))).toEqual([]);
    expect(clauses(keepsOneSession('SES-042'), crossing('alice', 5_000).closed(2).served(1, 5))).toContain('SES-042');
  });
});

describe('SES-043 limit of sessions', () => {
  const full = (): TraceScript => {
    const script = new TraceScript({ overrides: { 'session.sessions_max': 2 } });
    return script.session(1, 'alice').session(2, 'bob');
  };

  test('a further one is closed, whether it was seen up or not', () => {
    expect(judge(limitsSessions, full().session(3, 'carol').closed(3, 'E_BUSY'))).toEqual({ findings: [], exercised: true });
    expect(judge(limitsSessions, full().open(3, 'carol').closed(3, 'E_BUSY'))).toEqual({ findings: [], exercised: true });
  });

  test('is named when it stays, or when one within the limit is closed', () => {
    expect(clauses(limitsSessions, full().session(3, 'carol'))).toEqual(['SES-043']);
    expect(clauses(limitsSessions, full().closed(2, 'E_BUSY'))).toEqual(['SES-043']);
  });

  test('one that replaces its peer is no further one', () => {
    expect(clauses(limitsSessions, full().session(3, 'bob').closed(2))).toEqual([]);
  });
});
