import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  Clock,
  type CreateRequestSchema,
  Direction,
  type Effect,
  type InputRequestSchema,
  type OpenRequestSchema,
  Randomness,
  type Request,
  RequestSchema,
  type Response,
  type StepResponse,
  Until,
  VerdictKind,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { concatBytes, encodeUtf8, toHex, u64be } from '../core/bytes.ts';
import { encodePing, encodePush } from '../core/wire/body.ts';
import { encodeFrame, KIND_PING, KIND_PUSH, readFrame } from '../core/wire/frame.ts';
import { derivePeerId } from '../core/wire/peer-id.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { Adapter, CAPABILITIES } from './adapter.ts';
import { evaluate, FUNCTION_NAMES } from './evaluate.ts';

const NETWORK = encodeUtf8('test');
const WALL = 1_700_000_000_000n;
const SEED = new Uint8Array(32).fill(1);
const IDENTITY = new Uint8Array(32).fill(2);
const PEER_SEED = new Uint8Array(32).fill(3);
const PEER_KEY = nativeCrypto.ed25519PublicKey(PEER_SEED);

type Op = Request['op'];
type Init<C extends Op['case']> = Extract<MessageInitShape<typeof RequestSchema>['op'], { case: C }>;

/** An adapter that was greeted, and requests in short. */
class Kit {
  readonly adapter = new Adapter(nativeCrypto, { name: 'test', version: '0', specVersion: '0.1' });
  #id = 0n;

  constructor(isGreeted = true) {
    if (isGreeted) this.ask({ case: 'hello', value: { adapterVersion: 1, specVersion: '0.1' } });
  }

