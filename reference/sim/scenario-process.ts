/** A scenario in a process of its own, which can be ended when its time is over. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Figure } from './scenarios/scenario.ts';

/** What the child is asked for, as its one argument. */
export interface ChildRequest {
  readonly name: string;
  readonly seed: string;
  readonly values: Readonly<Record<string, number>>;
}

/** What a run came to: figures, or the reason why there are none. */
export type ChildResult =
  | { readonly outcome: 'figures'; readonly figures: readonly Figure[]; readonly durationMs: number; readonly rssBytesMax: number }
  | { readonly outcome: 'overdue'; readonly durationMs: number }
  | { readonly outcome: 'failed'; readonly message: string };

/** Limits of a run, of real time and of memory. */
export interface ChildLimits {
  readonly timeLimitMs: number;
  readonly heapMibMax: number;
}

/** Runs a scenario in a child; what it tells goes to standard error. */
export function runInChild(request: ChildRequest, limits: ChildLimits): Promise<ChildResult> {
  const child = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'scenario-child.ts' : 'scenario-child.js');
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const run = spawn(process.execPath, [`--max-old-space-size=${limits.heapMibMax}`, child, JSON.stringify(request)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let isOverdue = false;
    let output = '';
    const stop = (): void => {
      run.kill('SIGKILL');
    };
    const timer = setTimeout(() => {
      isOverdue = true;
      stop();
    }, limits.timeLimitMs);
    process.once('exit', stop);
    run.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    run.once('error', reject);
    run.once('close', (code, signal) => {
      clearTimeout(timer);
      process.removeListener('exit', stop);
      if (isOverdue) resolve({ outcome: 'overdue', durationMs: performance.now() - startMs });
      else if (code === 0) resolve(JSON.parse(output) as ChildResult);
      else resolve({ outcome: 'failed', message: `the process ended with ${signal ?? `exit code ${code}`}` });
    });
  });
}
