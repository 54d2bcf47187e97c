/**
 * A process of its own for the flood, so that nothing else is in its memory: started with `--expose-gc`
 * and one argument, the request as JSON; writes the result as one line of JSON.
 */
import { PRESETS } from '../core/params.ts';
import { boundBytes, boundParts } from './bound.ts';
import { type FloodResult, type FloodSample, floodRequestForm } from './flood.ts';
import { FLOOD_LOAD, Flood } from './flood-plan.ts';
import { seedOf } from './stock.ts';

/** Virtual seconds between two looks at the memory. */
const SAMPLE_EVERY_S = 2;

/** What is alive: `external` holds the bytes of array buffers already. */
function liveBytes(collect: () => void): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The numbers of a view; of its lists, the sum of each number under `<list>.<name>`. */
function countsOf(view: unknown): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const add = (name: string, value: number): void => {
    counts[name] = (counts[name] ?? 0) + value;
  };
  for (const [name, value] of Object.entries(typeof view === 'object' && view !== null ? view : {})) {
    if (typeof value === 'number') add(name, value);
    if (!Array.isArray(value)) continue;
    for (const row of value) {
      for (const [inner, number] of Object.entries(row ?? {}))
        if (typeof number === 'number' && inner !== 'link') add(`${name}.${inner}`, number);
    }
  }
  return counts;
}

function run(argument: string): FloodResult {
  const { seconds, seed, timeLimitMs } = floodRequestForm.parse(JSON.parse(argument));
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('start with --expose-gc');
  const params = PRESETS.main;
  const startMs = performance.now();
  const flood = new Flood(params, seedOf(`flood ${seed}`));
  const baselineBytes = liveBytes(() => collect());
  const samples: FloodSample[] = [];
  const peaks: Record<string, number> = {};
  let done = 0;
  let throws = 0;
  let message: string | undefined;
  try {
    while (done < seconds && performance.now() - startMs < timeLimitMs) {
      flood.runSecond();
      done += 1;
      if (done % SAMPLE_EVERY_S !== 0 && done < seconds) continue;
      samples.push({ atMs: flood.nowMs, bytes: liveBytes(() => collect()) - baselineBytes });
      for (const view of ['gossip', 'sessions']) {
        for (const [name, count] of Object.entries(countsOf(flood.node.view(view)))) peaks[name] = Math.max(peaks[name] ?? 0, count);
      }
    }
  } catch (error) {
    throws = 1;
    message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return {
    seconds: done,
    baselineBytes,
    peakBytes: Math.max(0, ...samples.map(({ bytes }) => bytes)),
    boundBytes: boundBytes(params, FLOOD_LOAD),
    parts: boundParts(params, FLOOD_LOAD),
    samples,
    peaks,
    counts: flood.counts,
    throws,
    ...(message === undefined ? {} : { message }),
    durationMs: Math.round(performance.now() - startMs),
  };
}

process.stdout.write(`${JSON.stringify(run(process.argv[2] ?? ''))}\n`);
