import { describe, expect, test } from 'vitest';
import { dialsAgain, endsOnGoAway, waitsToDial } from './session-goaway.ts';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { goAwayFrame, pingFrame, pongFrame, TraceScript } from './session-trace.fixture.ts';

const ADDRESS = 'ws://203.0.113.1:7000';

function judge(rule: SessionRule, script: TraceScript, endMs: number) {
  return judgeSessions([rule])(script.end(endMs));
}

function clauses(rule: SessionRule, script: TraceScript, endMs: number): string[] {
  return judge(rule, script, endMs).findings.map(({ clause }) => clause);
}

describe('endsOnGoAway', () => {
  const told = (code = 1): TraceScript => new TraceScript().session(1, 'alice').send(1, goAwayFrame(code));

  test('SES-070 is content when the node falls silent and ends the connection in time', () => {
    expect(judge(endsOnGoAway('SES-070'), told().at(1_000).closed(1), 2_000)).toEqual({ findings: [], exercised: true });
  });

  test('SES-070 is named when the node sends something, even a GoAway, or stays', () => {
    expect(clauses(endsOnGoAway('SES-070'), told().gets(1, goAwayFrame(1)).closed(1), 2_000)).toEqual(['SES-070']);
    expect(clauses(endsOnGoAway('SES-070'), told(), 2_000)).toEqual(['SES-070']);
    expect(clauses(endsOnGoAway('SES-070'), told().at(1_001).closed(1), 2_000)).toEqual(['SES-070']);
  });

  test('a Pong for a Ping before the GoAway is no fault, one for a Ping behind it is', () => {
    const around = (): TraceScript => new TraceScript().session(1, 'alice').send(1, pingFrame(1), goAwayFrame(1), pingFrame(2));
    expect(clauses(endsOnGoAway('SES-070'), around().gets(1, pongFrame(1)).closed(1), 2_000)).toEqual([]);
    expect(clauses(endsOnGoAway('SES-070'), around().gets(1, pongFrame(2)).closed(1), 2_000)).toEqual(['SES-070']);
  });

  test('SES-073 is named when the node answers an unknown code', () => {
    expect(clauses(endsOnGoAway('SES-073'), told(96).closed(1), 2_000)).toEqual([]);
    expect(clauses(endsOnGoAway('SES-073'), told(96).gets(1, goAwayFrame(7)).closed(1), 2_000)).toEqual(['SES-073']);
  });

  test('on the wire what is still under way counts only after a second', () => {
    const wire = (): TraceScript => new TraceScript({ level: 'wire' }).session(1, 'alice').send(1, goAwayFrame(1));
    expect(clauses(endsOnGoAway('SES-070'), wire().at(400).gets(1, pingFrame(1)).closed(1), 3_000)).toEqual([]);
    expect(clauses(endsOnGoAway('SES-070'), wire().at(1_400).gets(1, pingFrame(1)).closed(1), 3_000)).toEqual(['SES-070']);
  });
});

describe('pauses before the next dial', () => {
  const dialled = (retryAfterMs: bigint | number): TraceScript =>
    new TraceScript()
      .step({ op: 'connect', address: ADDRESS })
      .add({ type: 'dial', dial: 1, address: ADDRESS })
      .session(1, 'alice', { direction: 'outbound' })
      .send(1, goAwayFrame(1, retryAfterMs))
      .closed(1);
  const asks = (script: TraceScript, ms: number): TraceScript => script.at(ms).step({ op: 'connect', address: ADDRESS });
  const dials = (script: TraceScript): TraceScript => script.add({ type: 'dial', dial: 2, address: ADDRESS });

  test('SES-071 is named for a dial before the pause is over', () => {
    expect(judge(waitsToDial, asks(dialled(5_000), 4_999), 9_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(waitsToDial, dials(asks(dialled(5_000), 4_999)), 9_000)).toEqual(['SES-071']);
    expect(clauses(waitsToDial, dials(asks(dialled(5_000), 5_000)), 9_000)).toEqual([]);
  });

  test('SES-071 holds for a peer that had dialled itself, by its name', () => {
    const inbound = new TraceScript().session(1, 'alice').send(1, goAwayFrame(1, 5_000)).closed(1);
    const asked = inbound.at(100).step({ op: 'connect', address: ADDRESS, expected: 'alice' });
    expect(clauses(waitsToDial, dials(asked), 9_000)).toEqual(['SES-071']);
  });

  test('SES-072 is named when a longer pause than an hour is kept', () => {
    const rule = dialsAgain('SES-072', (asked, most) => asked > most);
    const late = (): TraceScript => asks(dialled(2n ** 64n - 1n), 3_600_000);
    expect(judge(rule, dials(late()), 3_602_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(rule, late(), 3_602_000)).toEqual(['SES-072']);
    expect(judge(rule, dials(asks(dialled(5_000), 5_000)), 9_000)).toEqual({ findings: [], exercised: false });
  });
});
