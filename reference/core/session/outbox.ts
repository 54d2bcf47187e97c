/**
 * What a node sends on one session, held to what the peer's buckets let pass: lanes in order of
 * urgency, and a mirror of the peer's buckets that charges a frame when it leaves. Spec: SES-065.
 */
import type { Params } from '../params.ts';
import type { MonoMs } from '../types.ts';
import { FRAME_CLASSES, FRAME_KINDS, type FrameClass, KIND_PING, KIND_PONG } from '../wire/frame.ts';
import { canTake, type TokenBucket, take, waitMs } from '../wire/rate.ts';
import { type ClassBuckets, createClassBuckets, forEachClass } from './rates.ts';

/** A frame that waits to leave; `ping` is the request id of a Ping of our own. */
export interface OutFrame {
  readonly bytes: Uint8Array;
  readonly ping?: number;
}

/**
 * Ping and Pong have a lane of their own in front of the other control frames, with which they share
 * the buckets: no amount of pruning delays an answer (SES-051).
 */
interface Lane {
  readonly class: FrameClass;
  readonly frames: OutFrame[];
  bytes: number;
}

/** The outgoing side of one session. */
export interface Outbox {
  readonly liveness: Lane;
  readonly lanes: Readonly<Record<FrameClass, Lane>>;
  readonly buckets: Readonly<Record<FrameClass, ClassBuckets>>;
}

/** Per lane. What a link cannot carry within a few seconds is not worth keeping. */
const LANE_FRAMES_MAX = 1024;
const LANE_BYTES_MAX = 1_048_576;

/**
 * The mirror never spends the last part of a bucket, what it gains in this time: frames that left
 * well apart may arrive together, and the peer's clock may run a little slower.
 */
const RESERVE_MS = 125;

function createLane(name: FrameClass): Lane {
  return { class: name, frames: [], bytes: 0 };
}

/** Nothing waits, and the peer's buckets are full as its session is new. */
export function createOutbox(params: Params, nowMs: MonoMs): Outbox {
  return {
    liveness: createLane('control'),
    lanes: forEachClass(createLane),
    buckets: forEachClass((name) => createClassBuckets(params, name, nowMs)),
  };
}

function isLiveness(kind: number): boolean {
  return kind === KIND_PING || kind === KIND_PONG;
}

function isFull(lane: Lane): boolean {
  return lane.frames.length > LANE_FRAMES_MAX || lane.bytes > LANE_BYTES_MAX;
}

function dropOldest(lane: Lane): void {
  const dropped = lane.frames.shift();
  lane.bytes -= dropped?.bytes.length ?? 0;
}

/**
 * Puts a frame at the end of its lane. When the lane is full the oldest frames go, for the newest
 * serve best, but nothing of class control may be lost: false says that the session has to end.
 */
export function queueFrame(outbox: Outbox, kind: number, frame: OutFrame): boolean {
  const name = FRAME_KINDS.get(kind)?.class ?? 'data';
  const lane = isLiveness(kind) ? outbox.liveness : outbox.lanes[name];
  lane.frames.push(frame);
  lane.bytes += frame.bytes.length;
  if (!isFull(lane)) return true;
  if (name === 'control') return false;
  while (isFull(lane)) dropOldest(lane);
  return true;
}

function lanesByUrgency(outbox: Outbox): readonly Lane[] {
  return [outbox.liveness, ...FRAME_CLASSES.map((name) => outbox.lanes[name])];
}

/** `count` and the reserve, as far as a full bucket has room for both. */
function withReserve(bucket: TokenBucket, count: number): number {
  const reserve = Math.floor((bucket.ratePerS * RESERVE_MS) / 1000);
  return Math.max(count, Math.min(count + reserve, 2 * bucket.ratePerS));
}

function fits(buckets: ClassBuckets, size: number, nowMs: MonoMs): boolean {
  const { messages, bytes } = buckets;
  return canTake(messages, withReserve(messages, 1), nowMs) && canTake(bytes, withReserve(bytes, size), nowMs);
}

/** Takes out what may leave now, most urgent lane first, each lane in its order. */
export function releaseFrames(outbox: Outbox, nowMs: MonoMs): readonly OutFrame[] {
  const released: OutFrame[] = [];
  for (const lane of lanesByUrgency(outbox)) {
    const buckets = outbox.buckets[lane.class];
    let frame = lane.frames[0];
    while (frame !== undefined && fits(buckets, frame.bytes.length, nowMs)) {
      take(buckets.messages, 1, nowMs);
      take(buckets.bytes, frame.bytes.length, nowMs);
      released.push(frame);
      dropOldest(lane);
      frame = lane.frames[0];
    }
  }
  return released;
}

/** When the next waiting frame may leave, or undefined when none waits. */
export function nextReleaseMs(outbox: Outbox, nowMs: MonoMs): MonoMs | undefined {
  let next: MonoMs | undefined;
  for (const lane of lanesByUrgency(outbox)) {
    const frame = lane.frames[0];
    if (frame === undefined) continue;
    const { messages, bytes } = outbox.buckets[lane.class];
    const messagesWait = waitMs(messages, withReserve(messages, 1), nowMs) ?? 0;
    const bytesWait = waitMs(bytes, withReserve(bytes, frame.bytes.length), nowMs) ?? 0;
    // At least a millisecond: the buckets gain in whole ones.
    const at = nowMs + Math.max(1, messagesWait, bytesWait);
    if (next === undefined || at < next) next = at;
  }
  return next;
}

/** How many frames wait, for views. */
export function waitingFrames(outbox: Outbox): number {
  return lanesByUrgency(outbox).reduce((count, lane) => count + lane.frames.length, 0);
}
