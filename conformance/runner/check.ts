/** What a check is: clauses, what it needs, plans to try, and a judge that sees only the trace. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';

/** A judge's complaint. The clause must be one of the check's own. */
export interface Finding {
  readonly clause: string;
  /** One sentence each, in the words of the spec. */
  readonly expected: string;
  readonly observed: string;
  /** Index into the trace's events, where it went wrong. */
  readonly at?: number;
}

/** What a judge says of one trace. */
export interface Judgement {
  readonly findings: readonly Finding[];
  /**
   * Whether the stimulus reached the node so that the clause could have been broken. A run in which
   * no trace of a check is `exercised` is untestable, never passed.
   */
  readonly exercised: boolean;
  /** A legal choice that the node made, for the record. */
  readonly variant?: string;
}

interface CheckBase {
  /** Stable and never reused, for example `gossip.prune.expires`. */
  readonly id: string;
  /** What is shown, as a sentence. */
  readonly title: string;
  /** Clauses that a finding of this check can name, the main one first. */
  readonly clauses: readonly string[];
  /** Protocol and adapter capabilities that must be declared, else the check is not applicable. */
  readonly needs?: readonly string[];
  /** SHOULD warns instead of failing; MUST if absent. */
  readonly keyword?: 'MUST' | 'SHOULD';
  /** The attack of `conformance/README.md` that it covers. */
  readonly attacks?: readonly string[];
}

/** A stateful check: plans against a node. */
export interface PlanCheck extends CheckBase {
  readonly kind: 'plan';
  readonly levels: readonly ('adapter' | 'wire')[];
  /** Plans to try. A check whose plan never varies uses `fc.constant`. */
  readonly plans: Arbitrary<Plan>;
  /** How many plans per run; 5 if absent, 1 for constants. At level wire one plan is run. */
  readonly runs?: number;
  /**
   * Must hold for every plan that shrinking can make by leaving steps out, so it argues from the
   * trace, never from step numbers.
   */
  judge(trace: Trace): Judgement;
}

/** A pure check: a vector file against Evaluate. */
export interface VectorCheck extends CheckBase {
  readonly kind: 'vector';
  /** Path below `vectors/`. */
  readonly file: string;
  /** Case ids of the file that belong to this check; all if absent. */
  readonly cases?: readonly string[];
}

export type Check = PlanCheck | VectorCheck;
