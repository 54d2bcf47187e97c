import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TopicScore, type TopicScoreShape } from './score-components.ts';

interface Scenario {
  readonly name: string;
  readonly params: Readonly<Record<string, number>>;
}

const file = new URL('../../../vectors/external/gossip/peer-score-scenarios.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Scenario[] };

/** Every part switched off. */
const NOTHING: TopicScoreShape = {
  topicWeight: 1,
  timeInMesh: { weight: 0, quantumMs: 1, cap: 0 },
  firstDeliveries: { weight: 0, decay: 1 },
  meshDeliveries: { weight: 0, decay: 1, threshold: 0, activationMs: 0, windowMs: 0 },
  meshFailure: { weight: 0, decay: 1 },
  invalid: { weight: 0, decay: 1 },
  behaviour: { weight: 0, decay: 1, threshold: 0 },
};

function params(name: string): (key: string) => number {
  const scenario = cases.find((each) => each.name === name);
  return (key) => {
    const value = scenario?.params[key];
    if (value === undefined) throw new Error(`scenario "${name}" has no parameter ${key}`);
    return value;
  };
}

function timeInMesh(of: (key: string) => number): TopicScore {
  return new TopicScore({
    ...NOTHING,
    topicWeight: of('topicWeight'),
    timeInMesh: { weight: of('timeInMeshWeight'), quantumMs: of('quantumMs'), cap: of('cap') },
  });
}

function firstDeliveries(of: (key: string) => number): TopicScore {
  return new TopicScore({
    ...NOTHING,
    topicWeight: of('topicWeight'),
    firstDeliveries: { weight: of('weight'), decay: of('decay'), cap: of('cap') },
  });
}

function repeat(count: number, act: () => void): void {
  for (let index = 0; index < count; index++) act();
}

/** What each scenario does and what comes out, by its name. */
const RUNS: Readonly<Record<string, (of: (key: string) => number) => void>> = {
  'time in mesh, lower bound': (of) => {
    const score = timeInMesh(of);
    score.graft(0);
    expect(score.score(200)).toBeGreaterThanOrEqual(100);
  },
  'time in mesh capped': (of) => {
    const score = timeInMesh(of);
    score.graft(0);
    expect(score.score(40)).toBe(5);
  },
  'first deliveries': (of) => {
    const score = firstDeliveries(of);
    repeat(100, () => score.deliver('accept'));
    score.refresh(0);
    expect(score.score(0)).toBe(100);
  },
  'first deliveries capped': (of) => {
    const score = firstDeliveries(of);
    repeat(100, () => score.deliver('accept'));
    score.refresh(0);
    expect(score.score(0)).toBe(50);
  },
  'first deliveries decay': (of) => {
    const score = firstDeliveries(of);
    repeat(100, () => score.deliver('accept'));
    score.refresh(0);
    expect(score.score(0)).toBeCloseTo(90, 9);
    repeat(10, () => score.refresh(0));
    expect(score.score(0)).toBeCloseTo(100 * 0.9 ** 11, 9);
  },
  'mesh deliveries': (of) => {
    const windowMs = of('windowMs');
    const shape: TopicScoreShape = {
      ...NOTHING,
      meshDeliveries: {
        weight: of('weight'),
        decay: of('decay'),
        threshold: of('threshold'),
        cap: of('cap'),
        activationMs: of('activationMs'),
        windowMs,
      },
    };
    const [a, b, c] = [new TopicScore(shape), new TopicScore(shape), new TopicScore(shape)];
    for (const each of [a, b, c]) each.graft(0);
    const activeAtMs = of('activationMs') + 1;
    for (const each of [a, b, c]) {
      each.refresh(of('activationMs'));
      expect(each.score(of('activationMs'))).toBe(0);
      each.refresh(activeAtMs);
      expect(each.score(activeAtMs)).toBe(-400);
    }
    repeat(100, () => {
      a.deliver('accept');
      b.deliver('accept', windowMs);
      c.deliver('accept', windowMs + 20);
    });
    for (const each of [a, b, c]) each.refresh(activeAtMs);
    expect(a.score(activeAtMs)).toBeGreaterThanOrEqual(0);
    expect(b.score(activeAtMs)).toBeGreaterThanOrEqual(0);
    expect(c.score(activeAtMs)).toBe(-400);
  },
  'mesh failure penalty': (of) => {
    const shape: TopicScoreShape = {
      ...NOTHING,
      meshDeliveries: { ...NOTHING.meshDeliveries, weight: of('deliveriesWeight'), threshold: of('threshold') },
      meshFailure: { weight: of('failureWeight'), decay: of('failureDecay') },
    };
    const [a, b] = [new TopicScore(shape), new TopicScore(shape)];
    for (const each of [a, b]) each.graft(0);
    repeat(100, () => a.deliver('accept'));
    for (const each of [a, b]) each.refresh(1000);
    expect([a.score(1000), b.score(1000)]).toEqual([0, 0]);
    a.prune();
    b.prune();
    for (const each of [a, b]) each.refresh(1000);
    expect([a.score(1000) + 0, b.score(1000)]).toEqual([0, -400]);
  },
  'invalid messages': (of) => {
    const score = new TopicScore({ ...NOTHING, invalid: { weight: of('weight'), decay: of('decay') } });
    repeat(100, () => score.deliver('reject'));
    score.refresh(0);
    expect(score.score(0)).toBe(-10_000);
  },
  'rejection reasons': (of) => {
    const score = new TopicScore({ ...NOTHING, invalid: { weight: of('weight'), decay: of('decay') } });
    // Blacklisted peer, blacklisted source, queue full, throttled, ignored: none is the sender's fault.
    const seen = Array.from({ length: 5 }, () => {
      score.deliver('ignore');
      return score.score(0) + 0;
    });
    for (let time = 0; time < 2; time++) {
      score.deliver('reject');
      seen.push(score.score(0));
    }
    expect(seen).toEqual([0, 0, 0, 0, 0, -1, -4]);
  },
  'behaviour penalty': (of) => {
    const score = new TopicScore({ ...NOTHING, behaviour: { weight: of('weight'), decay: of('decay'), threshold: 0 } });
    score.penalise(1);
    expect(score.score(0)).toBe(-1);
    score.penalise(1);
    expect(score.score(0)).toBe(-4);
    score.refresh(0);
    expect(score.score(0)).toBeCloseTo(-3.9204, 9);
  },
};

describe('score components against external scenarios', () => {
  test('every scenario of the file has a run, and every run a scenario', () => {
    expect(Object.keys(RUNS).sort()).toEqual(cases.map(({ name }) => name).sort());
  });

  for (const [name, run] of Object.entries(RUNS)) test(name, () => run(params(name)));
});
