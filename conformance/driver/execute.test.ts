import { afterEach, describe, expect, test } from 'vitest';
import { Clock } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { HarnessError, PlanError, TargetError } from './errors.ts';
import { executePlan, WALL_START_MS } from './execute.ts';
import type { EnvelopeSpec, HandshakeDefect, Plan, Setup, Step } from './plan.ts';
import { openTarget, type Target } from './target.ts';
import { encodeResponse, listenToy, type ToyQuirks } from './testing/toy-adapter.ts';
import type { Trace, TraceEvent } from './trace.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function openToy(quirks: ToyQuirks = {}): Promise<Target> {
  const server = await listenToy(quirks);
  closers.push(() => server.close());
  const target = await openTarget({ type: 'listening', address: server.address });
  closers.push(() => target.close());
  return target;
}

const RAW_ONLY = ['raw', 'reasons', 'gossip/1', 'direct/1'];
const open = (link: number, peer = `peer-${link}`): Step => ({ op: 'open', link, peer, mode: 'session' });
const advance = (ms: number, pongs = true): Step => ({ op: 'advance', ms, pongs });
const push = (link: number, envelope: EnvelopeSpec): Step => ({
  op: 'frames',
  link,
  frames: [{ body: { type: 'Push', topic: 'app/t', items: [{ hops: 0, envelope }] } }],
});
const message = (name: string, more: Partial<EnvelopeSpec> = {}): EnvelopeSpec => ({
  origin: 'alice',
  topic: 'app/t',
  ageMs: 0,
  sequence: 1,
  data: '61',
  name,
  ...more,
});

function run(target: Target, steps: readonly Step[], setup: Setup = {}): Promise<Trace> {
  return executePlan(target, { setup, steps }, { seed: 'seed', runId: 'run' });
}

function eventsOf<Type extends TraceEvent['type']>(trace: Trace, type: Type): readonly Extract<TraceEvent, { type: Type }>[] {
  return trace.events.filter((event): event is Extract<TraceEvent, { type: Type }> => event.type === type);
}

const peerOf = (trace: Trace, label: string): string | undefined => trace.peerIds[label];
const bodiesOf = (trace: Trace, link: number): readonly string[] =>
  eventsOf(trace, 'frame')
    .filter((event) => event.link === link)
    .map(({ frame }) => frame.body?.type ?? 'malformed');

