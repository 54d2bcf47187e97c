/** The flood from outside: a child process is started, watched, and its result taken. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import type { BoundPart } from './bound.ts';
import type { FloodCounts } from './flood-plan.ts';

/** What the child is asked for. */
export const floodRequestForm: z.ZodType<FloodRequest> = z.object({
  seconds: z.number().int().min(1),
  seed: z.string(),
  timeLimitMs: z.number().positive(),
});

/** How long to flood, in virtual seconds, and how long that may take, in real milliseconds. */
export interface FloodRequest {
  readonly seconds: number;
  readonly seed: string;
  readonly timeLimitMs: number;
}

/** What was alive at a moment of the node's time, above the baseline. */
export interface FloodSample {
  readonly atMs: number;
  readonly bytes: number;
}

/** What a flood came to. */
export interface FloodResult {
  /** Virtual seconds that were flooded. */
  readonly seconds: number;
  readonly baselineBytes: number;
  /** Most that was alive above the baseline. */
  readonly peakBytes: number;
  readonly boundBytes: number;
  readonly parts: readonly BoundPart[];
  readonly samples: readonly FloodSample[];
  /** Largest counts that the node's views showed. */
  readonly peaks: Readonly<Record<string, number>>;
  readonly counts: FloodCounts;
  readonly throws: number;
  readonly message?: string | undefined;
  readonly durationMs: number;
}

const resultForm: z.ZodType<FloodResult> = z.object({
  seconds: z.number(),
  baselineBytes: z.number(),
  peakBytes: z.number(),
  boundBytes: z.number(),
  parts: z.array(z.object({ name: z.string(), bytes: z.number() })),
  samples: z.array(z.object({ atMs: z.number(), bytes: z.number() })),
  peaks: z.record(z.string(), z.number()),
  counts: z.object({
    inputs: z.number(),
    delivered: z.number(),
    bytesSent: z.number(),
    sessionsClosed: z.number(),
    quietPings: z.number(),
    quietPongs: z.number(),
    quietLost: z.number(),
  }),
  throws: z.number(),
  message: z.string().optional(),
  durationMs: z.number(),
});

/** Real time beyond the limit that the child has for its last second and its start. */
const GRACE_MS = 30_000;
const HEAP_MIB_MAX = 2048;

/** Floods a node in a process of its own. Throws when that process dies or does not end in time. */
export function runFlood(request: FloodRequest): Promise<FloodResult> {
  const child = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'flood-child.ts' : 'flood-child.js');
  const flags = ['--expose-gc', `--max-old-space-size=${HEAP_MIB_MAX}`];
  return new Promise((resolve, reject) => {
    const flood = spawn(process.execPath, [...flags, child, JSON.stringify(request)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const stop = (): void => {
      flood.kill('SIGKILL');
    };
    const timer = setTimeout(stop, request.timeLimitMs + GRACE_MS);
    process.once('exit', stop);
    let output = '';
    flood.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    flood.once('error', reject);
    flood.once('close', (code, signal) => {
      clearTimeout(timer);
      process.removeListener('exit', stop);
      if (code === 0) resolve(resultForm.parse(JSON.parse(output)));
      else reject(new Error(`the flood's process ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
