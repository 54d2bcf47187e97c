/**
 * What a command says when it cannot go on: one line with the code of chapter 20, what is wrong, what
 * was expected, what was found, and what to do. Never a stack trace unless CARILLON_DEBUG is 1.
 */

/** Exit code of each tool error, chapter 20. */
export const TOOL_EXIT_CODES = {
  E_USAGE: 2,
  E_CONFIG: 2,
  E_KEY_FILE: 2,
  E_FILE: 2,
  E_BASELINE: 2,
  E_TRACE: 2,
  E_UNREACHABLE: 3,
  E_ADAPTER: 4,
  E_INCOMPATIBLE: 5,
  E_CRASHED: 1,
  E_HARNESS: 70,
} as const;

export type ToolCode = keyof typeof TOOL_EXIT_CODES;

export const EXIT_PASSED = 0;
export const EXIT_FAILED = 1;

/** The four parts of an error line. */
export interface Problem {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly action: string;
}

/** An error that a user can act on; the command line prints it as one line and leaves with the code's exit code. */
export class ToolError extends Error {
  readonly code: ToolCode;
  constructor(code: ToolCode, problem: Problem) {
    super(`${problem.what}; expected ${problem.expected}; found ${problem.found}; ${problem.action}`);
    this.name = 'ToolError';
    this.code = code;
  }
}

/** The tool code that an error carries, whoever threw it; E_FILE for errors of the file system, E_HARNESS for everything unforeseen. */
export function toolCodeOf(error: unknown): ToolCode {
  const code = codeOf(error);
  if (code === undefined) return 'E_HARNESS';
  if (code in TOOL_EXIT_CODES) return code as ToolCode;
  if (FILE_ERRORS.has(code)) return 'E_FILE';
  if (NETWORK_ERRORS.has(code)) return 'E_UNREACHABLE';
  return 'E_HARNESS';
}

/** The line for stderr. With `debug` the stack trace follows it. */
export function formatProblem(error: unknown, debug: boolean): string {
  const code = toolCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const told = message.replace(new RegExp(`^(?:\\[${code}\\]|${code}:) *`), '');
  const text = told === message ? explain(code, error, message) : told;
  // What a file or a target says may hold anything; it stays one line, and no terminal obeys it.
  const line = `[${code}] ${text.replaceAll(/\p{Cc}+/gu, ' ').trimEnd()}`;
  const stack = debug && error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : '';
  return `${line}${stack}`;
}

const FILE_ERRORS = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EEXIST', 'EPERM', 'ENOSPC', 'EROFS', 'ENAMETOOLONG']);
const NETWORK_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOTFOUND', 'EADDRINUSE']);

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

// Errors of Node say what happened but not what to do; our own messages say both.
function explain(code: ToolCode, error: unknown, message: string): string {
  if (codeOf(error) === code) return message;
  switch (code) {
    case 'E_FILE':
      return `a file cannot be used; expected one that can be read or written; found ${message}; check the path and its permissions`;
    case 'E_UNREACHABLE':
      return `the target cannot be reached; expected a listening address; found ${message}; start it, or check the address`;
    default:
      return `the kit itself is at fault; expected no such error; found ${message}; set CARILLON_DEBUG=1 and report the stack trace`;
  }
}