describe.each([
  ['established', undefined],
  ['raw', RAW_ONLY],
])('a session by %s links', (_, capabilities) => {
  const quirks = capabilities === undefined ? {} : { capabilities };

  test('a Ping is answered, and its Pong can be referred to', async () => {
    const trace = await run(await openToy(quirks), [
      open(1),
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
      {
        op: 'frames',
        link: 1,
        frames: [{ requestId: { ref: '$-1.pong.requestId' }, body: { type: 'Ping', nonce: { ref: '$*.pong.nonce' } } }],
      },
    ]);
    const pongs = eventsOf(trace, 'frame').map(({ frame }) => frame);
    expect(pongs.map(({ body }) => body)).toEqual([
      { type: 'Pong', nonce: '0102030405060708' },
      { type: 'Pong', nonce: '0102030405060708' },
    ]);
    expect(new Set(pongs.map(({ requestId }) => requestId)).size).toBe(1);
    const up = eventsOf(trace, 'sessionUp');
    expect(up).toMatchObject([{ link: 1, nodePeerId: trace.nodePeerId, capabilities: ['gossip/1'] }]);
    expect(eventsOf(trace, 'notSent')).toEqual([]);
    expect(trace.events.map(({ atMs }) => atMs)).toEqual(trace.events.map(({ atMs }) => atMs).sort((a, b) => a - b));
  });

  test('the node’s Pings are answered on the way, echoing request id and nonce', async () => {
    const trace = await run(await openToy(quirks), [open(1), advance(60_000)]);
    const pings = eventsOf(trace, 'frame').filter(({ frame }) => frame.body?.type === 'Ping');
    const pongs = eventsOf(trace, 'sentFrame').filter(({ auto }) => auto);
    expect(pings.map(({ atMs }) => atMs)).toEqual([15_000, 30_000, 45_000, 60_000]);
    expect(pongs.map(({ frame, atMs }) => [frame.requestId, frame.body?.type === 'Pong' && frame.body.nonce, atMs])).toEqual(
      pings.map(({ frame, atMs }) => [frame.requestId, frame.body?.type === 'Ping' && frame.body.nonce, atMs]),
    );
    expect(trace.endMs).toBe(60_000);
  });

  test('Pings stay unanswered when the plan says so, also later', async () => {
    const trace = await run(await openToy(quirks), [open(1), advance(20_000, false), advance(5_000)]);
    expect(eventsOf(trace, 'frame').length).toBe(1);
    expect(eventsOf(trace, 'sentFrame')).toEqual([]);
  });

  test('a message is made once by its name, carries the wall clock, and is known again', async () => {
    const trace = await run(await openToy(quirks), [
      open(1),
      open(2),
      advance(1_000),
      push(1, message('m', { ageMs: 250 })),
      advance(500),
      push(2, message('m', { ageMs: 999 })),
      push(2, message('m', { defect: { kind: 'signature' } })),
    ]);
    const sent = eventsOf(trace, 'sentFrame').flatMap(({ frame }) => (frame.body?.type === 'Push' ? frame.body.items : []));
    expect(sent.map(({ envelope }) => envelope.name)).toEqual(['m', 'm', 'm']);
    expect(sent[0]?.envelope.createdMs).toBe(BigInt(WALL_START_MS + 750));
    expect(sent[1]?.envelope.hash).toBe(sent[0]?.envelope.hash);
    expect(sent[2]?.envelope.hash).not.toBe(sent[0]?.envelope.hash);
    expect(sent[2]?.envelope.id).toBe(sent[0]?.envelope.id);
    expect(sent[0]?.envelope.origin).toBe(peerOf(trace, 'alice'));
    expect(eventsOf(trace, 'deliver')).toMatchObject([
      { topic: 'app/t', id: sent[0]?.envelope.id, origin: peerOf(trace, 'alice'), data: '61' },
    ]);
    expect(eventsOf(trace, 'verdict').map(({ verdict, code }) => `${verdict} ${code}`)).toEqual([
      'accept ',
      'ignore E_DUPLICATE',
      'reject E_SIGNATURE',
    ]);
    const forwarded = eventsOf(trace, 'frame').find(({ frame }) => frame.body?.type === 'Push');
    expect(forwarded).toMatchObject({ link: 2, frame: { body: { items: [{ hops: 1, envelope: { name: 'm' } }] } } });
  });

  test('a closed link is recorded once, and nothing is sent on it afterwards', async () => {
    const trace = await run(await openToy(quirks), [
      open(1),
      { op: 'plaintext', link: 1, bytes: '03ff0000' },
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
      { op: 'closeLink', link: 1 },
      open(2),
      { op: 'closeLink', link: 2 },
      { op: 'frames', link: 2, frames: [{ body: { type: 'Graft', origins: [{ zero: true }] } }] },
      { op: 'plaintext', link: 9, bytes: '00' },
    ]);
    expect(eventsOf(trace, 'closed')).toMatchObject([
      { link: 1, by: 'node', code: 'E_VARINT', step: 1 },
      { link: 2, by: 'kit', code: undefined, step: 5 },
    ]);
    expect(eventsOf(trace, 'notSent').map(({ link, step }) => [link, step])).toEqual([
      [1, 2],
      [1, 3],
      [2, 6],
      [9, 7],
    ]);
    expect(eventsOf(trace, 'sentFrame')).toEqual([]);
  });

  test('several frames go in one plaintext, odd kinds and tails included', async () => {
    const trace = await run(await openToy(quirks), [
      open(1),
      {
        op: 'frames',
        link: 1,
        frames: [
          { kind: 301, body: { type: 'raw', bytes: '00' } },
          { body: { type: 'Ping', nonce: '0102030405060708' } },
          { requestId: '7', body: { type: 'Ping', nonce: '1112131415161718' } },
        ],
        tail: '05',
      },
    ]);
    expect(eventsOf(trace, 'sentFrame').map(({ frame }) => [frame.kind, frame.requestId])).toEqual([
      [301, 0],
      [2, 1001],
      [2, 7],
    ]);
    expect(eventsOf(trace, 'sentRaw').filter(({ role }) => role === 'plaintext')).toMatchObject([{ bytes: '05' }]);
    expect(bodiesOf(trace, 1)).toEqual(['Pong', 'Pong']);
    expect(eventsOf(trace, 'closed')).toMatchObject([{ code: 'E_FRAME_LENGTH' }]);
  });
});

