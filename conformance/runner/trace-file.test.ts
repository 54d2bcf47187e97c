import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { EnvelopeSpec, Plan, Step } from '../driver/plan.ts';
import type { TraceEvent } from '../driver/trace.ts';
import { describePlan } from './describe.ts';
import { fakeExecutor, findingOf, jobOf, PASSING, planCheck, SETTINGS, traceOf } from './fake-executor.ts';
import { runJobs } from './run.ts';
import { makeTraceFile, parseTrace, planOf, readTraceFile, traceSchemaText, traceText } from './trace-file.ts';

const ENVELOPE: EnvelopeSpec = {
  origin: 'alice',
  topic: 'app/test',
  ageMs: -5,
  sequence: 1,
  data: { size: 9 },
  defect: { kind: 'version', version: 2 },
  name: 'm1',
};

// One of each operation: the compiler asks for those that are added to the plan's type.
const EVERY_STEP: { readonly [Op in Step['op']]: Extract<Step, { op: Op }> } = {
  open: { op: 'open', link: 1, peer: 'alice', mode: 'raw', direction: 'outbound', address: 'ws://10.0.0.1:80', capabilities: ['gossip/1'] },
  handshake: { op: 'handshake', link: 1, defect: { kind: 'flipByte', message: 3, offset: -1 }, roles: 2, capabilities: [] },
  frames: {
    op: 'frames',
    link: 1,
    frames: [
      { body: { type: 'Ping', nonce: '0011223344556677' }, requestId: 7 },
      { body: { type: 'Pong', nonce: { ref: '$-1.ping.nonce' } }, requestId: { ref: '$-1.ping.requestId' }, kind: 4 },
      { body: { type: 'GoAway', code: 1, retryAfterMs: '18446744073709551615' } },
      { body: { type: 'Push', topic: 'app/test', items: [{ hops: 3, envelope: ENVELOPE }] } },
      { body: { type: 'Direct', topic: 'app/test', envelopes: [ENVELOPE] } },
      { body: { type: 'Prune', origins: [{ label: 'alice' }, { zero: true }, '00'], backoffMs: 1 } },
      { body: { type: 'Graft', origins: [] } },
      { body: { type: 'Ihave', topic: 'app/test', ids: [{ of: ENVELOPE }, { ref: '$1.push.id' }, '00'] } },
      { body: { type: 'Iwant', ids: [] } },
      { body: { type: 'Idontwant', ids: [] } },
      { body: { type: 'raw', bytes: 'ff' }, kind: 999 },
    ],
    tail: 'ff',
  },
  plaintext: { op: 'plaintext', link: 1, bytes: '', spoil: { kind: 'flip', offset: -1 } },
  raw: { op: 'raw', link: 1, bytes: { replay: true }, text: true, unfinished: true },
  upgrade: { op: 'upgrade', link: 2, subprotocols: ['carillon.v1'], extensions: 'permessage-deflate' },
  advance: { op: 'advance', ms: 100, pongs: false },
  publish: { op: 'publish', topic: 'app/test', data: '6162' },
  closeLink: { op: 'closeLink', link: 1 },
  connect: { op: 'connect', address: 'ws://10.0.0.1:80', expected: 'alice' },
  validated: { op: 'validated', index: 0, verdict: 'ignore' },
  dialFailed: { op: 'dialFailed', dialled: 'ws://10.0.0.1:80' },
  resolved: { op: 'resolved', name: 'a.example', texts: ['x'] },
  command: { op: 'command', command: 'dht.lookup', args: [{ peerId: 'alice' }, { u64: 7 }], label: 'a' },
  datagram: {
    op: 'datagram',
    from: '198.18.0.9:4000',
    frame: { body: { type: 'message', message: 'Ping', fields: { nonce: { size: 8 } }, tail: '00' } },
    cookie: '0011223344556677',
    token: { ref: '$*.retry.token' },
    by: 'alice',
    defect: { kind: 'tail', bytes: '00' },
  },
  rawDatagram: { op: 'rawDatagram', from: '198.18.0.9:4000', bytes: { size: 9 } },
  behave: {
    op: 'behave',
    as: 'answers',
    with: { Ping: { message: 'Pong', fields: {} } },
    at: ['198.18.0.9:4000'],
    peer: 'alice',
    capabilities: [],
    roles: 1,
    listenAddresses: [],
  },
  crash: { op: 'crash' },
  restart: { op: 'restart' },
};

const PLAN: Plan = { setup: { stakes: true, overrides: { 'gossip.prune_after': '5' } }, steps: Object.values(EVERY_STEP) };
const ORIGIN = { check: 'test.wait', spec: '0.1', level: 'adapter', seed: 'ab'.repeat(32), runId: 'test.wait/0' } as const;
const FINDING = { clause: 'TST-001', expected: 'The node waits.', observed: 'The node does not wait.' };
const EVENTS: readonly TraceEvent[] = [
  { type: 'sentRaw', atMs: 0, step: 1, link: 1, bytes: 'aa', text: false, role: 'handshake1' },
  {
    type: 'sentFrame',
    atMs: 0,
    step: 2,
    link: 1,
    frame: { kind: 2, requestId: 7, body: { type: 'Ping', nonce: '00' }, raw: '0a02' },
    size: 2,
    auto: false,
  },
  {
    type: 'frame',
    atMs: 1,
    step: 2,
    link: 1,
    frame: { kind: 6, requestId: 0, body: { type: 'GoAway', code: 7, retryAfterMs: 5n }, raw: '00' },
  },
];

