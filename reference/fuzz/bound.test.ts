import { describe, expect, test } from 'vitest';
import { makeParams, type Params, PRESETS } from '../core/params.ts';
import { boundBytes, boundParts, type Load } from './bound.ts';
import { runFlood } from './flood.ts';
import { FLOOD_LOAD } from './flood-plan.ts';

function changed(overrides: Readonly<Record<string, string>>): Params {
  const made = makeParams('main', overrides);
  if (!made.ok) throw new Error(made.message);
  return made.params;
}

function part(params: Params, name: string, load: Load = FLOOD_LOAD): number {
  return boundParts(params, load).find((line) => line.name === name)?.bytes ?? Number.NaN;
}

describe('the bound on memory', () => {
  test('the parts follow the parameters that they are named after', () => {
    const main = PRESETS.main;
    const cache = part(changed({ 'gossip.message_cache_bytes_max': '33554432' }), 'message cache') - part(main, 'message cache');
    expect(cache).toBe(33_554_432 - 16_777_216);
    expect(part(changed({ 'gossip.rejected_capacity': '8192' }), 'rejected hashes')).toBe(2 * part(main, 'rejected hashes'));
    expect(part(changed({ 'gossip.pending_max': '2048' }), 'pending messages')).toBe(2 * part(main, 'pending messages'));
    expect(part(main, 'output queues', { ...FLOOD_LOAD, asking: 2 * FLOOD_LOAD.asking })).toBe(2 * part(main, 'output queues'));
  });

  test('the sum is that of finite parts', () => {
    const parts = boundParts(PRESETS.main, FLOOD_LOAD);
    expect(parts.every(({ bytes }) => Number.isSafeInteger(bytes) && bytes > 0)).toBe(true);
    expect(boundBytes(PRESETS.main, FLOOD_LOAD)).toBe(parts.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  test('GSP-078, SES-065: a short flood stays within the bound, and quiet links are served', async () => {
    const flood = await runFlood({ seconds: 3, seed: '00', timeLimitMs: 40_000 });
    expect([flood.seconds, flood.throws, flood.counts.quietLost]).toEqual([3, 0, 0]);
    expect(flood.counts.quietPongs).toBe(flood.counts.quietPings);
    expect(flood.counts.delivered).toBeGreaterThan(1000);
    expect(flood.peakBytes).toBeGreaterThan(10_000_000);
    expect(flood.peakBytes).toBeLessThan(flood.boundBytes);
  });
});