describe('raw links', () => {
  const raw = (link: number): Step => ({ op: 'open', link, peer: 'alice', mode: 'raw' });
  const handshake = (link: number, defect?: HandshakeDefect): Step =>
    defect === undefined ? { op: 'handshake', link } : { op: 'handshake', link, defect };

  test('the handshake’s messages are in the trace, then its session', async () => {
    const trace = await run(await openToy(), [
      raw(1),
      handshake(1),
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
    ]);
    expect(eventsOf(trace, 'sentRaw').map(({ role }) => role)).toEqual(['handshake1', 'handshake3']);
    expect(eventsOf(trace, 'message').map(({ role }) => role)).toEqual(['handshake2']);
    expect(eventsOf(trace, 'sessionUp')).toMatchObject([{ capabilities: ['gossip/1'], offered: ['direct/1', 'gossip/1'] }]);
    expect(bodiesOf(trace, 1)).toEqual(['Pong']);
  });

  test('a defect ends in a closed link and no session', async () => {
    const defects: readonly HandshakeDefect[] = [
      { kind: 'message1Length', size: 31 },
      { kind: 'message1Payload', bytes: '00' },
      { kind: 'zeroEphemeral' },
      { kind: 'flipByte', message: 3, offset: 5 },
      { kind: 'oversize', message: 3, size: 5_000 },
      { kind: 'prologue', networkId: 'other' },
      { kind: 'side' },
      { kind: 'staticKeySignature' },
      { kind: 'reflectHello' },
      { kind: 'earlyData' },
    ];
    const target = await openToy();
    for (const defect of defects) {
      const trace = await run(target, [raw(1), handshake(1, defect), advance(1_000)]);
      expect([
        defect.kind,
        eventsOf(trace, 'closed').length,
        eventsOf(trace, 'sessionUp').length,
        eventsOf(trace, 'handshakeFailed').length,
      ]).toEqual([defect.kind, 1, 0, 1]);
    }
  });

  test('a node that takes a bad hello shows a session', async () => {
    const trace = await run(await openToy({ isCareless: true }), [raw(1), handshake(1, { kind: 'staticKeySignature' })]);
    expect(eventsOf(trace, 'sessionUp').length).toBe(1);
    expect(eventsOf(trace, 'handshakeFailed')).toEqual([]);
  });

  test('message 3 of an earlier handshake is sent again; a sealed message too', async () => {
    const trace = await run(await openToy(), [
      raw(1),
      handshake(1),
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
      { op: 'raw', link: 1, bytes: { replay: true } },
      raw(2),
      handshake(2, { kind: 'replayMessage3' }),
    ]);
    expect(eventsOf(trace, 'closed')).toMatchObject([
      { link: 1, code: 'E_DECRYPT' },
      { link: 2, code: 'E_HANDSHAKE' },
    ]);
    const thirds = eventsOf(trace, 'sentRaw').filter(({ role }) => role === 'handshake3');
    expect(thirds.length).toBe(2);
    expect(thirds[0]?.bytes).toBe(thirds[1]?.bytes);
  });

  test('a kit that stops leaves the node to its timeout', async () => {
    const trace = await run(await openToy(), [raw(1), handshake(1, { kind: 'stopAfter', message: 1 }), raw(2), advance(6_000)]);
    expect(eventsOf(trace, 'message').map(({ role }) => role)).toEqual(['handshake2']);
    expect(eventsOf(trace, 'closed').map(({ link, atMs, code }) => [link, atMs, code])).toEqual([
      [1, 5_000, 'E_HANDSHAKE_TIMEOUT'],
      [2, 5_000, 'E_HANDSHAKE_TIMEOUT'],
    ]);
  });

  test('SES-030 a sealed message that is flipped, cut or overtaken by the next does not decrypt', async () => {
    const ping = `0c0207${'0a08'}${'01'.repeat(8)}`;
    const target = await openToy();
    for (const spoil of [
      { kind: 'flip', offset: 0 },
      { kind: 'flip', offset: -1 },
      { kind: 'cut', count: 1 },
    ] as const) {
      const trace = await run(target, [raw(1), handshake(1), { op: 'plaintext', link: 1, bytes: ping, spoil }]);
      expect(eventsOf(trace, 'closed')).toMatchObject([{ code: 'E_DECRYPT' }]);
    }
    const held = await run(target, [
      raw(1),
      handshake(1),
      { op: 'plaintext', link: 1, bytes: ping, spoil: { kind: 'hold' } },
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
    ]);
    expect(eventsOf(held, 'closed')).toMatchObject([{ code: 'E_DECRYPT', step: 3 }]);
    expect(bodiesOf(held, 1)).toEqual([]);
  });

  test('raw messages go as they are', async () => {
    const trace = await run(await openToy(), [
      raw(1),
      { op: 'raw', link: 1, bytes: { size: 70_000 } },
      raw(2),
      { op: 'raw', link: 2, bytes: '61', text: true },
    ]);
    expect(eventsOf(trace, 'closed').map(({ code }) => code)).toEqual(['E_TRANSPORT', 'E_TRANSPORT']);
    expect(eventsOf(trace, 'sentRaw').map(({ bytes, text }) => [bytes.length, text])).toEqual([
      [140_000, false],
      [2, true],
    ]);
  });
});