const make = () => makeTraceFile(ORIGIN, PLAN, FINDING, traceOf(PLAN, EVENTS));
const linesOf = (text: string): string[] => text.trimEnd().split('\n');

describe('trace files', () => {
  test('come back as they were written, plan and all', () => {
    const file = make();
    const read = parseTrace('a.jsonl', traceText(file));
    expect(read).toEqual(file);
    expect(planOf(read)).toEqual(PLAN);
  });

  test('hold the bytes that were sent, what was seen, and the keys of every label', () => {
    const { header, steps } = make();
    expect(steps[1]?.sent).toEqual([{ atMs: 0, link: 1, message: 'aa', text: false, role: 'handshake1' }]);
    expect(steps[2]?.sent).toEqual([{ atMs: 0, link: 1, frame: '0a02', auto: false }]);
    expect(steps[2]?.observed).toMatchObject([{ type: 'frame', frame: { body: { retryAfterMs: '5' } } }]);
    expect(Object.keys(header.identities)).toEqual(expect.arrayContaining(['alice', 'node', 'stake-1']));
    const { alice } = header.identities;
    expect(alice?.publicKey).toMatch(/^[0-9a-f]{64}$/);
  });

  test('of a target that died say what was meant', () => {
    const file = makeTraceFile(ORIGIN, PLAN, FINDING, undefined);
    expect(planOf(parseTrace('a.jsonl', traceText(file)))).toEqual(PLAN);
    expect(file.steps.every((step) => step.sent.length === 0)).toBe(true);
  });

  test('that are not in order are refused with the line', () => {
    const lines = linesOf(traceText(make()));
    const [header = '', first = ''] = lines;
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /an empty file/],
      ['nonsense\n', /JSON in line 1/],
      [lines.slice(0, -1).join('\n'), /a result in the last line.*cut off/],
      [lines.slice(1).join('\n'), /a header in line 1/],
      [[header, ...lines.slice(2)].join('\n'), /step 0 in line 2.*step 1/],
      [[header.replace('"schema":1', '"schema":2'), ...lines.slice(1)].join('\n'), /a trace of version 1.*version 2/],
      [[header, first.replace('"op":"open"', '"op":"shut"'), ...lines.slice(2)].join('\n'), /line 2/],
      [[header, first.replace('"link":1', '"link":-1'), ...lines.slice(2)].join('\n'), /line 2/],
      [[header, first.replace('"link":1', '"link":1,"extra":0'), ...lines.slice(2)].join('\n'), /line 2/],
      [[header, '{}', ...lines.slice(2)].join('\n'), /line 2/],
      ['null\n', /line 1/],
    ];
    for (const [text, message] of cases) {
      expect(() => parseTrace('a.jsonl', text)).toThrow(message);
      expect(() => parseTrace('a.jsonl', text)).toThrow(expect.objectContaining({ code: 'E_TRACE' }));
    }
    expect(() => readTraceFile('/nonexistent/a.jsonl')).toThrow(/ENOENT/);
  });

  test('have the form of trace.schema.json, which scripts/trace-schema.ts writes', () => {
    const committed = JSON.parse(readFileSync(new URL('trace.schema.json', import.meta.url), 'utf8'));
    expect(committed).toEqual(JSON.parse(traceSchemaText()));
    const schema = z.fromJSONSchema(committed);
    for (const line of linesOf(traceText(make()))) expect(schema.safeParse(JSON.parse(line)).error).toBeUndefined();
  });

  test('are written for failures and lead to a replay line', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'carillon-trace-'));
    try {
      const check = planCheck({ plans: fc.constant(PLAN), judge: (trace) => (trace.events.length > 0 ? findingOf('TST-001') : PASSING) });
      const settings = { ...SETTINGS, traceDir: directory, targetFlags: { adapter: ' --exec ./node' } };
      const { results } = await runJobs([jobOf(check)], [fakeExecutor()], settings);
      const { failure } = results[0] ?? {};
      expect(failure?.replay).toMatch(/replay .*test\.wait\.adapter\.jsonl --exec \.\/node$/);
      const read = readTraceFile(join(directory, 'test.wait.adapter.jsonl'));
      expect(read.header).toMatchObject({ check: 'test.wait', clause: 'TST-001', level: 'adapter', runId: 'test.wait/0' });
      expect(read.steps).toHaveLength(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('plans in words', () => {
  test('every step has a line', () => {
    const lines = describePlan(PLAN);
    expect(lines).toHaveLength(PLAN.steps.length + 1);
    expect(lines[0]).toBe('setup: stakes, gossip.prune_after = 5');
    expect(lines.join('\n')).not.toContain('undefined');
    expect(lines.join('\n')).toContain('Prune [alice, all without stake, 00] for 1 ms');
  });
});