  ask(op: NonNullable<MessageInitShape<typeof RequestSchema>['op']>): Response['result'] {
    this.#id += 1n;
    const response = this.adapter.answer(create(RequestSchema, { id: this.#id, op }));
    expect(response.id).toBe(this.#id);
    return response.result;
  }

  step(op: NonNullable<MessageInitShape<typeof RequestSchema>['op']>): StepResponse {
    const result = this.ask(op);
    if (result.case !== 'step') throw new Error(`${op.case}: ${JSON.stringify(result)}`);
    return result.value;
  }

  create(init: Partial<MessageInitShape<typeof CreateRequestSchema>> = {}): StepResponse {
    const value = {
      node: 1,
      seed: SEED,
      identitySeed: IDENTITY,
      networkId: NETWORK,
      preset: 'conformance',
      wallStartMs: WALL,
      ...init,
    } as Init<'create'>['value'];
    return this.step({ case: 'create', value });
  }

  open(link: number, init: Partial<MessageInitShape<typeof OpenRequestSchema>> = {}): StepResponse {
    const value = {
      node: 1,
      link,
      direction: Direction.INBOUND,
      remoteAddress: '10.0.0.1',
      mode: { case: 'established', value: { publicKey: PEER_KEY, capabilities: ['gossip/1'] } },
      ...init,
    } as Init<'open'>['value'];
    return this.step({ case: 'open', value });
  }

  input(input: NonNullable<MessageInitShape<typeof InputRequestSchema>['input']>): StepResponse {
    return this.step({ case: 'input', value: { node: 1, input } });
  }

  advance(toMs: number, until: Until = Until.TARGET): StepResponse {
    return this.step({ case: 'advance', value: { node: 1, toMs: BigInt(toMs), until } });
  }

  /** Why a request was refused or not supported. */
  rejection(op: NonNullable<MessageInitShape<typeof RequestSchema>['op']>): string {
    const result = this.ask(op);
    if (result.case === 'refused') return `refused: ${result.value.reason}`;
    if (result.case === 'unsupported') return `unsupported: ${result.value.what}`;
    throw new Error(`${op.case} was carried out: ${result.case}`);
  }
}

function cases(effects: readonly Effect[]): readonly (string | undefined)[] {
  return effects.map(({ effect }) => effect.case);
}

/** Kinds of the frames that left on a link. */
function kinds(effects: readonly Effect[], link: number): readonly number[] {
  return effects.flatMap(({ effect }) => {
    if (effect.case !== 'frame' || effect.value.link !== link) return [];
    const found: number[] = [];
    for (let offset = 0; offset < effect.value.plaintext.length; ) {
      const frame = readFrame(effect.value.plaintext, offset);
      if (!frame.ok) throw new Error(`the node sent a frame that breaks ${frame.clause}`);
      found.push(frame.kind);
      offset = frame.next;
    }
    return found;
  });
}

function envelope(text: string, createdMs: bigint): Uint8Array {
  const value = (name: string, ...args: Uint8Array[]): Uint8Array => {
    const outcome = evaluate(nativeCrypto, name, args);
    return outcome?.type === 'values' ? (outcome.values[0] ?? new Uint8Array()) : new Uint8Array();
  };
  const payload = value('app.encode', u64be(createdMs), encodeUtf8('app/chat'), u64be(1), encodeUtf8(text));
  return value('envelope.seal', NETWORK, encodeUtf8('app'), PEER_SEED, payload);
}

function push(text: string, createdMs: bigint = WALL): Uint8Array {
  const items = [{ hops: 0, envelope: envelope(text, createdMs) }];
  return encodeFrame(KIND_PUSH, 0, encodePush({ topic: 'app/chat', items }));
}

const PING = encodeFrame(KIND_PING, 7, encodePing({ nonce: new Uint8Array(8).fill(9) }));

describe('hello', () => {
  test('declares what the adapter can do', () => {
    const result = new Kit(false).ask({ case: 'hello', value: { adapterVersion: 1, specVersion: '0.1' } });
    if (result.case !== 'hello') throw new Error('no hello');
    expect(result.value).toMatchObject({ adapterVersion: 1, conformanceClass: 'app', clock: Clock.VIRTUAL, randomness: Randomness.SEEDED });
    expect(result.value.capabilities).toEqual(CAPABILITIES);
    expect(result.value.functions).toEqual(FUNCTION_NAMES);
  });

  test('comes first', () => {
    expect(new Kit(false).rejection({ case: 'destroy', value: { node: 1 } })).toContain('hello');
  });
});

describe('CNF-002 CNF-003 requests that cannot be carried out', () => {
  test('an empty or unknown request is unsupported', () => {
    const kit = new Kit();
    const { result } = kit.adapter.answer(create(RequestSchema, { id: 5n }));
    expect(result.case).toBe('unsupported');
    kit.create();
    expect(kit.rejection({ case: 'input', value: { node: 1 } })).toMatch(/^unsupported/);
    expect(kit.rejection({ case: 'query', value: { node: 1, view: 'secrets' } })).toMatch(/^unsupported/);
    expect(kit.rejection({ case: 'evaluate', value: { function: 'md5', args: [] } })).toMatch(/^unsupported/);
    expect(kit.rejection({ case: 'open', value: { node: 1, link: 1, direction: Direction.INBOUND, remoteAddress: '10.0.0.1' } })).toMatch(
      /^unsupported/,
    );
    expect(kit.rejection({ case: 'advance', value: { node: 1, toMs: 5n, until: 9 as Until } })).toMatch(/^unsupported/);
  });

  test('a node that does not exist is refused, whatever is asked', () => {
    const kit = new Kit();
    const node = 9;
    for (const op of [
      { case: 'open', value: { node, link: 1 } },
      { case: 'input', value: { node, input: { case: 'publish', value: { topic: 'app/x' } } } },
      { case: 'advance', value: { node, toMs: 1n, until: Until.TARGET } },
      { case: 'query', value: { node, view: 'peers' } },
      { case: 'crash', value: { node } },
      { case: 'restart', value: { node } },
      { case: 'destroy', value: { node } },
    ] as const) {
      expect(kit.rejection(op)).toBe('refused: there is no node 9');
    }
  });

  test('a link that is not open, was used, or is of the other mode is refused and changes nothing', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    kit.open(2, { mode: { case: 'raw', value: {} }, remoteAddress: '10.0.0.2' });
    const before = kit.ask({ case: 'query', value: { node: 1, view: 'sessions' } });
    const frame = (link: number): string =>
      kit.rejection({ case: 'input', value: { node: 1, input: { case: 'frame', value: { link, plaintext: PING } } } });
    expect(frame(3)).toBe('refused: no link 3 is open');
    expect(frame(2)).toBe('refused: link 2 is raw, not established');
    expect(kit.rejection({ case: 'input', value: { node: 1, input: { case: 'message', value: { link: 1, data: PING } } } })).toBe(
      'refused: link 1 is established, not raw',
    );
    const raw = { case: 'raw', value: {} } as const;
    expect(
      kit.rejection({ case: 'open', value: { node: 1, link: 1, direction: Direction.INBOUND, remoteAddress: '10.0.0.1', mode: raw } }),
    ).toContain('used before');
    kit.input({ case: 'closed', value: { link: 1 } });
    expect(frame(1)).toBe('refused: no link 1 is open');
    expect(
      kit.rejection({ case: 'open', value: { node: 1, link: 1, direction: Direction.INBOUND, remoteAddress: '10.0.0.1', mode: raw } }),
    ).toContain('used before');
    expect(kit.rejection({ case: 'open', value: { node: 1, link: 4, remoteAddress: '10.0.0.1', mode: raw } })).toContain('direction');
    expect(
      kit.rejection({
        case: 'open',
        value: { node: 1, link: 4, direction: Direction.OUTBOUND, dial: 77n, remoteAddress: '10.0.0.1', mode: raw },
      }),
    ).toContain('77');
    kit.open(5);
    expect(kit.ask({ case: 'query', value: { node: 1, view: 'sessions' } })).toEqual(before);
  });

  test.each([
    ['a node number in use', {}, 'node 1 exists'],
    ['a seed of another size', { node: 2, seed: new Uint8Array(31) }, 'seed has 31 bytes'],
    ['an identity of another size', { node: 2, identitySeed: new Uint8Array(33) }, 'identity_seed has 33 bytes'],
    ['no network id', { node: 2, networkId: new Uint8Array(0) }, 'network_id has 0 bytes'],
    ['a network id that is too long', { node: 2, networkId: new Uint8Array(33) }, 'network_id has 33 bytes'],
    ['a preset that is none', { node: 2, preset: 'nope' }, 'E_CONFIG'],
    ['CNF-008 an unknown parameter', { node: 2, overrides: { 'gossip.nope': '1' } }, 'E_CONFIG'],
    ['CNF-008 a parameter outside its range', { node: 2, overrides: { 'gossip.heartbeat_ms': '1' } }, 'E_CONFIG'],
    ['CNF-008 a broken relation', { node: 2, overrides: { 'gossip.seen_ttl_ms': '1000' } }, 'E_CONFIG'],
    ['a wall clock beyond exact numbers', { node: 2, wallStartMs: 2n ** 60n }, 'wall_start_ms'],
    ['a stake without a PeerId', { node: 2, stakes: [{ peerId: new Uint8Array(31), amount: 1n }] }, 'peer_id has 31 bytes'],
    ['two stakes of one peer', { node: 2, stakes: [1n, 2n].map((amount) => ({ peerId: SEED, amount })) }, 'two stakes'],
  ])('Create with %s is refused', (_, init, reason) => {
    const kit = new Kit();
    kit.create();
    const value = { node: 1, seed: SEED, identitySeed: IDENTITY, networkId: NETWORK, preset: 'conformance', wallStartMs: WALL, ...init };
    expect(kit.rejection({ case: 'create', value })).toContain(reason);
    expect(kit.rejection({ case: 'destroy', value: { node: 2 } })).toContain('there is no node 2');
  });

  test('what no node would take is refused at Publish', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    const publish = (topic: string, size: number): string =>
      kit.rejection({ case: 'input', value: { node: 1, input: { case: 'publish', value: { topic, data: new Uint8Array(size) } } } });
    expect(publish('tx', 1)).toContain('E_TOPIC');
    expect(publish('app/chat', 40_000)).toContain('E_SIZE');
    expect(kinds(kit.advance(3_000).effects, 1)).not.toContain(KIND_PUSH);
  });
});

describe('the clock', () => {
  test('CNF-004 stands still until Advance moves it, and fires what falls due on the way', () => {
    const kit = new Kit();
    expect(kit.create().nowMs).toBe(0n);
    const opened = kit.open(1);
    expect(opened.nowMs).toBe(0n);
    expect(opened.nextWakeMs).toBeDefined();
    const step = kit.advance(15_000);
    expect(step.nowMs).toBe(15_000n);
    const [ping] = step.effects;
    expect(kinds(step.effects, 1)).toEqual([KIND_PING]);
    expect(ping?.atMs).toBeGreaterThan(0n);
    expect(ping?.atMs).toBeLessThanOrEqual(15_000n);
  });

  test('an hour passes at once', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    const startMs = performance.now();
    const step = kit.advance(3_600_000);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(step.nowMs).toBe(3_600_000n);
    // Nobody answered the Ping.
    expect(step.effects.map(({ effect }) => (effect.case === 'close' ? effect.value.code : ''))).toContain('E_PING_TIMEOUT');
  });

  test('until wake, effect and target stop where they say', () => {
    const kit = new Kit();
    kit.create();
    const { nextWakeMs } = kit.open(1);
    const wake = kit.advance(60_000, Until.WAKE);
    expect(wake.nowMs).toBe(nextWakeMs);
    const effect = kit.advance(60_000, Until.EFFECT);
    expect(effect.effects.length).toBeGreaterThan(0);
    expect(effect.effects.every(({ atMs }) => atMs === effect.nowMs)).toBe(true);
    expect(kit.advance(60_000, Until.TARGET).nowMs).toBe(60_000n);
    kit.create({ node: 2 });
    const idle = kit.step({ case: 'advance', value: { node: 2, toMs: 500n, until: Until.EFFECT } });
    expect([idle.nowMs, idle.effects]).toEqual([500n, []]);
  });

  test('does not run backwards, and until must be said', () => {
    const kit = new Kit();
    kit.create();
    kit.advance(100);
    expect(kit.rejection({ case: 'advance', value: { node: 1, toMs: 99n, until: Until.TARGET } })).toContain('stands at 100');
    expect(kit.rejection({ case: 'advance', value: { node: 1, toMs: 200n } })).toContain('until');
    expect(kit.rejection({ case: 'advance', value: { node: 1, toMs: 2n ** 63n, until: Until.TARGET } })).toContain('to_ms');
    expect(kit.advance(100).nowMs).toBe(100n);
  });

  test('GSP-016 the wall clock is the monotonic clock and the start', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    const deliveries = (text: string, createdMs: bigint): number =>
      cases(kit.input({ case: 'frame', value: { link: 1, plaintext: push(text, createdMs) } }).effects).filter((name) => name === 'deliver')
        .length;
    expect(deliveries('late by 1', WALL - 60_001n)).toBe(0);
    expect(deliveries('just in time', WALL - 60_000n)).toBe(1);
    kit.advance(1_000);
    expect(deliveries('in time no more', WALL - 60_000n + 999n)).toBe(0);
    expect(deliveries('in time again', WALL - 60_000n + 1_000n)).toBe(1);
  });

  test('clocks of different nodes stand apart', () => {
    const kit = new Kit();
    kit.create();
    kit.create({ node: 2 });
    kit.advance(5_000);
    expect(kit.step({ case: 'advance', value: { node: 2, toMs: 1n, until: Until.TARGET } }).nowMs).toBe(1n);
  });
});

