import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../runner/conform.ts';
import { levelsOf } from '../runner/job.ts';
import { samplePlans } from '../runner/plan-job.ts';
import { planSchema } from '../runner/plan-schema.ts';
import { readRequired } from '../runner/required.ts';
import { suites } from './index.ts';

describe('the suites', () => {
  test('are all listed', () => {
    const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.suite.ts'));
    expect(suites.map((suite) => suite.file)).toEqual(files.sort());
  });

  test('make a registry: unique ids, clauses of the spec, a level each', () => {
    expect(loadRegistry().checks.length).toBeGreaterThan(0);
  });

  test('have plans that a trace file can hold', () => {
    for (const check of loadRegistry().checks) {
      if (check.kind !== 'plan') continue;
      const [level = 'adapter'] = levelsOf(check);
      const [plan] = samplePlans(check, { level }, { seed: 'form', runs: 1 });
      expect(planSchema.safeParse(JSON.parse(JSON.stringify(plan))).error, check.id).toBeUndefined();
    }
  });

  test('hold every check that the spec version requires', () => {
    const required = readRequired('0.1');
    const known = loadRegistry().checkById;
    const missing = Object.values(required?.classes ?? {})
      .flat()
      .filter((id) => !known.has(id));
    expect(missing).toEqual([]);
  });
});
