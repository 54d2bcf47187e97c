import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PeerId } from '../core/types.ts';
import { REDIAL_MS_MAX, REDIAL_MS_MIN, STABLE_SESSION_MS } from './limits.ts';
import { createRedial, type Redial } from './redial.ts';

const ADDRESS = 'ws://127.0.0.1:1';
const PEER = 'ab'.repeat(32) as PeerId;
const OTHER = 'cd'.repeat(32) as PeerId;

let dials: number[];
let connected: Set<PeerId>;
let redial: Redial;

function keep(expected: PeerId | undefined, chance = 0): void {
  redial = createRedial({
    peers: [{ address: ADDRESS, expected }],
    connect: () => dials.push(performance.now()),
    isConnected: (peer) => connected.has(peer),
    nowMs: () => performance.now(),
    chance: () => chance,
  });
  redial.start();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 0 });
  dials = [];
  connected = new Set();
});
afterEach(() => {
  redial.stop();
  vi.useRealTimers();
});

describe('redialling', () => {
  test('pauses double up to a bound, with half of each pause left to chance', () => {
    keep(undefined, 0.5);
    const pauses: number[] = [];
    for (let round = 0; round < 12; round++) {
      const before = performance.now();
      redial.lost(ADDRESS, undefined);
      redial.lost(ADDRESS, undefined);
      vi.advanceTimersToNextTimer();
      pauses.push(performance.now() - before);
    }
    expect(pauses.slice(0, 3)).toEqual([0.75 * REDIAL_MS_MIN, 1.5 * REDIAL_MS_MIN, 3 * REDIAL_MS_MIN]);
    expect(pauses.at(-1)).toBe(0.75 * REDIAL_MS_MAX);
    expect(dials).toHaveLength(13);
  });

  test('a session that lasted makes the pause short again, one that did not leaves it', () => {
    keep(undefined);
    for (let round = 0; round < 4; round++) {
      redial.lost(ADDRESS, undefined);
      vi.advanceTimersToNextTimer();
    }
    redial.opened(ADDRESS, PEER);
    vi.advanceTimersByTime(STABLE_SESSION_MS - 1);
    let before = performance.now();
    redial.lost(ADDRESS, 'E_RATE');
    vi.advanceTimersToNextTimer();
    expect(performance.now() - before).toBe(8 * REDIAL_MS_MIN);
    redial.opened(ADDRESS, PEER);
    vi.advanceTimersByTime(STABLE_SESSION_MS);
    before = performance.now();
    redial.lost(ADDRESS, 'E_RATE');
    vi.advanceTimersToNextTimer();
    expect(performance.now() - before).toBe(REDIAL_MS_MIN / 2);
  });

  test('a duplicate is not dialled again until a session ends', () => {
    keep(undefined);
    redial.lost(ADDRESS, 'E_DUPLICATE_SESSION');
    vi.advanceTimersByTime(10 * REDIAL_MS_MAX);
    expect(dials).toHaveLength(1);
    redial.sessionEnded(OTHER);
    vi.advanceTimersToNextTimer();
    expect(dials).toHaveLength(2);
  });

  test('a peer that is known is waited for by name', () => {
    keep(PEER);
    connected.add(PEER);
    redial.lost(ADDRESS, 'E_DUPLICATE_SESSION');
    redial.sessionEnded(OTHER);
    vi.advanceTimersByTime(REDIAL_MS_MAX);
    expect(dials).toHaveLength(1);
    connected.delete(PEER);
    redial.sessionEnded(PEER);
    vi.advanceTimersByTime(REDIAL_MS_MAX);
    expect(dials).toHaveLength(2);
  });

  test('a peer that came by itself meanwhile is not dialled', () => {
    keep(PEER);
    redial.lost(ADDRESS, undefined);
    connected.add(PEER);
    vi.advanceTimersByTime(REDIAL_MS_MAX);
    expect(dials).toHaveLength(1);
    connected.delete(PEER);
    redial.sessionEnded(PEER);
    vi.advanceTimersByTime(REDIAL_MS_MAX);
    expect(dials).toHaveLength(2);
  });

  test('SES-017 nobody dials himself twice', () => {
    keep(undefined);
    redial.lost(ADDRESS, 'E_SELF');
    vi.advanceTimersByTime(10 * REDIAL_MS_MAX);
    expect(dials).toHaveLength(1);
  });

  test('nothing follows a stop', () => {
    keep(undefined);
    redial.lost(ADDRESS, undefined);
    redial.stop();
    redial.lost(ADDRESS, undefined);
    vi.advanceTimersByTime(10 * REDIAL_MS_MAX);
    expect(dials).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
