import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import { createRng } from '../core/rng.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { simulatedCrypto } from './crypto.ts';
import { arrivalMs, createLane, DEFAULT_LINKS } from './network.ts';
import { QUIET, World, type WorldOptions, worldParams } from './world.ts';

/** Sessions and gossip alone: the other chapters have tests and scenarios of their own. */
const PARAMS = worldParams('devnet', QUIET);

/** Fifty nodes, ten messages from different ones, and what came of it. */
function run(options: Partial<WorldOptions> = {}): {
  readonly world: World;
  readonly coverages: readonly number[];
  readonly isComplete: boolean;
} {
  const world = new World({ nodes: 50, seed: 'fifty', params: PARAMS, crypto: simulatedCrypto, clockSkewMsMax: 200, ...options });
  world.connectRing(4);
  world.runUntil(2_000);
  const messages = Array.from({ length: 10 }, (_, index) => {
    world.runUntil(world.nowMs + 50);
    return world.publish(index * 5, 'app/chat', encodeUtf8(`message ${index}`));
  });
  const isComplete = world.runWhile(() => messages.some((message) => world.coverage(message).length < world.size - 1), 30_000);
  return { world, coverages: messages.map((message) => world.coverage(message).length), isComplete };
}

describe('fifty simulated nodes', () => {
  test('GSP-022 GSP-040 every message reaches every node once, over lossy links', () => {
    const { world, coverages, isComplete } = run();
    expect(isComplete).toBe(true);
    // A while later nothing has come twice.
    world.runUntil(world.nowMs + 5_000);
    expect(coverages).toEqual(Array.from({ length: 10 }, () => 49));
    expect(world.deliveries).toHaveLength(490);
    expect(new Set(world.deliveries.map((delivery) => `${delivery.node} ${delivery.id}`)).size).toBe(490);
  });

  test('the same seed gives the same trace, another seed another', () => {
    const first = run();
    const second = run();
    expect(second.world.traceHash()).toBe(first.world.traceHash());
    expect(second.world.traffic).toEqual(first.world.traffic);
    expect(run({ seed: 'other' }).world.traceHash()).not.toBe(first.world.traceHash());
  });

  test('the native and the portable primitives give the same trace', () => {
    const portable = new World({ nodes: 4, seed: 'crypto', params: PARAMS });
    const native = new World({ nodes: 4, seed: 'crypto', params: PARAMS, crypto: nativeCrypto });
    for (const world of [portable, native]) {
      world.connectRing(1);
      world.runUntil(1_000);
      world.publish(0, 'app/chat', encodeUtf8('x'));
      world.runUntil(3_000);
      expect(world.deliveries).toHaveLength(3);
    }
    expect(native.traceHash()).toBe(portable.traceHash());
  });
});

describe('a world', () => {
  test('SES-001 runs whole handshakes when it is asked to', () => {
    const world = new World({ nodes: 5, seed: 'noise', params: PARAMS, crypto: nativeCrypto, handshakes: true });
    world.connectRing(1);
    world.runUntil(2_000);
    const message = world.publish(0, 'app/chat', encodeUtf8('x'));
    expect(world.runWhile(() => world.coverage(message).length < 4, 10_000)).toBe(true);
  });

  test('GSP-101 modes with and without gossip both deliver', () => {
    for (const mode of ['off', 'only', 'alongside']) {
      const world = new World({
        nodes: 6,
        seed: mode,
        crypto: nativeCrypto,
        params: worldParams('devnet', { ...QUIET, 'gossip.mode': mode }),
      });
      world.connectRing(2);
      world.runUntil(1_000);
      const message = world.publish(3, 'app/chat', encodeUtf8('x'));
      expect(world.runWhile(() => world.coverage(message).length < 5, 10_000)).toBe(true);
    }
  });

  test('an isolated node hears nothing until it is connected again', () => {
    const world = new World({ nodes: 4, seed: 'cut', params: PARAMS, crypto: nativeCrypto });
    world.connectRing(0);
    world.runUntil(1_000);
    world.isolate(2);
    const first = world.publish(0, 'app/chat', encodeUtf8('first'));
    world.runUntil(3_000);
    expect(world.coverage(first).map((delivery) => delivery.node)).not.toContain(2);
    world.connect(2, 0);
    world.runUntil(4_000);
    const second = world.publish(0, 'app/chat', encodeUtf8('second'));
    expect(world.runWhile(() => !world.coverage(second).some((delivery) => delivery.node === 2), 10_000)).toBe(true);
  });

  test('of nodes with every chapter at work finds itself from one address, the same way for the same seed', () => {
    const start = () => {
      const world = new World({
        nodes: 8,
        seed: 'all',
        params: worldParams('devnet', { 'dht.address_policy': 'simulated' }),
        crypto: simulatedCrypto,
        bootstrap: (node) => (node === 0 ? [] : [0]),
        countKinds: true,
      });
      const origins = (node: number): number => (world.view(node, 'records') as { readonly origins: number }).origins;
      const isMissing = (): boolean => Array.from({ length: 8 }, (_, node) => origins(node)).some((count) => count < 8);
      return { world, isComplete: world.runWhile(isMissing, 20_000, 50) };
    };
    const [first, second] = [start(), start()];
    expect(first.isComplete).toBe(true);
    expect(second.world.traceHash()).toBe(first.world.traceHash());
    expect(first.world.traffic.datagrams).toBeGreaterThan(0);
    const token = first.world.request(3, { type: 'dht.lookup', target: new Uint8Array(32) });
    expect(first.world.runRequests([token], first.world.nowMs + 10_000)).toMatchObject([{ node: 3, outcome: { type: 'dht.lookup' } }]);
    expect(first.world.notices.some(({ notice }) => notice.type === 'dht.ready')).toBe(true);
    expect(first.world.trafficByKind.size).toBeGreaterThan(2);
  });

  test('PRM-001 refuses parameters that are not in order', () => {
    expect(() => worldParams('devnet', { 'gossip.heartbeat_ms': '1' })).toThrow(/^E_CONFIG/);
  });
});

test('a link keeps the order of what it carries, and delays what it loses', () => {
  const rng = createRng(encodeUtf8('lane'));
  const model = { ...DEFAULT_LINKS, loss: 0.3, jitterMs: 40 };
  const lane = createLane(20);
  let last = 0;
  let delayed = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs += 10) {
    const atMs = arrivalMs(model, lane, rng, nowMs);
    expect(atMs).toBeGreaterThanOrEqual(Math.max(last, nowMs + model.latencyMs[0]));
    if (atMs - nowMs >= model.resendMs) delayed += 1;
    last = atMs;
  }
  expect(delayed).toBeGreaterThan(200);
});