describe('links', () => {
  test('an established link carries plaintext both ways', () => {
    const kit = new Kit();
    kit.create();
    expect(cases(kit.open(1).effects)).toEqual([]);
    const step = kit.input({ case: 'frame', value: { link: 1, plaintext: PING } });
    expect(cases(step.effects)).toEqual(['frame']);
    expect(kinds(step.effects, 1)).toEqual([4]);
  });

  test('effects of one input come in order, with deliver, verdict and reasons', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    const bytes = envelope('hello', WALL);
    const frame = encodeFrame(KIND_PUSH, 0, encodePush({ topic: 'app/chat', items: [{ hops: 0, envelope: bytes }] }));
    const { effects } = kit.input({ case: 'frame', value: { link: 1, plaintext: frame } });
    const deliver = effects.find(({ effect }) => effect.case === 'deliver')?.effect;
    const verdict = effects.find(({ effect }) => effect.case === 'verdict')?.effect;
    if (deliver?.case !== 'deliver' || verdict?.case !== 'verdict') throw new Error(`got ${cases(effects).join()}`);
    expect(toHex(deliver.value.origin)).toBe(derivePeerId(nativeCrypto, 1, PEER_KEY));
    expect(verdict.value).toMatchObject({ link: 1, verdict: VerdictKind.ACCEPT, code: '' });
    expect(toHex(verdict.value.envelopeHash)).toBe(toHex(nativeCrypto.sha256(bytes)));
    const again = kit.input({ case: 'frame', value: { link: 1, plaintext: frame } });
    expect(again.effects.map(({ effect }) => (effect.case === 'verdict' ? [effect.value.verdict, effect.value.code] : []))).toEqual([
      [VerdictKind.IGNORE, 'E_DUPLICATE'],
    ]);
  });

  test('a broken frame closes the link with its code, and the link is gone', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    const { effects } = kit.input({ case: 'frame', value: { link: 1, plaintext: concatBytes(PING, Uint8Array.of(0x80)) } });
    const close = effects.at(-1)?.effect;
    expect(close).toMatchObject({ case: 'close', value: { link: 1, code: 'E_VARINT' } });
    expect(kit.rejection({ case: 'input', value: { node: 1, input: { case: 'frame', value: { link: 1, plaintext: PING } } } })).toContain(
      'no link 1',
    );
  });

  test('a raw link begins with the handshake, whose timeout is virtual time', () => {
    const kit = new Kit();
    kit.create();
    expect(cases(kit.open(1, { mode: { case: 'raw', value: {} } }).effects)).toEqual([]);
    const { effects } = kit.advance(5_000, Until.EFFECT);
    expect(effects.map(({ effect }) => effect)).toMatchObject([{ case: 'close', value: { link: 1, code: 'E_HANDSHAKE_TIMEOUT' } }]);
  });

  test('two nodes of one adapter shake hands over raw links that the kit joins', () => {
    const kit = new Kit();
    kit.create();
    kit.create({ node: 2, identitySeed: PEER_SEED, seed: new Uint8Array(32).fill(5) });
    const dialled = kit.input({ case: 'connect', value: { address: 'ws://10.0.0.2:1' } });
    const dial = dialled.effects[0]?.effect;
    if (dial?.case !== 'dial') throw new Error('no dial');
    expect(dial.value.address).toBe('ws://10.0.0.2:1');
    const raw = { case: 'raw', value: {} } as const;
    const outbound = { node: 1, link: 1, direction: Direction.OUTBOUND, remoteAddress: '10.0.0.2', dial: dial.value.dial, mode: raw };
    let effects = kit.step({ case: 'open', value: outbound }).effects.map((effect) => ({ node: 1, effect }));
    expect(kit.rejection({ case: 'open', value: { ...outbound, link: 2 } })).toContain('no Dial effect');
    kit.step({ case: 'open', value: { node: 2, link: 1, direction: Direction.INBOUND, remoteAddress: '10.0.0.1', mode: raw } });
    const established: string[] = [];
    for (let round = 0; round < 10 && effects.length > 0; round++) {
      effects = effects.flatMap(({ node, effect: { effect } }) => {
        if (effect.case === 'established') established.push(`${node} ${toHex(effect.value.peerId)} ${effect.value.capabilities.join()}`);
        if (effect.case !== 'message') return [];
        const other = 3 - node;
        const input = { case: 'message', value: { link: 1, data: effect.value.data } } as const;
        return kit.step({ case: 'input', value: { node: other, input } }).effects.map((next) => ({ node: other, effect: next }));
      });
    }
    const ids = [IDENTITY, PEER_SEED].map((seed) => derivePeerId(nativeCrypto, 1, nativeCrypto.ed25519PublicKey(seed)));
    const shared = 'dht/1,gossip/1,mempool/1,overlay/1,reconcile/1,records/1';
    expect(established.sort()).toEqual([`1 ${ids[1]} ${shared}`, `2 ${ids[0]} ${shared}`]);
  });

  test('GSP-026 validation: a message waits for the verdict of its token', () => {
    const kit = new Kit();
    kit.create({ applicationValidation: true });
    kit.open(1);
    const { effects } = kit.input({ case: 'frame', value: { link: 1, plaintext: push('wait') } });
    const validate = effects.find(({ effect }) => effect.case === 'validate')?.effect;
    if (validate?.case !== 'validate') throw new Error(`got ${cases(effects).join()}`);
    expect(cases(effects)).not.toContain('deliver');
    const { token } = validate.value;
    const answer = (verdict: VerdictKind, of = token): Op => ({
      case: 'input',
      value: create(RequestSchema, {
        op: { case: 'input', value: { node: 1, input: { case: 'validated', value: { token: of, verdict } } } },
      }).op.value as Extract<Op, { case: 'input' }>['value'],
    });
    expect(kit.rejection(answer(VerdictKind.ACCEPT, token + 1n) as Init<'input'>)).toContain('token');
    expect(kit.rejection(answer(VerdictKind.UNSPECIFIED) as Init<'input'>)).toContain('verdict');
    expect(cases(kit.step(answer(VerdictKind.ACCEPT) as Init<'input'>).effects)).toContain('deliver');
    expect(kit.rejection(answer(VerdictKind.ACCEPT) as Init<'input'>)).toContain('token');
  });
});

