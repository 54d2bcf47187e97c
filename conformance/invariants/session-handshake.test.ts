import { describe, expect, test } from 'vitest';
import {
  endsSlowHandshakes,
  freshEphemerals,
  limitsHalfOpen,
  oneNoiseMessageEach,
  onlyHandshakeMessages,
  refusesFirstMessages,
  refusesHandshakes,
  shortFirstMessage,
} from './session-handshake.ts';
import { judgeSessions, type SessionRule } from './session-judge.ts';
import { pongFrame, TraceScript } from './session-trace.fixture.ts';

function judge(rule: SessionRule, script: TraceScript, endMs = 30_000) {
  return judgeSessions([rule])(script.end(endMs));
}

function clauses(rule: SessionRule, script: TraceScript, endMs = 30_000): string[] {
  return judge(rule, script, endMs).findings.map(({ clause }) => clause);
}

describe('refusesHandshakes', () => {
  const rule = refusesHandshakes(['SES-016'], (defect) => (defect?.kind === 'side' ? 'SES-016' : undefined));
  const otherSide = (): TraceScript => new TraceScript().open(1, 'mallory').handshake(1, { kind: 'side' });

  test('is content with an end in time and in silence', () => {
    expect(judge(rule, otherSide().at(1_000).closed(1))).toEqual({ findings: [], exercised: true });
  });

  test('the clause is named when the node stays, comes late, or speaks', () => {
    expect(clauses(rule, otherSide())).toEqual(['SES-016']);
    expect(clauses(rule, otherSide().at(1_001).closed(1))).toEqual(['SES-016']);
    expect(clauses(rule, otherSide().message(1, 'unreadable', 'ab').closed(1))).toEqual(['SES-016']);
    expect(clauses(rule, otherSide().gets(1, pongFrame(1)).closed(1))).toEqual(['SES-016']);
  });

  test('SES-018 is named when a node that dialled goes on to message 3', () => {
    const wrongPeer = refusesHandshakes(['SES-018'], (_, { label }) => (label === 'mallory' ? 'SES-018' : undefined));
    const script = (): TraceScript => new TraceScript().open(1, 'mallory', { direction: 'outbound' }).handshake(1, undefined, 'handshake2');
    expect(clauses(wrongPeer, script().closed(1))).toEqual([]);
    expect(clauses(wrongPeer, script().message(1, 'handshake3', 'ab').closed(1))).toEqual(['SES-018']);
  });

  test('nothing is said when the message with the defect was never sent', () => {
    const cut = new TraceScript().open(1, 'mallory').handshake(1, { kind: 'side' }, 'handshake1').closed(1);
    expect(judge(rule, cut)).toEqual({ findings: [], exercised: false });
  });
});

describe('refusesFirstMessages', () => {
  const rule = refusesFirstMessages(['WIR-010'], ({ bytes }) => (bytes === '' ? 'WIR-010' : undefined));
  const empty = (): TraceScript => new TraceScript().open(1, 'mallory').step({ op: 'raw', link: 1, bytes: '' });

  test('the clause is named when the node stays or answers', () => {
    expect(judge(rule, empty().closed(1))).toEqual({ findings: [], exercised: true });
    expect(clauses(rule, empty())).toEqual(['WIR-010']);
    expect(clauses(rule, empty().message(1, 'unreadable', 'ab').closed(1))).toEqual(['WIR-010']);
  });
});

describe('endsSlowHandshakes', () => {
  const idle = (direction: 'inbound' | 'outbound' = 'inbound'): TraceScript => new TraceScript().at(100).open(1, 'slow', { direction });

  test('SES-008 is content from the timeout to the reaction time behind it', () => {
    expect(judge(endsSlowHandshakes('inbound'), idle().at(5_100).closed(1))).toEqual({ findings: [], exercised: true });
    expect(clauses(endsSlowHandshakes('inbound'), idle().at(6_100).closed(1))).toEqual([]);
  });

  test('SES-008 is named before, after and never; SES-009 for dialled peers', () => {
    expect(clauses(endsSlowHandshakes('inbound'), idle().at(5_099).closed(1))).toEqual(['SES-008']);
    expect(clauses(endsSlowHandshakes('inbound'), idle().at(6_101).closed(1))).toEqual(['SES-008']);
    expect(clauses(endsSlowHandshakes('inbound'), idle())).toEqual(['SES-008']);
    expect(clauses(endsSlowHandshakes('outbound'), idle('outbound'))).toEqual(['SES-009']);
    expect(clauses(endsSlowHandshakes('inbound'), idle('outbound'))).toEqual([]);
  });

  test('a handshake that is complete in time is none of it', () => {
    expect(clauses(endsSlowHandshakes('inbound'), idle().at(5_000).up(1))).toEqual([]);
  });
});

