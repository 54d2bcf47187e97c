/** All scenarios by noun. A noun adds one line; its file exports `scenarios`. */
import type { Scenario } from './scenario.ts';

interface ScenarioFile {
  readonly scenarios: readonly Scenario[];
}

const NOUNS: Readonly<Record<string, () => Promise<ScenarioFile>>> = {
  gossip: () => import('./gossip.ts'),
  records: () => import('./records.ts'),
  dht: () => import('./dht.ts'),
  reconciliation: () => import('./reconciliation.ts'),
  topology: () => import('./topology.ts'),
  overlay: () => import('./overlay.ts'),
};

/** Every scenario, in the order of nouns and of their files. */
export async function allScenarios(): Promise<readonly Scenario[]> {
  const files = await Promise.all(Object.values(NOUNS).map((load) => load()));
  return files.flatMap(({ scenarios }) => scenarios);
}

/** The scenario of a name, or undefined. */
export async function findScenario(name: string): Promise<Scenario | undefined> {
  const load = NOUNS[name.slice(0, name.indexOf('.'))];
  return load === undefined ? undefined : (await load()).scenarios.find((scenario) => scenario.name === name);
}
