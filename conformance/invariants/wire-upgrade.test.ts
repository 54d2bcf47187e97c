import { expect, test } from 'vitest';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { TraceScript } from './session-trace.fixture.ts';
import { refusesForeignUpgrades, selectsSubprotocol, takesNoCompression } from './wire-upgrade.ts';

function judge(
  rule: SessionRule,
  asked: { subprotocols: string[]; extensions?: string },
  answer: { status: number; subprotocol?: string; extensions?: string },
) {
  const script = new TraceScript({ level: 'wire' })
    .step({ op: 'upgrade', link: 1, ...asked })
    .add({ type: 'upgraded', link: 1, status: answer.status, subprotocol: answer.subprotocol, extensions: answer.extensions });
  const { findings, exercised } = judgeSessions([rule])(script.end(100));
  return exercised ? findings.map(({ clause }) => clause) : 'not exercised';
}

const own = ['chat', 'carillon.v1'];

test('WIR-002 is named when an upgrade without the subprotocol succeeds', () => {
  expect(judge(refusesForeignUpgrades, { subprotocols: ['chat'] }, { status: 400 })).toEqual([]);
  expect(judge(refusesForeignUpgrades, { subprotocols: [] }, { status: 101 })).toEqual(['WIR-002']);
  expect(judge(refusesForeignUpgrades, { subprotocols: own }, { status: 101 })).toBe('not exercised');
});

test('WIR-003 is named when the subprotocol is offered and not selected', () => {
  expect(judge(selectsSubprotocol, { subprotocols: own }, { status: 101, subprotocol: 'carillon.v1' })).toEqual([]);
  expect(judge(selectsSubprotocol, { subprotocols: own }, { status: 101, subprotocol: 'chat' })).toEqual(['WIR-003']);
  expect(judge(selectsSubprotocol, { subprotocols: own }, { status: 101 })).toEqual(['WIR-003']);
  expect(judge(selectsSubprotocol, { subprotocols: own }, { status: 400 })).toEqual(['WIR-003']);
});

test('WIR-005 is named when an extension that compresses is taken', () => {
  const asked = { subprotocols: own, extensions: 'permessage-deflate' };
  expect(judge(takesNoCompression, asked, { status: 101, subprotocol: 'carillon.v1' })).toEqual([]);
  expect(judge(takesNoCompression, asked, { status: 101, extensions: 'permessage-deflate' })).toEqual(['WIR-005']);
});
