/** The scenarios of chapter 10 in small. */
import { expect, test } from 'vitest';
import { findScenario } from './index.ts';
import { isWithin, runScenario } from './scenario.ts';

async function failures(name: string, values: Readonly<Record<string, number>>): Promise<readonly string[]> {
  const scenario = await findScenario(name);
  if (scenario === undefined) throw new Error(`no scenario is called ${name}`);
  return runScenario(scenario, { values })
    .filter((figure) => !isWithin(figure))
    .map((figure) => `${figure.name} ${figure.value}`);
}

test('TOP-068: a small network that prunes all the time stays in one piece', async () => {
  expect(await failures('topology.partition', { nodes: 70, runs: 1, minutes: 0.5 })).toEqual([]);
});

test('TOP-069: a crowd from two subnets gets what two subnets get', async () => {
  expect(await failures('topology.swarm', { nodes: 70, subnets: 2, inbound: 10, seconds: 10 })).toEqual([]);
});
