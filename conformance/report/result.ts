/**
 * One run's result as JSON lines, the source of every report: a `run` line, a `check` line for each
 * check, an `end` line. `result.schema.json` describes the same for other languages.
 */

/** Verdicts of a check. `variant` is a pass that made a recorded legal choice. */
export type CheckVerdict =
  | 'passed'
  | 'failed'
  | 'variant'
  | 'warned' // a SHOULD that does not hold
  | 'notApplicable'
  | 'untestable'
  | 'inconclusive'
  | 'crashed'
  | 'harnessError';

export interface RunLine {
  readonly type: 'run';
  readonly schema: 1;
  readonly kitVersion: string;
  readonly specVersion: string;
  readonly adapterVersion: number;
  readonly target: {
    readonly name: string;
    readonly version: string;
    readonly language: string;
    readonly specVersion: string;
    readonly conformanceClass: string;
    readonly capabilities: readonly string[];
    readonly clock: string;
    readonly randomness: string;
  };
  readonly seed: string;
  readonly levels: readonly string[];
  readonly filters: Readonly<Record<string, string>>;
  readonly startedAt: string;
}

/** One arrow of a message sequence diagram. */
export interface DiagramLine {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly marked: boolean;
}

export interface FailureDetail {
  readonly clause: string;
  readonly clauseText: string;
  readonly expected: string;
  readonly observed: string;
  /** The shrunk stimulus, one readable line a step. */
  readonly stimulus: readonly string[];
  readonly diagram: readonly DiagramLine[];
  readonly traceFile: string | undefined;
  readonly replay: string;
  readonly seed: string;
  readonly steps: number;
  readonly stepsBeforeShrinking: number;
  /** Of two runs of the same plan only one failed. */
  readonly flaky: boolean;
}

export interface CheckLine {
  readonly type: 'check';
  readonly id: string;
  readonly title: string;
  readonly level: 'vectors' | 'wire' | 'adapter';
  /** Two digits, of the main clause. */
  readonly chapter: string;
  readonly clauses: readonly string[];
  readonly keyword: 'MUST' | 'SHOULD';
  readonly verdict: CheckVerdict;
  /** Why, for every verdict but passed and failed. */
  readonly reason: string | undefined;
  readonly runs: number;
  readonly durationMs: number;
  /** `expected`: listed in the baseline and failing; `stale`: listed and not failing. */
  readonly baseline: 'expected' | 'stale' | 'flaky' | undefined;
  /** In the frozen required set of the spec version; others do not score. */
  readonly required: boolean;
  readonly failure: FailureDetail | undefined;
}

/** The keys of `reports/conform/summary.json`, stable. */
export interface Summary {
  readonly checks: number;
  readonly passed: number;
  readonly failed: number;
  readonly variant: number;
  readonly notApplicable: number;
  readonly untestable: number;
  readonly inconclusive: number;
  readonly crashed: number;
  readonly harnessError: number;
  readonly byChapter: Readonly<Record<string, { readonly checks: number; readonly passed: number; readonly failed: number }>>;
  readonly byLevel: Readonly<Record<string, { readonly checks: number; readonly passed: number; readonly failed: number }>>;
  readonly seed: string;
  readonly durationMs: number;
}

export interface EndLine {
  readonly type: 'end';
  readonly summary: Summary;
  readonly exitCode: number;
}

export type ResultLine = RunLine | CheckLine | EndLine;
