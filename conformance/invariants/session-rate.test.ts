import { expect, test } from 'vitest';
import { judgeSessions } from './session-judge.ts';
import { sendsWithinRates, takesFramesInOrder } from './session-rate.ts';
import { pingFrame, pongFrame, TraceScript } from './session-trace.fixture.ts';

function clauses(rule: Parameters<typeof judgeSessions>[0][number], script: TraceScript): string[] {
  return judgeSessions([rule])(script.end(5_000)).findings.map(({ clause }) => clause);
}

test('SES-065 is named when the node sends more than a receiver lets pass', () => {
  const sends = (count: number): TraceScript => {
    const script = new TraceScript().session(1, 'alice');
    for (let id = 1; id <= count; id++) script.gets(1, pongFrame(id));
    return script;
  };
  expect(clauses(sendsWithinRates, sends(40))).toEqual([]);
  expect(clauses(sendsWithinRates, sends(41))).toEqual(['SES-065']);
  expect(clauses(sendsWithinRates, sends(40).at(50).gets(1, pongFrame(41)))).toEqual([]);
  expect(clauses(sendsWithinRates, sends(40).at(49).gets(1, pongFrame(41)))).toEqual(['SES-065']);
});

test('WIR-035 is named when a later Ping of a plaintext is answered in place of an earlier one', () => {
  const drained = (): TraceScript => {
    const script = new TraceScript().session(1, 'alice');
    for (let id = 1; id <= 39; id++) script.served(1, id);
    return script.send(1, pingFrame(100), pingFrame(101));
  };
  expect(judgeSessions([takesFramesInOrder])(drained().gets(1, pongFrame(100)).end(5_000))).toEqual({ findings: [], exercised: true });
  expect(clauses(takesFramesInOrder, drained().gets(1, pongFrame(101)))).toEqual(['WIR-035']);
});