describe('limitsHalfOpen', () => {
  const address = '198.51.100.7';
  const four = (): TraceScript => {
    const script = new TraceScript();
    for (let link = 1; link <= 4; link++) script.open(link, `idle-${link}`, { address });
    return script;
  };

  test('SES-010 is named when a fifth of the address stays, or a fourth is refused', () => {
    expect(judge(limitsHalfOpen('SES-010'), four().open(5, 'fifth', { address }).closed(5), 4_000)).toEqual({
      findings: [],
      exercised: true,
    });
    expect(clauses(limitsHalfOpen('SES-010'), four().open(5, 'fifth', { address }), 4_000)).toEqual(['SES-010']);
    expect(clauses(limitsHalfOpen('SES-010'), four().closed(4), 4_000)).toEqual(['SES-010']);
  });

  test('SES-010 leaves other addresses alone, and forgets what is complete', () => {
    expect(judge(limitsHalfOpen('SES-010'), four().open(5, 'other', { address: '198.51.100.8' }), 4_000)).toEqual({
      findings: [],
      exercised: false,
    });
    expect(clauses(limitsHalfOpen('SES-010'), four().up(1).open(5, 'fifth', { address }), 4_000)).toEqual([]);
  });

  test('SES-011 is named when one beyond the total stays', () => {
    const many = (): TraceScript => {
      const script = new TraceScript();
      for (let link = 1; link <= 33; link++) script.open(link, `idle-${link}`);
      return script;
    };
    expect(judge(limitsHalfOpen('SES-011'), many().closed(33), 4_000)).toEqual({ findings: [], exercised: true });
    expect(clauses(limitsHalfOpen('SES-011'), many(), 4_000)).toEqual(['SES-011']);
  });
});

describe('messages of the node', () => {
  const answered = (link: number, key: string): TraceScript =>
    new TraceScript()
      .open(link, 'alice')
      .handshake(link)
      .message(link, 'handshake2', `${key.repeat(32)}ff`);

  test('SES-004 is named for an ephemeral key that comes twice', () => {
    const two = (first: string, second: string): TraceScript =>
      answered(1, first)
        .open(2, 'bob')
        .handshake(2)
        .message(2, 'handshake2', `${second.repeat(32)}00`);
    expect(judge(freshEphemerals, two('ab', 'cd'))).toEqual({ findings: [], exercised: true });
    expect(clauses(freshEphemerals, two('ab', 'ab'))).toEqual(['SES-004']);
  });

  test('SES-012 is named for any other message before the handshake is complete', () => {
    expect(judge(onlyHandshakeMessages, answered(1, 'ab').up(1).gets(1, pongFrame(1)))).toEqual({ findings: [], exercised: true });
    expect(clauses(onlyHandshakeMessages, answered(1, 'ab').gets(1, pongFrame(1)))).toEqual(['SES-012']);
    expect(clauses(onlyHandshakeMessages, new TraceScript().open(1, 'alice').message(1, 'unreadable', 'ab'))).toEqual(['SES-012']);
  });

  test('WIR-009 is named for a message that does not open', () => {
    const up = (): TraceScript => answered(1, 'ab').up(1).served(1, 5);
    expect(judge(oneNoiseMessageEach, up())).toEqual({ findings: [], exercised: true });
    expect(clauses(oneNoiseMessageEach, up().message(1, 'unreadable', 'ab'))).toEqual(['WIR-009']);
  });

  test('SES-002 is named for a message 1 of another size', () => {
    const dialled = (size: number): TraceScript =>
      new TraceScript().open(1, 'alice', { direction: 'outbound' }).message(1, 'handshake1', 'ab'.repeat(size));
    expect(judge(shortFirstMessage, dialled(32))).toEqual({ findings: [], exercised: true });
    expect(clauses(shortFirstMessage, dialled(33))).toEqual(['SES-002']);
  });
});
