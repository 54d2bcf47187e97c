import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobOf, PASSING, planCheck, waits } from './fake-executor.ts';
import { type Job, jobName, levelsOf } from './job.ts';
import { nearestName, parseLevels, parseShard, selectJobs } from './select.ts';

const checkOf = (id: string, clauses: readonly string[], levels: readonly ('adapter' | 'wire')[]): Job[] => {
  const check = planCheck({ id, clauses, levels, plans: fc.constant(waits(1)), judge: () => PASSING });
  return levelsOf(check).map((level) => ({ ...jobOf(check, level), chapter: clauses[0]?.startsWith('GSP') ? '05' : '04' }));
};

const JOBS = [
  ...checkOf('gossip.prune.expires', ['GSP-061'], ['adapter', 'wire']),
  ...checkOf('gossip.prune.limit', ['GSP-063', 'GSP-060'], ['adapter']),
  ...checkOf('session.ping.answer', ['SES-050'], ['wire', 'adapter']),
];
const names = (jobs: readonly Job[]): string[] => jobs.map(jobName);

describe('selection', () => {
  test('takes an id, a job, or a pattern', () => {
    expect(names(selectJobs(JOBS, { only: ['gossip.prune.expires'] }))).toEqual([
      'gossip.prune.expires@adapter',
      'gossip.prune.expires@wire',
    ]);
    expect(names(selectJobs(JOBS, { only: ['gossip.prune.expires@wire'] }))).toEqual(['gossip.prune.expires@wire']);
    expect(names(selectJobs(JOBS, { only: ['gossip.*'] }))).toHaveLength(3);
    expect(names(selectJobs(JOBS, { only: ['session.pin?.answer@adapter'] }))).toEqual(['session.ping.answer@adapter']);
  });

  test('narrows by clause, level, chapter and class together', () => {
    expect(names(selectJobs(JOBS, { clauses: ['GSP-060'] }))).toEqual(['gossip.prune.limit@adapter']);
    expect(names(selectJobs(JOBS, { levels: ['wire'], chapters: ['05'] }))).toEqual(['gossip.prune.expires@wire']);
    expect(names(selectJobs(JOBS, { ids: new Set(['session.ping.answer']), levels: ['adapter'] }))).toEqual([
      'session.ping.answer@adapter',
    ]);
  });

  test('refuses what names nothing and says what may be meant', () => {
    expect(() => selectJobs(JOBS, { only: ['gossip.prune.expire'] })).toThrow(/--only names nothing.*did you mean gossip.prune.expires/);
    expect(() => selectJobs(JOBS, { clauses: ['GSP-001'] })).toThrow(/--clause names nothing/);
    expect(() => selectJobs(JOBS, { chapters: ['99'] })).toThrow(/--chapter names nothing/);
  });

  test('shards are disjoint and together are everything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), (count) => {
        const shards = Array.from({ length: count }, (_, index) => selectJobs(JOBS, { shard: { index: index + 1, count } }));
        const union = shards.flat();
        expect(union).toHaveLength(JOBS.length);
        expect(new Set(union)).toEqual(new Set(JOBS));
        const sizes = shards.map((shard) => shard.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('reads shards and levels, and refuses others', () => {
    expect(parseShard('2/4')).toEqual({ index: 2, count: 4 });
    for (const text of ['0/4', '5/4', '1', '1/0', 'a/b', '1/2/3', '1/1001'])
      expect(() => parseShard(text)).toThrow(/--shard is not usable/);
    expect(parseLevels('wire,vectors')).toEqual(['vectors', 'wire']);
    expect(parseLevels('all')).toEqual(['vectors', 'adapter', 'wire']);
    for (const text of ['cluster', '', 'wire,']) expect(() => parseLevels(text)).toThrow(/--level is not usable/);
  });

  test('suggests a near name only', () => {
    expect(nearestName('confrom', ['conform', 'doctor'])).toBe('conform');
    expect(nearestName('xyzxyz', ['conform', 'doctor'])).toBeUndefined();
  });
});
