import { describe, expect, test } from 'vitest';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { endsOnSilence, noncesDiffer, pingsOften, pingsSparsely, waitingIdsDiffer, wrongPongsDoNotCount } from './session-ping.ts';
import { OTHER_NONCE, pingFrame, pongFrame, TraceScript } from './session-trace.fixture.ts';

function judge(rule: SessionRule, script: TraceScript, endMs: number) {
  return judgeSessions([rule])(script.end(endMs));
}

function clauses(rule: SessionRule, script: TraceScript, endMs: number): string[] {
  return judge(rule, script, endMs).findings.map(({ clause }) => clause);
}

const alice = (): TraceScript => new TraceScript().session(1, 'alice');

/** A nonce that depends on a number. */
const nonce = (index: number): string => index.toString(16).padStart(16, '0');

describe('pingsOften', () => {
  test('SES-052 is content at the very end of the interval', () => {
    const script = alice()
      .at(15_000)
      .gets(1, pingFrame(1, nonce(1)))
      .at(30_000)
      .gets(1, pingFrame(2, nonce(2)));
    expect(judge(pingsOften, script, 44_000)).toEqual({ findings: [], exercised: true });
  });

  test('SES-052 is named for a first or further Ping that is late or does not come', () => {
    expect(clauses(pingsOften, alice(), 15_000)).toEqual(['SES-052']);
    expect(clauses(pingsOften, alice().at(15_001).gets(1, pingFrame(1)), 16_000)).toEqual(['SES-052']);
    expect(clauses(pingsOften, alice().at(10_000).gets(1, pingFrame(1)), 25_000)).toEqual(['SES-052']);
    expect(clauses(pingsOften, alice(), 14_999)).toEqual([]);
  });
});

describe('pingsSparsely', () => {
  test('SES-053 is named for more Pings than seconds', () => {
    const every = (ms: number): TraceScript => {
      const script = alice();
      for (let index = 0; index * ms <= 20_000; index++) script.at(index * ms).gets(1, pingFrame(index + 1, nonce(index)));
      return script;
    };
    expect(clauses(pingsSparsely, every(1_000), 20_000)).toEqual([]);
    expect(clauses(pingsSparsely, every(900), 20_000)).toEqual(['SES-053']);
  });
});

describe('endsOnSilence', () => {
  const waiting = (): TraceScript => alice().at(5_000).gets(1, pingFrame(1));

  test('SES-054 is content between the timeout and the reaction time behind it', () => {
    expect(judge(endsOnSilence, waiting().at(15_000).closed(1), 30_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(endsOnSilence, waiting().at(16_000).closed(1), 30_000)).toEqual([]);
  });

  test('SES-054 is named when the session ends too late, never, or too early', () => {
    expect(clauses(endsOnSilence, waiting().at(16_001).closed(1), 30_000)).toEqual(['SES-054']);
    expect(clauses(endsOnSilence, waiting(), 30_000)).toEqual(['SES-054']);
    expect(clauses(endsOnSilence, waiting().at(14_999).closed(1), 30_000)).toEqual(['SES-054']);
  });

  test('SES-054 is named when the session ends although the Pong came in time', () => {
    const answered = waiting().at(14_999).send(1, pongFrame(1));
    expect(clauses(endsOnSilence, answered.at(15_000).closed(1), 30_000)).toEqual(['SES-054']);
  });
});

describe('wrongPongsDoNotCount', () => {
  const wrong = (): TraceScript => alice().at(5_000).gets(1, pingFrame(1)).at(6_000).send(1, pongFrame(1, OTHER_NONCE));

  test('SES-055 is content when the Ping goes on waiting and runs into its timeout', () => {
    expect(judge(wrongPongsDoNotCount, wrong().at(15_000).closed(1), 30_000)).toEqual({ findings: [], exercised: true });
  });

  test('SES-055 is named when the wrong Pong counts, or closes the session', () => {
    expect(clauses(wrongPongsDoNotCount, wrong(), 30_000)).toEqual(['SES-055']);
    expect(clauses(wrongPongsDoNotCount, wrong().closed(1), 30_000)).toEqual(['SES-055']);
  });

  test('SES-055 is named when the right Pong behind it no longer counts', () => {
    const right = wrong().at(7_000).send(1, pongFrame(1));
    expect(judge(wrongPongsDoNotCount, right.at(20_000).gets(1, pingFrame(2, OTHER_NONCE)), 29_000)).toEqual({
      findings: [],
      exercised: true,
    });
    const ended = wrong().at(7_000).send(1, pongFrame(1)).at(15_000).closed(1);
    expect(clauses(wrongPongsDoNotCount, ended, 29_000)).toEqual(['SES-055']);
  });
});

describe('noncesDiffer and waitingIdsDiffer', () => {
  test('SES-056 is named for a nonce that comes twice', () => {
    const script = (second: string): TraceScript =>
      alice()
        .gets(1, pingFrame(1, nonce(1)))
        .send(1, pongFrame(1, nonce(1)))
        .at(9_000)
        .gets(1, pingFrame(2, second));
    expect(judge(noncesDiffer, script(nonce(2)), 9_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(noncesDiffer, script(nonce(1)), 9_000)).toEqual(['SES-056']);
  });

  test('WIR-034 is named for an id that is still waited for', () => {
    const script = (id: number): TraceScript =>
      alice()
        .gets(1, pingFrame(1, nonce(1)))
        .at(9_000)
        .gets(1, pingFrame(id, nonce(2)));
    expect(judge(waitingIdsDiffer, script(2), 9_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(waitingIdsDiffer, script(1), 9_000)).toEqual(['WIR-034']);
    const answered = alice()
      .gets(1, pingFrame(1, nonce(1)))
      .send(1, pongFrame(1, nonce(1)))
      .at(9_000)
      .gets(1, pingFrame(1, nonce(2)));
    expect(clauses(waitingIdsDiffer, answered, 9_000)).toEqual([]);
  });
});
