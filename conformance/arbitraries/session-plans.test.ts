import fc from 'fast-check';
import { expect, test } from 'vitest';
import { areCapabilities } from '../model/hello.ts';
import { BURST, flood, floodFrame, oddOfSize } from './session-floods.ts';
import { badAddresses, badCapabilities, badEnvelopes, badVersions, type DefectPair } from './session-hellos.ts';
import { every, handshake, inPlaceOfMessage1, ping, staged } from './session-plans.ts';

test('a stage has every defect, its twins, and a bystander that is pinged behind them', () => {
  const scenes = every([1, 2, 3], (size) => ({
    bad: (link) => [ping(link)],
    ...(size === 2 ? {} : { twin: (link: number) => [ping(link)] }),
  }));
  for (const { steps } of fc.sample(staged(scenes), { seed: 3, numRuns: 10 })) {
    const peers = steps.flatMap((step) => (step.op === 'open' ? [step.peer] : []));
    expect(peers.filter((peer) => peer.startsWith('mallory'))).toHaveLength(3);
    expect(peers.filter((peer) => peer.startsWith('twin'))).toHaveLength(2);
    expect(new Set(steps.flatMap((step) => (step.op === 'open' ? [step.link] : []))).size).toBe(6);
    expect(steps.at(-1)).toEqual({ op: 'advance', ms: 2_000 });
    expect(steps.at(-2)).toMatchObject({ op: 'frames', link: 100 });
  }
});

test('in place of message 1 there is one handshake in order', () => {
  const [plan] = fc.sample(inPlaceOfMessage1([(link) => [ping(link)], (link) => [ping(link)]]), { seed: 3, numRuns: 1 });
  expect(plan?.steps.filter((step) => step.op === 'handshake')).toEqual([handshake(41)]);
});

test('hellos are bad, and those of twins are not', () => {
  const lists = badCapabilities.map(({ bad }) => (bad.kind === 'capabilities' ? areCapabilities(bad.capabilities) : undefined));
  expect(lists).toEqual(badCapabilities.map(() => false));
  const twins = badCapabilities.flatMap(({ twin }) => (twin?.kind === 'capabilities' ? [areCapabilities(twin.capabilities)] : []));
  expect(twins).toEqual([true, true, true, true, true]);
  const all: readonly DefectPair[] = [...badEnvelopes, ...badAddresses, ...badVersions];
  expect(new Set(all.map(({ bad }) => JSON.stringify(bad))).size).toBe(all.length);
});

test('floods count to the frame and frames have the size that is asked for', () => {
  expect(flood(1, 'ping', BURST.control + 1, 7)).toHaveLength(6);
  expect(new Set(Array.from({ length: 50 }, (_, index) => floodFrame('ping', index).join())).size).toBe(50);
  for (const bytes of [136, 137, 500, 65_519]) {
    const step = oddOfSize(1, bytes);
    expect(step.op === 'plaintext' ? step.bytes.length / 2 : 0).toBe(bytes);
  }
});
