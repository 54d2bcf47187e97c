/** Frames in numbers, to the unit of a bucket. */
import fc, { type Arbitrary } from 'fast-check';
import type { Step } from '../driver/plan.ts';
import { concat } from '../model/bytes.ts';
import { encodeFrame } from '../model/frame.ts';
import { encodeUvarint } from '../model/uvarint.ts';
import { plaintext } from './session-plans.ts';
import { numberedId } from './wire-bodies.ts';
import { smallBody } from './wire-frames.ts';

/** Frames that change nothing in a node but its buckets, by class; each has another price. */
export type FloodKind =
  /** control; answered while it passes */
  | 'ping'
  /** control; ignored, charged all the same */
  | 'strayPong'
  /** control */
  | 'graft'
  /** inventory */
  | 'iwant'
  /** data: an odd kind that nobody knows */
  | 'odd';

/** The class whose buckets a flood is charged to. */
export const CLASS_OF: Readonly<Record<FloodKind, 'control' | 'inventory' | 'data'>> = {
  ping: 'control',
  strayPong: 'control',
  graft: 'control',
  iwant: 'inventory',
  odd: 'data',
};

/** What a full message bucket of each class holds with preset `conformance`: twice its rate. */
export const BURST: Readonly<Record<'control' | 'inventory' | 'data', number>> = { control: 40, inventory: 100, data: 200 };

/** One frame of a flood; request ids of Pings are `700_000 + index`. */
export function floodFrame(kind: FloodKind, index: number): Uint8Array {
  if (kind === 'ping') return encodeFrame(2, 700_000 + index, smallBody('Ping'));
  if (kind === 'strayPong') return encodeFrame(4, 700_000 + index, smallBody('Pong'));
  if (kind === 'graft') return encodeFrame(38, 0, smallBody('Graft'));
  if (kind === 'iwant') return encodeFrame(42, 0, smallBody('Iwant'));
  return encodeFrame(9, 0, Uint8Array.of(index & 0xff));
}

/** `count` frames in plaintexts of at most `batch` each. */
export function flood(link: number, kind: FloodKind, count: number, batch = 50, from = 0): readonly Step[] {
  const steps: Step[] = [];
  for (let sent = 0; sent < count; sent += batch) {
    const size = Math.min(batch, count - sent);
    steps.push(plaintext(link, concat(...Array.from({ length: size }, (_, index) => floodFrame(kind, from + sent + index)))));
  }
  return steps;
}

/** An Iwant of `ids` ids that nobody has: 34 bytes an id. */
export function iwantOf(link: number, ids: number): Step {
  const body = concat(...Array.from({ length: ids }, (_, index) => concat(Uint8Array.of(0x0a, 32), numberedId(index))));
  return plaintext(link, encodeFrame(42, 0, body));
}

/** A frame of an unknown odd kind of exactly `bytes` bytes. */
export function oddOfSize(link: number, bytes: number): Step {
  const lengthBytes = encodeUvarint(bytes - 2).length;
  return plaintext(link, encodeFrame(9, 0, new Uint8Array(bytes - lengthBytes - 2).fill(0x61)));
}

export const floodKinds: Arbitrary<FloodKind> = fc.constantFrom<FloodKind[]>('ping', 'strayPong', 'graft', 'iwant', 'odd');
export const plainFloodKinds: Arbitrary<FloodKind> = fc.constantFrom<FloodKind[]>('ping', 'strayPong', 'odd');
