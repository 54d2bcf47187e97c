/** What the operator did wrong, or what the machine refused: said with a code and a way out. Spec: chapter 20, "Tools". */

/** The codes that the node's commands end with. */
export type ProblemCode = 'E_USAGE' | 'E_CONFIG' | 'E_KEY_FILE' | 'E_FILE' | 'E_UNREACHABLE';

/** The parts of a complaint that a person can act on. */
export interface ProblemParts {
  /** The file, flag, key or address that the complaint is about. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
  /** What to do about it, as an order. */
  readonly todo: string;
}

/** A failure of the environment or of its configuration, never of a peer and never a bug. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly parts: ProblemParts;

  constructor(code: ProblemCode, parts: ProblemParts) {
    super(`${code}: ${parts.where}: expected ${parts.expected}; found ${parts.found}; ${parts.todo}`);
    this.name = 'Problem';
    this.code = code;
    this.parts = parts;
  }

  /** The exit code of chapter 20. */
  get exitCode(): number {
    return this.code === 'E_UNREACHABLE' ? 3 : 2;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's name for a failed call, for example `EADDRINUSE`; undefined for other errors. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