describe('crash and restart', () => {
  test('links and memory are gone, the identity stays, the clock goes on', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    kit.input({ case: 'frame', value: { link: 1, plaintext: push('once') } });
    kit.advance(1_000);
    const crashed = kit.step({ case: 'crash', value: { node: 1 } });
    expect([crashed.nowMs, crashed.nextWakeMs, crashed.effects]).toEqual([1_000n, undefined, []]);
    expect(kit.rejection({ case: 'crash', value: { node: 1 } })).toContain('crashed already');
    expect(kit.rejection({ case: 'input', value: { node: 1, input: { case: 'publish', value: { topic: 'app/x' } } } })).toContain(
      'has crashed',
    );
    expect(kit.rejection({ case: 'query', value: { node: 1, view: 'peers' } })).toContain('has crashed');
    expect(kit.advance(2_000).nowMs).toBe(2_000n);
    expect(kit.step({ case: 'restart', value: { node: 1 } }).nowMs).toBe(2_000n);
    expect(kit.rejection({ case: 'restart', value: { node: 1 } })).toContain('runs');
    expect(kit.rejection({ case: 'input', value: { node: 1, input: { case: 'frame', value: { link: 1, plaintext: PING } } } })).toContain(
      'no link 1',
    );
    kit.open(2);
    const { effects } = kit.input({ case: 'frame', value: { link: 2, plaintext: push('once') } });
    expect(cases(effects)).toContain('deliver');
    kit.advance(60_000);
  });

  test('GSP-003 equal data before and after a crash at one moment makes different messages', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    const publish = (link: number): string => {
      const { effects } = kit.input({ case: 'publish', value: { topic: 'app/chat', data: encodeUtf8('same') } });
      return effects
        .map(({ effect }) => (effect.case === 'frame' && effect.value.link === link ? toHex(effect.value.plaintext) : ''))
        .join('');
    };
    const before = publish(1);
    kit.step({ case: 'crash', value: { node: 1 } });
    kit.step({ case: 'restart', value: { node: 1 } });
    kit.open(2);
    const after = publish(2);
    expect(before).not.toBe('');
    expect(after).not.toBe('');
    expect(after).not.toBe(before);
  });

  test('CNF-006 destroy leaves nothing behind: the same again does the same', () => {
    const kit = new Kit();
    const run = (): readonly Effect[] => {
      kit.create();
      kit.open(1);
      const effects = [...kit.input({ case: 'frame', value: { link: 1, plaintext: push('x') } }).effects, ...kit.advance(20_000).effects];
      kit.step({ case: 'destroy', value: { node: 1 } });
      return effects;
    };
    expect(run()).toEqual(run());
    expect(kit.rejection({ case: 'destroy', value: { node: 1 } })).toContain('no node 1');
  });
});

