import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { CheckLine, ResultLine, RunLine } from '../report/result.ts';
import { fakeExecutor, findingOf, jobOf, PASSING, planCheck, SETTINGS, waits } from './fake-executor.ts';
import { resultsText } from './results.ts';
import { runJobs } from './run.ts';
import { exitCodeOf, summarize } from './summary.ts';
import { headerText, outcomeText } from './terminal.ts';

const schema = z.fromJSONSchema(JSON.parse(readFileSync(new URL('../report/result.schema.json', import.meta.url), 'utf8')));

const RUN: RunLine = {
  type: 'run',
  schema: 1,
  kitVersion: '0.1.0',
  specVersion: '0.1',
  adapterVersion: 1,
  target: {
    name: 'node',
    version: '1',
    language: 'Rust',
    specVersion: '0.1',
    conformanceClass: 'app',
    capabilities: ['raw'],
    clock: 'virtual',
    randomness: 'seeded',
  },
  seed: '7',
  levels: ['adapter'],
  filters: { only: 'test.*' },
  startedAt: '2026-01-01T00:00:00.000Z',
};

async function realLines(): Promise<readonly ResultLine[]> {
  const checks = [
    planCheck({ id: 'test.pass', plans: fc.constant(waits(1)), judge: () => PASSING }),
    planCheck({ id: 'test.fail', plans: fc.constant(waits(1, 2)), judge: () => findingOf('TST-001') }),
    planCheck({ id: 'test.choice', plans: fc.constant(waits(1)), judge: () => ({ ...PASSING, variant: 'other order' }) }),
    planCheck({ id: 'test.lacking', plans: fc.constant(waits(1)), judge: () => PASSING, needs: ['views'] }),
    planCheck({ id: 'test.idle', plans: fc.constant(waits(1)), judge: () => ({ findings: [], exercised: false }) }),
  ];
  const { results } = await runJobs(
    checks.map((check) => jobOf(check)),
    [fakeExecutor()],
    { ...SETTINGS, clauseById: new Map() },
  );
  const lines = results.map(
    (result): CheckLine => ({
      ...result,
      clauses: ['GSP-001'],
      baseline: undefined,
      required: true,
      ...(result.failure === undefined ? {} : { failure: { ...result.failure, clause: 'GSP-001' } }),
    }),
  );
  return [RUN, ...lines, { type: 'end', summary: summarize(lines, '7', 5), exitCode: exitCodeOf(lines, false) }];
}

describe('result lines', () => {
  test('have the form of result.schema.json', async () => {
    for (const text of resultsText(await realLines())
      .trimEnd()
      .split('\n')) {
      expect(schema.safeParse(JSON.parse(text)).error, text).toBeUndefined();
    }
  });

  test('of another form are refused by it', () => {
    expect(schema.safeParse({ ...RUN, extra: 1 }).success).toBe(false);
    expect(schema.safeParse({ type: 'end', exitCode: 0 }).success).toBe(false);
  });
});

describe('the terminal', () => {
  test('names versions, target and seed, then failures with clause, expectation and replay, then the table', async () => {
    const colors = createColors(false);
    const lines = (await realLines()).filter((line) => line.type === 'check');
    expect(headerText(RUN, colors)).toMatch(
      /carillon conform 0\.1\.0.*spec 0\.1.*\ntarget {2}node 1 \(Rust\).*\nlevels.*--only test\.\*\nseed {4}7\n/s,
    );
    const text = outcomeText(lines, summarize(lines, '7', 1500), colors);
    expect(text).toMatch(/✗ test\.fail@adapter {2}failed/);
    expect(text).toContain('expected  The node waits.');
    expect(text).toMatch(/replay .*conform --only test\.fail --level adapter --seed test/);
    expect(text).toMatch(/✗ test\.idle@adapter {2}untestable/);
    expect(text).toContain('~ test.choice@adapter  variant: other order');
    expect(text).toMatch(/chapter\s+checks\s+passed\s+failed\s+other\s+not applicable\n04\s+5\s+2\s+1\s+1\s+1\n/);
    expect(text).toContain('1 passed, 1 variant, 1 failed, 1 untestable, 1 not applicable in 1.5 s');
  });

  test('says that nothing was exercised', () => {
    expect(outcomeText([], summarize([], '7', 0), createColors(false))).toContain('Nothing was exercised');
  });
});
