import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAKE_CLAUSES, PASSING, planCheck, waits } from './fake-executor.ts';
import { jobName } from './job.ts';
import { buildRegistry } from './registry.ts';

const check = (id: string, clauses = ['TST-001']) =>
  planCheck({ id, clauses, levels: ['adapter', 'wire'], plans: fc.constant(waits(1)), judge: () => PASSING });
const suite = (...checks: ReturnType<typeof check>[]) => [{ file: '04-test.suite.ts', checks }];

describe('the registry', () => {
  test('keeps the order of the suites and gives a job for each level, with the chapter of the main clause', () => {
    const registry = buildRegistry(suite(check('test.b'), check('test.a')), FAKE_CLAUSES);
    expect(registry.jobs.map(jobName)).toEqual(['test.b@adapter', 'test.b@wire', 'test.a@adapter', 'test.a@wire']);
    expect(registry.jobs[0]?.chapter).toBe('04');
  });

  test('refuses repeated ids, unknown clauses, and checks that are not complete, all at once', () => {
    const bad = { ...check('Test', []), title: ' ', levels: [], runs: 0 };
    const build = () => buildRegistry(suite(check('test.a'), check('test.a'), check('test.b', ['TST-009']), bad), FAKE_CLAUSES);
    expect(build).toThrow(/test\.a: the id is used twice/);
    expect(build).toThrow(/test\.b: clause TST-009 is not in the spec/);
    expect(build).toThrow(/no clause is named/);
    expect(build).toThrow(/no level is named/);
    expect(build).toThrow(/there is no title/);
    expect(build).toThrow(/runs is not a positive integer/);
    expect(build).toThrow(/not of the form/);
  });
});
