/**
 * How the core speaks of its own bugs. A peer's fault is a `violation` effect and the environment's
 * failure a result; only what no input may bring about throws.
 */

/** Throws when `condition` does not hold, which is a bug of this program, never a peer's doing. */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${why}`);
}

/** Ends a switch over a discriminated union: does not compile while a case is missing, and throws when reached. */
export function assertNever(value: never): never {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  throw new Error(`case not handled: ${text}`);
}
