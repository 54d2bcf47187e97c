/** The three kinds of wrong that a driver meets: the target's, the plan's against a target, and the kit's own. */

/** Names of the tools' table of chapter 20 that a target can be the cause of. */
export type TargetErrorCode = 'E_UNREACHABLE' | 'E_ADAPTER' | 'E_INCOMPATIBLE' | 'E_CRASHED';

/** The target cannot be reached, breaks the adapter protocol, is of another version, or died. Spec: chapter 20, Tools. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly code: TargetErrorCode;

  constructor(code: TargetErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A `TargetError` as a command prints it when there is nothing to judge: what, expected, found, what to do. */
export function targetProblem(code: TargetErrorCode, what: string, expected: string, found: string, action: string): TargetError {
  return new TargetError(code, `${what}; expected ${expected}; found ${found}; ${action}`);
}

/** A plan asks for what the target does not do: `unsupported` and `refused` are the target's answers, `needs` is found before the first step. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
  readonly reason: 'unsupported' | 'refused' | 'needs';
  /** Index of the step that could not be carried out; undefined before the first one. */
  readonly step: number | undefined;

  constructor(reason: 'unsupported' | 'refused' | 'needs', message: string, step?: number) {
    super(message);
    this.reason = reason;
    this.step = step;
  }
}

/** The kit itself is at fault: a plan that means nothing, or a message of the kit that its own reader refuses. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';
  readonly code = 'E_HARNESS';
}

/** Text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
