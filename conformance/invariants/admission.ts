/**
 * Which of the kit's frames the rate buckets let pass, in the exact integers of chapter 04: a judge
 * asks for a reaction only to these.
 */
import type { Trace } from '../driver/trace.ts';
import { frameRule } from '../model/frame.ts';

interface Bucket {
  units: number;
  atMs: number;
}

/** Indexes of the `sentFrame` events that pass both buckets of their class (SES-060 to SES-062). */
export function admittedFrames(trace: Trace): ReadonlySet<number> {
  const admitted = new Set<number>();
  const buckets = new Map<string, Bucket>();
  const parameter = (name: string): number => Number(trace.parameters[name] ?? 0);
  trace.events.forEach((event, index) => {
    if (event.type === 'sessionUp') {
      for (const key of [...buckets.keys()]) if (key.startsWith(`${event.link} `)) buckets.delete(key);
    }
    if (event.type !== 'sentFrame') return;
    const frameClass = frameRule(event.frame.kind)?.class ?? 'data';
    if (event.frame.kind === 6) {
      admitted.add(index);
      return;
    }
    const costs = [
      { key: `${event.link} ${frameClass} messages`, rate: parameter(`rate.${frameClass}.messages_per_s`), cost: 1 },
      { key: `${event.link} ${frameClass} bytes`, rate: parameter(`rate.${frameClass}.bytes_per_s`), cost: event.size },
    ];
    const levels = costs.map(({ key, rate }) => {
      const bucket = buckets.get(key);
      const full = 2 * rate * 1_000;
      return bucket === undefined ? full : Math.min(full, bucket.units + rate * (event.atMs - bucket.atMs));
    });
    if (costs.some(({ cost }, at) => (levels[at] ?? 0) < cost * 1_000)) return;
    costs.forEach(({ key, cost }, at) => {
      buckets.set(key, { units: (levels[at] ?? 0) - cost * 1_000, atMs: event.atMs });
    });
    admitted.add(index);
  });
  return admitted;
}
