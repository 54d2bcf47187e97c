import { describe, expect, test } from 'vitest';
import type { CheckLine, FailureDetail } from '../report/result.ts';
import { baselineText, expiredFlakes, markOf, parseBaseline, parseMayFlake } from './baseline.ts';
import { exitCodeOf, summarize } from './summary.ts';

const IDS = [
  'gossip.prune.expires',
  'gossip.prune.limit',
  'session.ping.answer',
  ...Array.from({ length: 25 }, (_, index) => `wire.frame.n${index}`),
];
const FAILURE: FailureDetail = {
  clause: 'GSP-061',
  clauseText: '',
  expected: 'A push.',
  observed: 'No push within 200 ms.',
  stimulus: [],
  diagram: [],
  traceFile: undefined,
  replay: '',
  seed: '',
  steps: 1,
  stepsBeforeShrinking: 1,
  flaky: false,
};

function line(verdict: CheckLine['verdict'], more: Partial<CheckLine> = {}): CheckLine {
  return {
    type: 'check',
    id: 'gossip.prune.expires',
    title: '',
    level: 'adapter',
    chapter: '05',
    clauses: ['GSP-061'],
    keyword: 'MUST',
    verdict,
    reason: undefined,
    runs: 1,
    durationMs: 1,
    baseline: undefined,
    required: true,
    failure: verdict === 'failed' ? FAILURE : undefined,
    ...more,
  };
}

const entry = (check: string, more = ''): string =>
  `[[expected]]\ncheck = "${check}"\nreason = "known"\nlink = "https://example.org/1"\n${more}\n`;
const baseline = (text: string) => parseBaseline('baseline.toml', text, IDS);
const flake = (expires: string): string =>
  `[[flake]]\ncheck = "gossip.prune.expires"\nreason = "slow"\nlink = "https://example.org/2"\nexpires = ${expires}\n`;

describe('the baseline', () => {
  test('excuses a check that fails', () => {
    expect(markOf(line('failed'), baseline(entry('gossip.prune.expires')), [], '2026-01-01')).toBe('expected');
    expect(markOf(line('crashed'), baseline(entry('gossip.*')), [], '2026-01-01')).toBe('expected');
    expect(markOf(line('failed', { id: 'session.ping.answer' }), baseline(entry('gossip.*')), [], '2026-01-01')).toBeUndefined();
  });

  test('an entry for another level has no effect', () => {
    expect(markOf(line('failed'), baseline(entry('gossip.prune.expires', 'level = "wire"')), [], '2026-01-01')).toBeUndefined();
    expect(markOf(line('failed'), baseline(entry('gossip.prune.expires', 'level = "adapter"')), [], '2026-01-01')).toBe('expected');
  });

  test('an entry whose message does not fit excuses nothing', () => {
    expect(markOf(line('failed'), baseline(entry('gossip.prune.expires', 'message = "No push"')), [], '2026-01-01')).toBe('expected');
    expect(markOf(line('failed'), baseline(entry('gossip.prune.expires', 'message = "A Prune"')), [], '2026-01-01')).toBeUndefined();
  });

  test('an entry that does not fail is stale and fails the run', () => {
    const stale = line('passed', { baseline: markOf(line('passed'), baseline(entry('gossip.prune.expires')), [], '2026-01-01') });
    expect(stale.baseline).toBe('stale');
    expect(exitCodeOf([stale], false)).toBe(1);
    expect(markOf(line('notApplicable'), baseline(entry('gossip.prune.expires')), [], '2026-01-01')).toBeUndefined();
  });

  test('never excuses the kit itself', () => {
    const broken = line('harnessError', { baseline: markOf(line('harnessError'), baseline(entry('gossip.*')), [], '2026-01-01') });
    expect(exitCodeOf([broken], false)).toBe(70);
  });

  test('needs a reason and a link, known checks, each once, and not too many behind a pattern', () => {
    expect(() => baseline('[[expected]]\ncheck = "gossip.prune.expires"\n')).toThrow(/E_BASELINE|not in order/);
    expect(() => baseline(entry('gossip.prune.expires').replace('known', ' '))).toThrow(/expected.0.reason/);
    expect(() => baseline(entry('gossip.prune.expires').replace('https://example.org/1', 'later'))).toThrow(/expected.0.link/);
    expect(() => baseline(entry('gossip.prune.expire'))).toThrow(/did you mean gossip.prune.expires/);
    expect(() => baseline(entry('wire.*'))).toThrow(/at most 20 checks.*25 behind wire/);
    expect(() => baseline(entry('gossip.prune.limit') + entry('gossip.prune.limit'))).toThrow(/twice/);
    expect(() => baseline(entry('gossip.prune.limit', 'until = "never"'))).toThrow(/not in order/);
    expect(() => baseline('expected = [')).toThrow(/expected TOML/);
    expect(baseline('')).toEqual([]);
  });

  test('a written baseline names what failed, keeps reasons that hold, and is not accepted before it has the others', () => {
    const known = baseline(entry('gossip.prune.expires'));
    const lines = [
      line('failed', { baseline: 'expected' }),
      line('crashed', { id: 'session.ping.answer' }),
      line('passed', { id: 'gossip.prune.limit' }),
    ];
    const text = baselineText(lines, known);
    expect(text).toContain('reason = "known"');
    expect(text).not.toContain('gossip.prune.limit');
    expect(() => baseline(text)).toThrow(/expected.1.reason/);
    expect(
      baseline(text.replaceAll('reason = ""', 'reason = "new"').replaceAll('link = ""', 'link = "https://example.org/3"')),
    ).toHaveLength(2);
    expect(baseline(baselineText([], []))).toEqual([]);
  });
});

