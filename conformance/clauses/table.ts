/** The clause table: clause → witness → checks → last result → mutants that prove that a check bites. */
import type { Check } from '../runner/check.ts';
import type { Clause, Witness } from './spec.ts';

/** Everything known of one clause. */
export interface ClauseRow {
  readonly clause: Clause;
  /** Ids of the checks that can name it. */
  readonly checks: readonly string[];
  /** Worst last verdict of those checks; undefined when none has run. */
  readonly lastVerdict: string | undefined;
  readonly mutants: readonly string[];
  /** Why a wire-visible MUST has no check; only then. */
  readonly excuse: string | undefined;
}

/** Stable keys of `reports/clauses/summary.json`. */
export interface ClauseSummary {
  readonly must: number;
  readonly witnessed: number;
  readonly wireVisible: number;
  readonly checked: number;
  readonly byChapter: Readonly<
    Record<string, { readonly must: number; readonly witnessed: number; readonly wireVisible: number; readonly checked: number }>
  >;
}

export interface ClauseSources {
  readonly clauses: readonly Clause[];
  readonly checks: readonly Check[];
  /** Items of the doctor, which judges adapters: id and clause. */
  readonly doctorItems: readonly { readonly id: string; readonly clause: string }[];
  /** Verdict by check id, from the last run. */
  readonly verdicts: ReadonlyMap<string, readonly string[]>;
  /** Mutant ids by clause. */
  readonly mutants: ReadonlyMap<string, readonly string[]>;
  /** Written reasons by clause. */
  readonly excuses: ReadonlyMap<string, string>;
}

/** Verdicts from best to worst. */
const ORDER = ['passed', 'variant', 'notApplicable', 'warned', 'inconclusive', 'untestable', 'harnessError', 'crashed', 'failed'];

/** One row a clause, in the order of the chapters. */
export function clauseRows(sources: ClauseSources): ClauseRow[] {
  return sources.clauses.map((clause) => {
    const items = sources.doctorItems.filter((item) => item.clause === clause.id).map((item) => `doctor:${item.id}`);
    const checks = [...sources.checks.filter((check) => check.clauses.includes(clause.id)).map((check) => check.id), ...items];
    const verdicts = checks.flatMap((id) => sources.verdicts.get(id) ?? []);
    return {
      clause,
      checks,
      lastVerdict: verdicts.sort((a, b) => ORDER.indexOf(b) - ORDER.indexOf(a))[0],
      mutants: sources.mutants.get(clause.id) ?? [],
      excuse: sources.excuses.get(clause.id),
    };
  });
}

export function isMust(clause: Clause): boolean {
  return clause.keyword === 'MUST' || clause.keyword === 'MUST NOT';
}

/** A clause that a peer, or a caller of Evaluate, can see broken. */
export function isWireVisible(witness: Witness): boolean {
  return witness === 'vector' || witness === 'suite';
}

/** Whether the clause has what its witness line promises; a network's clause has the name of its scenario as the reason. */
export function isWitnessed(row: ClauseRow): boolean {
  if (row.clause.witness === 'sim') return row.excuse !== undefined;
  return !isWireVisible(row.clause.witness) || row.checks.length > 0 || row.excuse !== undefined;
}

export function summarise(rows: readonly ClauseRow[]): ClauseSummary {
  const count = (list: readonly ClauseRow[]) => ({
    must: list.length,
    witnessed: list.filter(isWitnessed).length,
    wireVisible: list.filter(({ clause }) => isWireVisible(clause.witness)).length,
    checked: list.filter(({ clause, checks }) => isWireVisible(clause.witness) && checks.length > 0).length,
  });
  const musts = rows.filter(({ clause }) => isMust(clause));
  const chapters = [...new Set(musts.map(({ clause }) => clause.chapter))].sort();
  return {
    ...count(musts),
    byChapter: Object.fromEntries(chapters.map((chapter) => [chapter, count(musts.filter(({ clause }) => clause.chapter === chapter))])),
  };
}

/** What is wrong with the table: each line names a clause and what to do. */
export function faults(rows: readonly ClauseRow[]): string[] {
  const list: string[] = [];
  for (const row of rows) {
    const { clause, checks, excuse } = row;
    if (isMust(clause) && !isWitnessed(row))
      list.push(
        `${clause.id} is a MUST with witness ${clause.witness} and no check; add one, or a reason to conformance/clauses/unchecked.toml`,
      );
    if (checks.length > 0 && excuse !== undefined) list.push(`${clause.id} has a check and a reason for having none; remove the reason`);
  }
  const visible = rows.filter(({ clause }) => isMust(clause) && isWireVisible(clause.witness));
  const checked = visible.filter(({ checks }) => checks.length > 0).length;
  if (checked * 100 < visible.length * 95)
    list.push(`only ${checked} of ${visible.length} wire-visible MUSTs have a check; at least 95 % are needed`);
  return list;
}

/** The table as Markdown. */
export function markdown(rows: readonly ClauseRow[]): string {
  const lines = ['# Clauses', '', '| clause | keyword | witness | checks | last result | mutants |', '|---|---|---|---|---|---|'];
  for (const { clause, checks, lastVerdict, mutants, excuse } of rows) {
    const shown = checks.length > 0 ? checks.map((id) => `\`${id}\``).join(' ') : (excuse ?? clause.reason ?? '–');
    lines.push(
      `| ${clause.id} | ${clause.keyword} | ${clause.witness} | ${shown} | ${lastVerdict ?? '–'} | ${mutants.map((id) => `\`${id}\``).join(' ') || '–'} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}
