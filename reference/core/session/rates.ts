/** What a session lets a peer send: two buckets for each class, and the count of overruns. Spec: SES-060 to SES-066. */
import type { Params } from '../params.ts';
import type { MonoMs } from '../types.ts';
import { FRAME_CLASSES, type FrameClass } from '../wire/frame.ts';
import { canTake, createBucket, type TokenBucket, take } from '../wire/rate.ts';

/** The two buckets of one class on one session; a frame passes when both hold its cost. */
export interface ClassBuckets {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
}

interface ClassRate extends ClassBuckets {
  overruns: number;
  lastOverrunMs: MonoMs;
}

/** The incoming side of one session. */
export type Rates = Readonly<Record<FrameClass, ClassRate>>;

/** What a frame does to its class: `over` is one overrun too many. */
export type Charge = 'passes' | 'overrun' | 'over';

/** Full buckets of one class at the network's rates. Spec: chapter 04, "Rates" */
export function createClassBuckets(params: Params, name: FrameClass, nowMs: MonoMs): ClassBuckets {
  return {
    messages: createBucket(params[`rate.${name}.messages_per_s`], nowMs),
    bytes: createBucket(params[`rate.${name}.bytes_per_s`], nowMs),
  };
}

/** A record with one entry for each class. */
export function forEachClass<T>(make: (name: FrameClass) => T): Readonly<Record<FrameClass, T>> {
  const entries = FRAME_CLASSES.map((name) => [name, make(name)] as const);
  return Object.fromEntries(entries) as Record<FrameClass, T>;
}

/** The buckets of a new session, full. Spec: SES-066 */
export function createRates(params: Params, nowMs: MonoMs): Rates {
  return forEachClass((name) => ({ ...createClassBuckets(params, name, nowMs), overruns: 0, lastOverrunMs: nowMs }));
}

/** Charges a frame of `size` bytes, its length field included, to its class. Spec: SES-060 to SES-064 */
export function chargeFrame(params: Params, rates: Rates, name: FrameClass, size: number, nowMs: MonoMs): Charge {
  const rate = rates[name];
  if (canTake(rate.messages, 1, nowMs) && take(rate.bytes, size, nowMs)) {
    take(rate.messages, 1, nowMs);
    return 'passes';
  }
  if (nowMs - rate.lastOverrunMs >= params['session.rate_overrun_reset_ms']) rate.overruns = 0;
  rate.overruns += 1;
  rate.lastOverrunMs = nowMs;
  return rate.overruns > params['session.rate_overrun_max'] ? 'over' : 'overrun';
}