describe('the may-flake list', () => {
  const flakes = (expires: string) => parseMayFlake('flake.toml', flake(expires), IDS);

  test('excuses two results for one plan until its day is over', () => {
    for (const expires of ['"2026-06-30"', '2026-06-30']) {
      expect(markOf(line('inconclusive'), [], flakes(expires), '2026-06-30')).toBe('flaky');
      expect(markOf(line('inconclusive'), [], flakes(expires), '2026-07-01')).toBeUndefined();
      expect(expiredFlakes(flakes(expires), '2026-07-01')).toHaveLength(1);
    }
  });

  test('does not excuse a failure that repeats', () => {
    expect(markOf(line('failed'), [], flakes('"2026-06-30"'), '2026-06-01')).toBeUndefined();
    expect(markOf(line('failed', { failure: { ...FAILURE, flaky: true } }), [], flakes('"2026-06-30"'), '2026-06-01')).toBe('flaky');
  });

  test('needs a day that exists', () => {
    for (const expires of ['"soon"', '"2026-13-01"', '7']) expect(() => flakes(expires)).toThrow(/not in order/);
  });
});

describe('exit codes and counts', () => {
  test('a run passes with passed, variant, warned and excused checks', () => {
    const lines = [
      line('passed'),
      line('variant'),
      line('warned'),
      line('notApplicable'),
      line('failed', { baseline: 'expected' }),
      line('inconclusive', { baseline: 'flaky' }),
    ];
    expect(exitCodeOf(lines, false)).toBe(0);
  });

  test('every red verdict fails the run, unless the check does not score', () => {
    for (const verdict of ['failed', 'untestable', 'inconclusive', 'crashed'] as const) {
      expect(exitCodeOf([line('passed'), line(verdict)], false)).toBe(1);
      expect(exitCodeOf([line('passed'), line(verdict, { required: false })], false)).toBe(0);
    }
  });

  test('a run in which nothing was exercised has failed', () => {
    expect(exitCodeOf([], false)).toBe(1);
    expect(exitCodeOf([line('notApplicable')], false)).toBe(1);
  });

  test('the kit before the protocol before the checks', () => {
    expect(exitCodeOf([line('harnessError', { required: false }), line('crashed')], true)).toBe(70);
    expect(exitCodeOf([line('crashed')], true)).toBe(4);
  });

  test('the counts add up to the checks', () => {
    const verdicts = [
      'passed',
      'failed',
      'variant',
      'warned',
      'notApplicable',
      'untestable',
      'inconclusive',
      'crashed',
      'harnessError',
    ] as const;
    const { byChapter, byLevel, seed, durationMs, checks, ...counts } = summarize(
      verdicts.map((verdict) => line(verdict)),
      '7',
      12.4,
    );
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(checks);
    expect(byChapter).toEqual({ '05': { checks: 9, passed: 3, failed: 5 } });
    expect(byLevel).toEqual({ adapter: { checks: 9, passed: 3, failed: 5 } });
    expect([seed, durationMs]).toEqual(['7', 12]);
  });
});
