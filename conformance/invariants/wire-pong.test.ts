import { describe, expect, test } from 'vitest';
import { encodeFrame } from '../model/frame.ts';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { NONCE, OTHER_NONCE, pingFrame, pongFrame, TraceScript } from './session-trace.fixture.ts';
import { answersPings, goesOnAfter, ignoredBy, leavesOverruns, serves, takesNoMistypedValue, takesNothingFromGroups } from './wire-pong.ts';

function judge(rule: SessionRule, script: TraceScript, endMs = 3_000) {
  return judgeSessions([rule])(script.end(endMs));
}

function clauses(rule: SessionRule, script: TraceScript, endMs = 3_000): string[] {
  return judge(rule, script, endMs).findings.map(({ clause }) => clause);
}

const asked = (): TraceScript => new TraceScript().session(1, 'alice').send(1, pingFrame(5));

describe('answersPings', () => {
  test('is content with the right Pong in time', () => {
    expect(judge(answersPings(), asked().at(1_000).gets(1, pongFrame(5)))).toEqual({ findings: [], exercised: true });
  });

  test('SES-050 is named for no Pong and for one with another nonce', () => {
    expect(clauses(answersPings(), asked())).toEqual(['SES-050']);
    expect(clauses(answersPings(), asked().gets(1, pongFrame(5, OTHER_NONCE)))).toEqual(['SES-050']);
  });

  test('WIR-033 is named for the nonce under another request id', () => {
    expect(clauses(answersPings(), asked().gets(1, pongFrame(6)))).toEqual(['WIR-033']);
  });

  test('SES-051 is named for a Pong that comes late', () => {
    expect(clauses(answersPings(), asked().at(1_001).gets(1, pongFrame(5)))).toEqual(['SES-051']);
  });

  test('SES-050 is named when the node closes for no reason, not when it has one', () => {
    expect(clauses(answersPings(), asked().closed(1))).toEqual(['SES-050']);
    expect(clauses(answersPings(), asked().plaintext(1, new Uint8Array()).closed(1))).toEqual([]);
  });

  test('nothing is said of Pings that were not sent, or whose time is not over', () => {
    expect(
      judge(answersPings(), new TraceScript().session(1, 'alice').closed(1).step({ op: 'frames', link: 1, frames: [] }).notSent(1)),
    ).toEqual({ findings: [], exercised: false });
    expect(clauses(answersPings(), asked(), 500)).toEqual([]);
  });
});

describe('leavesOverruns', () => {
  const flooded = (): TraceScript => {
    const script = new TraceScript().session(1, 'alice');
    for (let id = 1; id <= 40; id++) script.served(1, id);
    return script.send(1, pingFrame(41));
  };

  test('SES-061 is named when a Ping beyond the bucket is answered', () => {
    expect(judge(leavesOverruns(), flooded())).toEqual({ findings: [], exercised: true });
    expect(clauses(leavesOverruns(), flooded().gets(1, pongFrame(41)))).toEqual(['SES-061']);
  });

  test('SES-062 is named when a Ping within the bucket is not', () => {
    const rule = answersPings({ missing: 'SES-062', misaddressed: 'WIR-033', late: 'SES-051' });
    expect(clauses(rule, flooded().at(50).send(1, pingFrame(42)))).toEqual(['SES-062']);
    expect(clauses(rule, flooded().at(49).send(1, pingFrame(42)))).toEqual([]);
  });
});

describe('serves', () => {
  test('CNV-014 is named when a bystander is closed or left without a Pong', () => {
    const beside = (): TraceScript =>
      new TraceScript().session(2, 'bystander').session(1, 'mallory').plaintext(1, new Uint8Array()).closed(1);
    expect(judge(serves('bystander', 'CNV-014'), beside().served(2, 3))).toEqual({ findings: [], exercised: true });
    expect(clauses(serves('bystander', 'CNV-014'), beside().send(2, pingFrame(3)))).toEqual(['CNV-014']);
    expect(clauses(serves('bystander', 'CNV-014'), beside().closed(2))).toEqual(['CNV-014']);
  });

  test('a twin whose handshake the node ends is not served', () => {
    expect(clauses(serves('twin', 'SES-021'), new TraceScript().open(1, 'twin').handshake(1).closed(1))).toEqual(['SES-021']);
  });

  test('without an answered Ping there is nothing to conclude', () => {
    expect(judge(serves('twin', 'SES-050'), new TraceScript().session(1, 'twin'))).toEqual({ findings: [], exercised: false });
  });
});

describe('goesOnAfter', () => {
  const rule = goesOnAfter('WIR-026', ignoredBy('WIR-026'));
  const odd = (): TraceScript => new TraceScript().session(1, 'alice').plaintext(1, encodeFrame(9, 3, new Uint8Array(4)));

  test('WIR-026 is named when an odd kind closes the session or silences it', () => {
    expect(judge(rule, odd().served(1, 5))).toEqual({ findings: [], exercised: true });
    expect(clauses(rule, odd().closed(1))).toEqual(['WIR-026']);
    expect(clauses(rule, odd().send(1, pingFrame(5)))).toEqual(['WIR-026']);
  });

  test('WIR-032 is named when a Pong that nobody waits for closes the session', () => {
    const stray = new TraceScript().session(1, 'alice').send(1, pongFrame(77)).closed(1);
    expect(clauses(goesOnAfter('WIR-032', ignoredBy('WIR-032')), stray)).toEqual(['WIR-032']);
  });
});

describe('takesNoMistypedValue', () => {
  const mistyped = encodeFrame(2, 5, Uint8Array.from([0x0a, 8, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x09, 9, 9, 9, 9, 9, 9, 9, 9]));
  const script = (): TraceScript => new TraceScript().session(1, 'alice').plaintext(1, mistyped);

  test('WIR-050 is named when the Pong carries the value of the wrong wire type', () => {
    expect(clauses(takesNoMistypedValue, script().gets(1, pongFrame(5, NONCE)))).toEqual([]);
    expect(clauses(takesNoMistypedValue, script().closed(1))).toEqual([]);
    expect(clauses(takesNoMistypedValue, script().gets(1, pongFrame(5, '0909090909090909')))).toEqual(['WIR-050']);
  });
});

describe('takesNothingFromGroups', () => {
  const inGroup = [0x73, 0x0a, 8, 9, 9, 9, 9, 9, 9, 9, 9, 0x74];
  const right = [0x0a, 8, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
  const script = (body: number[]): TraceScript =>
    new TraceScript().session(1, 'alice').plaintext(1, encodeFrame(2, 5, Uint8Array.from(body)));

  test('WIR-049 is named when the Pong carries what stands in a group', () => {
    expect(clauses(takesNothingFromGroups, script([...right, ...inGroup]).gets(1, pongFrame(5, NONCE)))).toEqual([]);
    expect(clauses(takesNothingFromGroups, script([...right, ...inGroup]).closed(1))).toEqual([]);
    expect(clauses(takesNothingFromGroups, script([...right, ...inGroup]).gets(1, pongFrame(5, '0909090909090909')))).toEqual(['WIR-049']);
    expect(clauses(takesNothingFromGroups, script(inGroup).gets(1, pongFrame(5, '0909090909090909')))).toEqual(['WIR-049']);
  });
});
