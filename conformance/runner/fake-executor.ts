/** A target for tests of the runner: answers plans from a function, without a node. */

import type { Clause } from '../clauses/spec.ts';
import type { Plan } from '../driver/plan.ts';
import type { Trace, TraceEvent } from '../driver/trace.ts';
import type { Judgement, PlanCheck, VectorCheck } from './check.ts';
import type { ExecuteOptions, Executor, VectorOutcome } from './executor.ts';
import { type Job, type Level, levelsOf } from './job.ts';
import type { RunSettings } from './run.ts';

export interface FakeBehaviour {
  readonly levels?: readonly Level[];
  readonly capabilities?: readonly string[];
  readonly wallClock?: boolean;
  preflight?(plan: Plan): string | undefined;
  execute?(plan: Plan, options: ExecuteOptions): Promise<Trace>;
  evaluate?(check: VectorCheck): Promise<VectorOutcome>;
  restart?(): Promise<void>;
}

export interface FakeExecutor extends Executor {
  readonly executed: readonly { readonly plan: Plan; readonly options: ExecuteOptions }[];
  readonly restarts: () => number;
}

/** An executor that records what is asked of it; by default every plan gives a trace of its steps. */
export function fakeExecutor(behaviour: FakeBehaviour = {}): FakeExecutor {
  const executed: { plan: Plan; options: ExecuteOptions }[] = [];
  let restarts = 0;
  const wallClock = behaviour.wallClock ?? false;
  return {
    levels: behaviour.levels ?? ['vectors', 'adapter'],
    capabilities: new Set(behaviour.capabilities ?? []),
    deterministic: !wallClock,
    wallClock,
    executed,
    restarts: () => restarts,
    preflight: (plan) => behaviour.preflight?.(plan),
    execute: async (plan, options) => {
      executed.push({ plan, options });
      return behaviour.execute === undefined ? traceOf(plan) : behaviour.execute(plan, options);
    },
    evaluate: async (check) => behaviour.evaluate?.(check) ?? { cases: 1, failures: [], missingFunctions: [] },
    restart: async () => {
      restarts++;
      await behaviour.restart?.();
    },
    close: async () => {},
  };
}

/** The trace of a node that does nothing. */
export function traceOf(plan: Plan, more: readonly TraceEvent[] = []): Trace {
  let atMs = 0;
  const events = plan.steps.map((value, step): TraceEvent => {
    const event: TraceEvent = { type: 'step', atMs, step, value };
    if (value.op === 'advance') atMs += value.ms;
    return event;
  });
  return {
    level: 'adapter',
    observes: { deliver: true, verdict: true, closeCode: true, dial: true },
    networkId: 'test',
    nodePeerId: '00'.repeat(32),
    wallStartMs: 1_700_000_000_000,
    parameters: {},
    peerIds: {},
    stakes: {},
    applicationValidation: false,
    events: [...events, ...more],
    endMs: atMs,
  };
}

/** A plan of advances, the simplest steps there are. */
export function waits(...ms: readonly number[]): Plan {
  return { setup: {}, steps: ms.map((one) => ({ op: 'advance', ms: one })) };
}

/** Clauses of a spec of four: a MUST, a MUST NOT, a SHOULD and a MAY. */
export const FAKE_CLAUSES: readonly Clause[] = [
  fakeClause('TST-001', 'MUST'),
  fakeClause('TST-002', 'MUST NOT'),
  fakeClause('TST-003', 'SHOULD'),
  fakeClause('TST-004', 'MAY'),
];

function fakeClause(id: string, keyword: Clause['keyword']): Clause {
  return {
    id,
    chapter: '04',
    actor: 'node',
    keyword,
    text: `A node ${keyword} wait.`,
    witness: 'suite',
    code: undefined,
    reason: undefined,
    textHash: '',
  };
}

export const PASSING: Judgement = { findings: [], exercised: true };

/** A finding against a clause. */
export function findingOf(clause: string): Judgement {
  return { findings: [{ clause, expected: 'The node waits.', observed: 'The node does not wait.' }], exercised: true };
}

/** A plan check whose missing parts do not matter. */
export function planCheck(parts: Partial<PlanCheck> & Pick<PlanCheck, 'plans' | 'judge'>): PlanCheck {
  return { kind: 'plan', id: 'test.wait', title: 'A node waits', clauses: ['TST-001'], levels: ['adapter'], ...parts };
}

/** The check's job at its first level. */
export function jobOf(check: PlanCheck | VectorCheck, level: Level = levelsOf(check)[0] ?? 'adapter'): Job {
  return { check, level, chapter: '04' };
}

export const SETTINGS: RunSettings = {
  seed: 'test',
  clauseById: new Map(FAKE_CLAUSES.map((clause) => [clause.id, clause])),
  targetFlags: {},
};
