/**
 * Whatever arrives: random connections, messages, plaintexts and frames in random states neither
 * throw nor keep an orderly session from being served, and the same seed gives the same effects.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUtf8, toHex } from './bytes.ts';
import { createNode, type LinkId, makeParams, type Node, type NodeEffect, type NodeInput, portableCrypto } from './index.ts';
import { encodePing, encodePong } from './wire/body.ts';
import { encodeFrame, KIND_PING, KIND_PONG, readFrame } from './wire/frame.ts';

const GOOD = 1000 as LinkId;
const LINKS = 6;

function seedOf(label: string): Uint8Array {
  return portableCrypto.sha256(encodeUtf8(label));
}

const keys = Array.from({ length: 4 }, (_, index) => portableCrypto.ed25519PublicKey(seedOf(`peer ${index}`)));
const goodKey = portableCrypto.ed25519PublicKey(seedOf('good'));

const frames = fc
  .array(
    fc.oneof(
      fc
        .record({
          kind: fc.constantFrom(1, 2, 4, 6, 32, 33, 36, 38, 40, 42, 44, 48, 50, 256),
          requestId: fc.constantFrom(0, 0, 1, 7),
          body: fc.uint8Array({ maxLength: 80 }),
        })
        .map(({ kind, requestId, body }) => encodeFrame(kind, requestId, body)),
      fc.uint8Array({ minLength: 8, maxLength: 8 }).map((nonce) => encodeFrame(KIND_PING, 3, encodePing({ nonce }))),
      fc.uint8Array({ maxLength: 20 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

type Step = { readonly waitMs: number; readonly input: NodeInput };

const linkNumber = fc.integer({ min: 1, max: LINKS }).map((number) => number as LinkId);
const direction = fc.constantFrom('inbound' as const, 'outbound' as const);
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '');
const input: fc.Arbitrary<NodeInput> = fc.oneof(
  fc.record({ type: fc.constant('linkOpened' as const), link: linkNumber, direction, address, dial: fc.integer({ min: 0, max: 3 }) }),
  fc.record({
    type: fc.constant('linkEstablished' as const),
    link: linkNumber,
    direction,
    address,
    dial: fc.integer({ min: 0, max: 3 }),
    publicKey: fc.constantFrom(...keys),
    capabilities: fc.constantFrom(['gossip/1'], ['direct/1'], ['direct/1', 'gossip/1'], []),
  }),
  fc.record({
    type: fc.constant('message' as const),
    link: linkNumber,
    data: fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 200 })),
    text: fc.boolean(),
  }),
  { weight: 4, arbitrary: fc.record({ type: fc.constant('plaintext' as const), link: linkNumber, data: frames }) },
  fc.record({ type: fc.constant('linkClosed' as const), link: linkNumber }),
  fc.record({ type: fc.constant('dialFailed' as const), dial: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ type: fc.constant('connect' as const), address }),
  fc.record({ type: fc.constant('publish' as const), topic: fc.constantFrom('app/x', 'tx', ''), data: fc.uint8Array({ maxLength: 50 }) }),
  fc.record({ type: fc.constant('tick' as const) }),
);
const plan: fc.Arbitrary<readonly Step[]> = fc.array(fc.record({ waitMs: fc.constantFrom(0, 0, 0, 1, 100, 3000), input }), {
  maxLength: 60,
});

/** The environment's side: link ids are fresh, the good peer answers Pings, time stands at whole milliseconds. */
class Runner {
  readonly node: Node;
  readonly log: string[] = [];
  readonly #live = new Map<LinkId, LinkId>();
  #nowMs = 0;
  #nextLink = 2000;

  constructor() {
    const made = makeParams('conformance', { 'session.rate_overrun_max': '20', 'session.half_open_max': '4' });
    if (!made.ok) throw new Error(made.message);
    this.node = createNode({
      params: made.params,
      crypto: portableCrypto,
      seed: seedOf('chance'),
      identitySeed: seedOf('node'),
      networkId: encodeUtf8('test'),
      stakes: new Map(),
    });
    this.give({
      type: 'linkEstablished',
      link: GOOD,
      direction: 'inbound',
      address: '10.9.9.9',
      publicKey: goodKey,
      capabilities: ['gossip/1'],
    });
  }

  give(given: NodeInput): readonly NodeEffect[] {
    const effects = this.node.handle(given, { monoMs: this.#nowMs, wallMs: 1_700_000_000_000 + this.#nowMs });
    for (const effect of effects) this.log.push(JSON.stringify(effect, (_, value) => (value instanceof Uint8Array ? toHex(value) : value)));
    for (const effect of effects) {
      if (effect.type === 'plaintext' && effect.link === GOOD) this.#answer(effect.data);
    }
    return effects;
  }

  #answer(plaintext: Uint8Array): void {
    for (let offset = 0; offset < plaintext.length; ) {
      const frame = readFrame(plaintext, offset);
      if (!frame.ok) throw new Error('the node sends frames that are in order');
      offset = frame.next;
      if (frame.kind !== KIND_PING) continue;
      const nonce = frame.body.slice(2);
      this.give({ type: 'plaintext', link: GOOD, data: encodeFrame(KIND_PONG, frame.requestId, encodePong({ nonce })) });
    }
  }

  wait(ms: number): void {
    const target = this.#nowMs + ms;
    for (let wakes = 0; wakes < 10_000; wakes++) {
      const due = this.node.deadline();
      if (due === undefined || due > target) break;
      this.#nowMs = Math.max(this.#nowMs, due);
      this.give({ type: 'tick' });
    }
    this.#nowMs = target;
  }

  /** Link numbers of the plan stand for the newest link of that number. */
  play({ waitMs, input: step }: Step): void {
    this.wait(waitMs);
    if (!('link' in step)) {
      this.give(step);
      return;
    }
    if (step.type === 'linkOpened' || step.type === 'linkEstablished') {
      this.#nextLink += 1;
      this.#live.set(step.link, this.#nextLink as LinkId);
    }
    this.give({ ...step, link: this.#live.get(step.link) ?? step.link });
  }

  isServed(): boolean {
    const ping = encodeFrame(KIND_PING, 9, encodePing({ nonce: new Uint8Array(8).fill(5) }));
    const effects = this.give({ type: 'plaintext', link: GOOD, data: ping });
    return effects.some((effect) => {
      if (effect.type !== 'plaintext' || effect.link !== GOOD) return false;
      for (let offset = 0; offset < effect.data.length; ) {
        const frame = readFrame(effect.data, offset);
        if (!frame.ok) return false;
        if (frame.kind === KIND_PONG && frame.requestId === 9) return true;
        offset = frame.next;
      }
      return false;
    });
  }
}

test('CNV-014: nothing that arrives throws, and an orderly session stays served', () => {
  fc.assert(
    fc.property(plan, (steps) => {
      const runner = new Runner();
      for (const step of steps) runner.play(step);
      expect(runner.isServed()).toBe(true);
      const deadline = runner.node.deadline();
      expect(deadline === undefined || Number.isFinite(deadline)).toBe(true);
    }),
    { numRuns: 300, seed: 20_240_601 },
  );
});

test('the same seed and inputs give the same effects', () => {
  fc.assert(
    fc.property(plan, (steps) => {
      const [first, second] = [new Runner(), new Runner()];
      for (const step of steps) first.play(step);
      for (const step of steps) second.play(step);
      expect(second.log).toEqual(first.log);
    }),
    { numRuns: 60, seed: 20_240_602 },
  );
});