describe('what a target cannot do', () => {
  test('is found before the first step', async () => {
    const target = await openToy({ capabilities: ['established', 'gossip/1'] });
    const needs: readonly (readonly [Step, RegExp, Setup?])[] = [
      [{ op: 'open', link: 1, peer: 'a', mode: 'raw' }, /"raw"/],
      [{ op: 'connect', address: 'ws://127.0.0.1:1' }, /"outbound"/],
      [{ op: 'crash' }, /"restart"/],
      [{ op: 'validated', index: 0, verdict: 'accept' }, /"validation"/],
      [advance(1), /"validation"/, { applicationValidation: true }],
      [{ op: 'upgrade', link: 1, subprotocols: [] }, /level wire/],
    ];
    for (const [step, text, setup] of needs) {
      const error: unknown = await run(target, [step], setup).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(PlanError);
      expect(error).toMatchObject({ reason: 'needs', step: undefined, message: expect.stringMatching(text) });
    }
    const many = Array.from({ length: 65 }, (_, link) => open(link));
    await expect(run(target, many)).rejects.toThrow(/65 links/);
    const none = await openToy({ clock: Clock.NONE });
    await expect(run(none, [])).rejects.toThrow(/Evaluate/);
  });

  test('refused or unsupported on the way is a PlanError with its step', async () => {
    const target = await openToy();
    expect(await run(target, [], { overrides: { 'gossip.active_min': '0' } }).catch((error: unknown) => error)).toMatchObject({
      name: 'PlanError',
      reason: 'refused',
      step: undefined,
    });
    const error: unknown = await run(target, [open(1), { op: 'publish', topic: 'app/t', data: '61' }]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'PlanError', reason: 'unsupported', step: 1 });
    // The node of the failed run is gone.
    expect((await run(target, [open(1)])).events.length).toBeGreaterThan(0);
  });

  test('effects that cannot be are the adapter’s fault', async () => {
    const cases: readonly (readonly [Parameters<typeof encodeResponse>[1], RegExp])[] = [
      [{ case: 'step', value: { $typeName: 'carillon.adapter.v1.StepResponse', nowMs: 5n, effects: [] } }, /moved the virtual clock/],
      [
        {
          case: 'step',
          value: {
            $typeName: 'carillon.adapter.v1.StepResponse',
            nowMs: 0n,
            effects: [
              {
                $typeName: 'carillon.adapter.v1.Effect',
                atMs: 0n,
                effect: { case: 'close', value: { $typeName: 'carillon.adapter.v1.CloseEffect', link: 77, code: '' } },
              },
            ],
          },
        },
        /names link 77/,
      ],
      [
        {
          case: 'step',
          value: {
            $typeName: 'carillon.adapter.v1.StepResponse',
            nowMs: 0n,
            effects: [{ $typeName: 'carillon.adapter.v1.Effect', atMs: 9n, effect: { case: undefined } }],
          },
        },
        /outside of 0 to 0/,
      ],
    ];
    for (const [result, text] of cases) {
      const target = await openToy({ answer: ({ id, op }) => (op.case === 'open' ? encodeResponse(id, result) : undefined) });
      const error: unknown = await run(target, [open(1)]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TargetError);
      expect(error).toMatchObject({ code: 'E_ADAPTER', message: expect.stringMatching(text) });
    }
  });

  test('an Advance that never moves the clock is a livelock', async () => {
    const still: ToyQuirks = {
      answer: ({ id, op }) =>
        op.case === 'advance'
          ? encodeResponse(id, { case: 'step', value: { $typeName: 'carillon.adapter.v1.StepResponse', nowMs: 0n, effects: [] } })
          : undefined,
    };
    const error: unknown = await run(await openToy(still), [advance(10)]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'E_CRASHED', message: expect.stringContaining('livelock') });
  });
});

