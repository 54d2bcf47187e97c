/** Scenarios of small size, and what a wrong request gets. */
import { describe, expect, test } from 'vitest';
import { formatRun, selectScenarios } from '../command-run.ts';
import { allScenarios, findScenario } from './index.ts';
import { isWithin, quantile, runScenario, type Scenario } from './scenario.ts';

const toy: Scenario = {
  name: 'toy.count',
  measures: 'nothing',
  parameters: [{ name: 'nodes', meaning: 'nodes', value: 3, range: [1, 10] }],
  run: ({ value, seed }) => [
    { name: 'nodes', unit: 'nodes', value: value('nodes'), most: 5 },
    { name: 'seed', unit: 'characters', value: seed.length },
  ],
};

describe('a scenario', () => {
  test('takes its own values, or those that are given within their ranges', () => {
    expect(runScenario(toy).map((figure) => figure.value)).toEqual([3, 9]);
    expect(runScenario(toy, { values: { nodes: 7 }, seed: 'x' }).map(isWithin)).toEqual([false, true]);
    expect(() => runScenario(toy, { values: { nodes: 11 } })).toThrow(/expected a number from 1 to 10; found 11;/);
    expect(() => runScenario(toy, { values: { links: 1 } })).toThrow(/expected one of nodes; found "links";/);
  });

  test('is found by name and by noun, and a wrong name says which are near', async () => {
    const scenarios = await allScenarios();
    expect(new Set(scenarios.map((scenario) => scenario.name)).size).toBe(scenarios.length);
    for (const scenario of scenarios) {
      expect(await findScenario(scenario.name)).toBe(scenario);
      for (const { value, range } of scenario.parameters) expect(value >= range[0] && value <= range[1], scenario.name).toBe(true);
    }
    expect(selectScenarios(['gossip.*', 'gossip.spread'], scenarios).map((scenario) => scenario.name)).toContain('gossip.spread');
    expect(() => selectScenarios(['gossip.sprad'], scenarios)).toThrow(/did you mean gossip\.spread/);
  });

  test('is printed as a table that says what passed', () => {
    const figures = runScenario(toy, { values: { nodes: 6 }, seed: 'x' });
    const text = formatRun(toy, 'x', { outcome: 'figures', figures, durationMs: 1_500, rssBytesMax: 2 ** 20 });
    expect(text).toBe('toy.count  seed x  (1.5 s, 1 MiB)\n  nodes  6  nodes       ≤ 5  FAIL\n  seed   1  characters\n');
    expect(formatRun(toy, 'x', { outcome: 'overdue', durationMs: 2_000 })).toContain('the time was over after 2 s');
  });
});

test('quantiles are taken from the values in order', () => {
  expect([0, 0.5, 0.99, 1].map((share) => quantile([5, 1, 3, 2, 4], share))).toEqual([1, 3, 5, 5]);
  expect(quantile([], 0.5)).toBeNaN();
});

test('gossip.spread: every message reaches every node', async () => {
  const scenario = await findScenario('gossip.spread');
  const figures = scenario === undefined ? [] : runScenario(scenario, { values: { nodes: 30, messages: 5, links: 3 } });
  expect(figures.filter((figure) => !isWithin(figure))).toEqual([]);
  expect(figures).toHaveLength(6);
});