describe('randomness', () => {
  function trace(seed: Uint8Array): readonly Effect[] {
    const kit = new Kit();
    kit.create({ seed });
    kit.open(1);
    kit.open(2, { mode: { case: 'raw', value: {} }, remoteAddress: '10.0.0.2' });
    const first = kit.input({ case: 'message', value: { link: 2, data: new Uint8Array(32).fill(9) } });
    return [
      ...first.effects,
      ...kit.input({ case: 'publish', value: { topic: 'app/chat', data: SEED } }).effects,
      ...kit.advance(40_000).effects,
    ];
  }

  test('CNF-005 the same seed gives the same effects, another seed others', () => {
    expect(trace(SEED)).toEqual(trace(SEED));
    expect(trace(SEED)).not.toEqual(trace(IDENTITY));
  });
});

describe('views', () => {
  test('are JSON without secrets', () => {
    const kit = new Kit();
    kit.create();
    kit.open(1);
    for (const view of ['peers', 'sessions', 'gossip']) {
      const result = kit.ask({ case: 'query', value: { node: 1, view } });
      if (result.case !== 'query') throw new Error(`no ${view}`);
      expect(typeof JSON.parse(result.value.json)).toBe('object');
      for (const secret of [SEED, IDENTITY]) expect(result.value.json).not.toContain(toHex(secret).slice(0, 16));
    }
  });
});

test('nodes and links are bounded', () => {
  const kit = new Kit();
  for (let node = 1; node <= 64; node++) kit.create({ node });
  const value = { node: 65, seed: SEED, identitySeed: IDENTITY, networkId: NETWORK, preset: 'conformance', wallStartMs: WALL };
  expect(kit.rejection({ case: 'create', value })).toContain('at most 64 nodes');
});
