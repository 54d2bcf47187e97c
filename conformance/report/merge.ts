/** One result from the shards of a run. */
import { ToolError } from '../runner/problem.ts';
import { exitCodeOf, summarize } from '../runner/summary.ts';
import { VERDICT_ORDER } from './order.ts';
import type { RunResult } from './read.ts';
import type { CheckLine, ResultLine } from './result.ts';

/**
 * Merges runs of one target by one kit. A check that was run twice keeps its worse verdict. Throws
 * E_INCOMPATIBLE when versions or targets differ.
 */
export function mergeResults(results: readonly RunResult[]): ResultLine[] {
  const [first, ...others] = results;
  if (first === undefined)
    throw new ToolError('E_USAGE', {
      what: 'there is nothing to merge',
      expected: 'at least one results.jsonl',
      found: 'none',
      action: 'name the files',
    });
  for (const { run } of others) {
    const differs =
      (['kitVersion', 'specVersion'] as const).find((key) => run[key] !== first.run[key]) ??
      (run.target.name !== first.run.target.name || run.target.version !== first.run.target.version ? 'target' : undefined);
    if (differs !== undefined) {
      throw new ToolError('E_INCOMPATIBLE', {
        what: 'the results are of different runs',
        expected: `${differs} as in the first file`,
        found: JSON.stringify(run[differs]),
        action: 'merge results of one kit, one spec version and one target',
      });
    }
  }
  const byKey = new Map<string, CheckLine>();
  for (const line of results.flatMap((result) => result.checks)) {
    const key = `${line.id} ${line.level}`;
    const known = byKey.get(key);
    if (known === undefined || VERDICT_ORDER.indexOf(line.verdict) < VERDICT_ORDER.indexOf(known.verdict)) byKey.set(key, line);
  }
  const checks = [...byKey.values()];
  const levels = [...new Set(results.flatMap((result) => result.run.levels))];
  const filters = Object.fromEntries(Object.entries(first.run.filters).filter(([key]) => key !== 'shard'));
  const durationMs = results.reduce((sum, result) => sum + result.end.summary.durationMs, 0);
  // A shard that failed on its own (a broken adapter, no check exercised) is not healed by the others.
  const exitCode = Math.max(exitCodeOf(checks, false), ...results.map((result) => result.end.exitCode));
  return [{ ...first.run, levels, filters }, ...checks, { type: 'end', summary: summarize(checks, first.run.seed, durationMs), exitCode }];
}
