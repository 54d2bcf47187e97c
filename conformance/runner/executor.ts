/**
 * What the runner needs of a target: carry out a plan, evaluate vectors, start again. The driver gives
 * one for adapters and one for sockets; tests give their own.
 */
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import type { VectorCheck } from './check.ts';
import type { Level } from './job.ts';

export interface ExecuteOptions {
  /** 64 hexadecimal digits. */
  readonly seed: string;
  /** Unlike any other execution's on this target. */
  readonly runId: string;
}

/** One vector case that came out differently. */
export interface VectorFailure {
  readonly caseId: string;
  /** The first of the case's clauses that is the check's; the case's main one if none is. */
  readonly clause: string;
  /** All clauses that a wrong answer to the case breaks. */
  readonly clauses: readonly string[];
  readonly expected: string;
  readonly observed: string;
}

export interface VectorOutcome {
  readonly cases: number;
  readonly failures: readonly VectorFailure[];
  /** Functions that the file needs and the target does not declare. */
  readonly missingFunctions: readonly string[];
}

export interface Executor {
  readonly levels: readonly Level[];
  readonly capabilities: ReadonlySet<string>;
  /** Whether equal plans and seeds must give equal traces: a virtual clock and seeded randomness. */
  readonly deterministic: boolean;
  /** Whether time is real, so that a finding may come from a busy machine. */
  readonly wallClock: boolean;
  /** What the plan needs and the target lacks, or undefined. */
  preflight(plan: Plan): string | undefined;
  execute(plan: Plan, options: ExecuteOptions): Promise<Trace>;
  evaluate(check: VectorCheck): Promise<VectorOutcome>;
  /** Brings the target back after it died or hung. Throws a ToolError when that is impossible. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export type FaultKind =
  /** The target died, hung or went away. */
  | 'crashed'
  /** The target breaks the adapter protocol. */
  | 'protocol'
  /** The target lacks or refuses what the plan needs. */
  | 'unsupported'
  /** The kit itself. */
  | 'harness';

export interface Fault {
  readonly kind: FaultKind;
  readonly message: string;
}

/** Sorts whatever an executor throws by whose fault it is, from the error's code or name. */
export function faultOf(error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'E_CRASHED' || code === 'E_UNREACHABLE') return { kind: 'crashed', message };
  if (code === 'E_ADAPTER') return { kind: 'protocol', message };
  if (code === 'E_INCOMPATIBLE' || (error instanceof Error && error.name === 'PlanError')) return { kind: 'unsupported', message };
  return { kind: 'harness', message };
}