test('a plan that means nothing is the kit’s fault', async () => {
  const target = await openToy();
  const steps: readonly Step[] = [
    { op: 'frames', link: 1, frames: [{ body: { type: 'raw', bytes: '' } }] },
    { op: 'frames', link: 1, frames: [] },
    { op: 'frames', link: 1, frames: [{ requestId: { ref: 'pong' }, body: { type: 'Ping', nonce: '0102030405060708' } }] },
    push(1, message('x', { ageMs: WALL_START_MS + 1 })),
    { op: 'frames', link: 1, frames: [{ kind: 301, body: { type: 'raw', bytes: '00'.repeat(65_519) } }] },
  ];
  for (const step of steps) await expect(run(target, [open(1), step])).rejects.toThrow(HarnessError);
});

test('an unresolved reference is not sent and the plan goes on', async () => {
  const trace = await run(await openToy(), [
    open(1),
    {
      op: 'frames',
      link: 1,
      frames: [{ requestId: { ref: '$*.ping.requestId' }, body: { type: 'Pong', nonce: { ref: '$*.ping.nonce' } } }],
    },
    { op: 'frames', link: 1, frames: [{ body: { type: 'Iwant', ids: [{ ref: '$*.ihave.ids.0' }] } }] },
    { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
  ]);
  expect(eventsOf(trace, 'notSent').map(({ step }) => step)).toEqual([1, 2]);
  expect(bodiesOf(trace, 1)).toEqual(['Pong']);
});

test('the same seed and run id give the same trace; stakes and parameters are in it', async () => {
  const target = await openToy();
  const plan: Plan = {
    setup: { stakes: true, overrides: { 'session.ping_interval_ms': '9000' } },
    steps: [open(1, 'stake-1'), push(1, message('m')), advance(40_000)],
  };
  const [one, other] = [
    await executePlan(target, plan, { seed: 'a', runId: '1' }),
    await executePlan(target, plan, { seed: 'a', runId: '1' }),
  ];
  expect(one).toEqual(other);
  expect(Object.keys(one.stakes).length).toBe(41);
  expect(one.stakes[one.peerIds['stake-1'] ?? '']).toBe(1_000);
  expect(one.parameters['session.ping_interval_ms']).toBe(9_000);
  expect(one.parameters['gossip.active_min']).toBe(6);
  const third = await executePlan(target, plan, { seed: 'a', runId: '2' });
  expect(peerOf(third, 'alice')).not.toBe(peerOf(one, 'alice'));
  expect(third.peerIds['stake-1']).toBe(one.peerIds['stake-1']);
});
