/** The event log of a run: one hash for each check's traces, so that two runs with one seed can be held against each other. */
import { createHash } from 'node:crypto';
import type { Trace } from '../driver/trace.ts';

/** SHA-256 of traces as canonical JSON: keys in ascending order, 64-bit integers as decimal text. */
export function hashTrace(traces: readonly Trace[]): string {
  const hash = createHash('sha256');
  for (const trace of traces) hash.update(`${canonicalJson(trace)}\n`);
  return hash.digest('hex');
}

/** JSON with sorted keys; bigints become decimal text, bytes hexadecimal. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part instanceof Uint8Array) return Buffer.from(part).toString('hex');
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    const given = part as Readonly<Record<string, unknown>>;
    // Without a prototype every name is a name like others.
    const sorted: Record<string, unknown> = Object.create(null);
    for (const name of Object.keys(given).sort()) sorted[name] = given[name];
    return sorted;
  });
}

/** Text of `events.log`: a line with hash and id for each check, then the hash of those lines. */
export function eventLogText(hashes: readonly { readonly id: string; readonly hash: string }[], total: string): string {
  return [...hashes.map(({ id, hash }) => `${hash} ${id}`), `${total} total`, ''].join('\n');
}
