/** Which jobs a run takes: by id or glob, clause, level, chapter, class and shard. */
import { type Job, jobName, LEVELS, type Level } from './job.ts';
import { ToolError } from './problem.ts';

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

export interface Selection {
  readonly only?: readonly string[];
  readonly clauses?: readonly string[];
  readonly levels?: readonly Level[];
  readonly chapters?: readonly string[];
  /** Ids of a class's required checks; others are left out. */
  readonly ids?: ReadonlySet<string>;
  readonly shard?: Shard;
}

/**
 * The jobs of a selection, in their order. The parts of a selection narrow each other; the shard is
 * taken last, so that the shards of one selection are disjoint and together are all of it. Empty when
 * a shard is; throws E_USAGE when an id, glob, clause or chapter names nothing at all.
 */
export function selectJobs(jobs: readonly Job[], selection: Selection): readonly Job[] {
  const { only, clauses, levels, chapters, ids, shard } = selection;
  for (const [flag, names] of Object.entries({ '--only': only, '--clause': clauses, '--chapter': chapters })) {
    if (names?.length === 0) requireSome(flag, '', [], () => false);
  }
  for (const pattern of only ?? []) requireSome('--only', pattern, jobs.flatMap(idsOf), matcherOf(pattern));
  for (const clause of clauses ?? [])
    requireSome(
      '--clause',
      clause,
      jobs.flatMap((job) => job.check.clauses),
      isEqual(clause),
    );
  for (const chapter of chapters ?? [])
    requireSome(
      '--chapter',
      chapter,
      jobs.map((job) => job.chapter),
      isEqual(chapter),
    );
  const matchers = only?.map(matcherOf);
  const chosen = jobs.filter(
    (job) =>
      (matchers === undefined || matchers.some((matches) => idsOf(job).some(matches))) &&
      (clauses === undefined || clauses.some((clause) => job.check.clauses.includes(clause))) &&
      (levels === undefined || levels.includes(job.level)) &&
      (chapters === undefined || chapters.includes(job.chapter)) &&
      (ids === undefined || ids.has(job.check.id)),
  );
  return shard === undefined ? chosen : chosen.filter((_, position) => position % shard.count === shard.index - 1);
}

/** A predicate for a check id with the wildcards `*` (any text) and `?` (one character). */
export function matcherOf(pattern: string): (text: string) => boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return (text) => expression.test(text);
}

/** Reads `i/n` with 1 ≤ i ≤ n ≤ 1000. Throws E_USAGE. */
export function parseShard(text: string): Shard {
  const [, index = '', count = ''] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index !== '' && shard.index >= 1 && shard.index <= shard.count && shard.count <= 1000) return shard;
  throw new ToolError('E_USAGE', {
    what: '--shard is not usable',
    expected: 'i/n with 1 ≤ i ≤ n ≤ 1000',
    found: JSON.stringify(text),
    action: 'give for example --shard 2/4',
  });
}

/** Reads a level or a list of levels with commas; `all` is every level. Throws E_USAGE. */
export function parseLevels(text: string): readonly Level[] {
  if (text === 'all') return LEVELS;
  const names = text.split(',');
  const levels = LEVELS.filter((level) => names.includes(level));
  if (levels.length === new Set(names).size) return levels;
  throw new ToolError('E_USAGE', {
    what: '--level is not usable',
    expected: `${LEVELS.join(', ')} or all, or several with commas`,
    found: JSON.stringify(text),
    action: 'give for example --level adapter',
  });
}

/** The known name nearest to a wrong one, if one is near enough to be meant. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

const idsOf = (job: Job): string[] => [job.check.id, jobName(job)];

const isEqual = (wanted: string) => (text: string) => text === wanted;

function requireSome(flag: string, wanted: string, known: readonly string[], matches: (text: string) => boolean): void {
  if (known.some(matches)) return;
  const near = nearestName(wanted, known);
  throw new ToolError('E_USAGE', {
    what: `${flag} names nothing`,
    expected: 'a name that --list shows',
    found: JSON.stringify(wanted),
    action: near === undefined ? 'see carillon conform --list' : `did you mean ${near}?`,
  });
}

// Levenshtein, two rows; gives up above the limit.
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(Math.min((previous[column] ?? limit) + 1, (current[column - 1] ?? limit) + 1, (previous[column - 1] ?? limit) + cost));
    }
    previous = current;
  }
  return previous[right.length] ?? limit;
}
