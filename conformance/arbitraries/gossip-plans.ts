/** Words from which the plans of chapter 05 are put together: links, messages, frames, time. */
import type { BodySpec, EnvelopeDefect, EnvelopeSpec, FrameSpec, IdValue, Label, OriginValue, Plan, Setup, Step } from '../driver/plan.ts';
import { makeAppPayload, makeEnvelope } from '../model/envelope.ts';

/** A session with a fresh peer; every link has an address of its own unless one is given. */
export function session(
  link: number,
  peer: Label,
  options: { readonly capabilities?: readonly string[]; readonly address?: string } = {},
): Step {
  return { op: 'open', link, peer, mode: 'session', ...options };
}

/** Sessions `from` … `to - 1`, each with the peer `p<link>`. */
export function sessions(from: number, to: number, capabilities?: readonly string[]): Step[] {
  return Array.from({ length: to - from }, (_, index) =>
    session(from + index, `p${from + index}`, capabilities === undefined ? {} : { capabilities }),
  );
}

/** A message in order, one second old, on `app/kit`. */
export function message(name: string, options: Partial<Omit<EnvelopeSpec, 'name'>> = {}): EnvelopeSpec {
  return {
    origin: 'author',
    topic: 'app/kit',
    ageMs: 1_000,
    sequence: sequenceOf(name),
    data: Buffer.from(name).toString('hex'),
    ...options,
    name,
  };
}

/** The same message with one defect. */
export function spoilt(good: EnvelopeSpec, defect: EnvelopeDefect): EnvelopeSpec {
  return { ...good, defect };
}

/** Different names give different sequences, so a plan's messages differ even when their data is equal. */
function sequenceOf(name: string): number {
  let value = 1;
  for (const byte of Buffer.from(name)) value = (value * 31 + byte) % 1_000_003;
  return value + 1;
}

/** Frames in one plaintext. */
export function frames(link: number, ...bodies: readonly BodySpec[]): Step {
  return { op: 'frames', link, frames: bodies.map((body): FrameSpec => ({ body })) };
}

/** One Push; all items have the same hops and the topic of the first. */
export function push(link: number, envelopes: readonly EnvelopeSpec[], hops = 0, topic: string = envelopes[0]?.topic ?? 'app/kit'): Step {
  return frames(link, { type: 'Push', topic, items: envelopes.map((envelope) => ({ hops, envelope })) });
}

export function direct(link: number, envelopes: readonly EnvelopeSpec[]): Step {
  return frames(link, { type: 'Direct', topic: envelopes[0]?.topic ?? 'app/kit', envelopes });
}

export function ihave(link: number, ids: readonly IdValue[], topic = 'app/kit'): Step {
  return frames(link, { type: 'Ihave', topic, ids });
}

export function iwant(link: number, ids: readonly IdValue[]): Step {
  return frames(link, { type: 'Iwant', ids });
}

export function idontwant(link: number, ids: readonly IdValue[]): Step {
  return frames(link, { type: 'Idontwant', ids });
}

export function prune(link: number, origins: readonly OriginValue[], backoffMs: number | string): Step {
  return frames(link, { type: 'Prune', origins, backoffMs });
}

export function graft(link: number, origins: readonly OriginValue[]): Step {
  return frames(link, { type: 'Graft', origins });
}

/** A Ping whose answer shows that the session lives. */
export function ping(link: number, nonce = '0011223344556677'): Step {
  return frames(link, { type: 'Ping', nonce });
}

/** Lets time pass; `wireMs` is enough where the clock is real. */
export function wait(ms: number, wireMs?: number): Step {
  return { op: 'advance', ms, ...(wireMs === undefined ? {} : { wireMs }) };
}

/** The id of a message. */
export function idOf(envelope: EnvelopeSpec): IdValue {
  return { of: envelope };
}

/** An id that belongs to no message. */
export function bogusId(index: number): string {
  return index.toString(16).padStart(8, '0').repeat(8);
}

export const ZERO: OriginValue = { zero: true };

/** All origins without stake but for the zero origin are named so. */
export function originOf(label: Label): OriginValue {
  return { label };
}

export function plan(steps: readonly Step[], setup: Setup = {}): Plan {
  return { setup, steps };
}

/** Size of the data with which a message on `topic` makes an envelope of exactly `bytes` bytes. */
export function dataSizeFor(bytes: number, topic = 'app/kit', sequence = 1_000_000): number {
  const sizeWith = (size: number): number => {
    const payload = makeAppPayload({
      createdMs: 1_800_000_000_000n,
      topic,
      sequence: BigInt(sequence),
      data: new Uint8Array(size).fill(0x61),
    });
    return makeEnvelope(new Uint8Array([1]), 'app', new Uint8Array(32).fill(1), payload).length;
  };
  let size = bytes - (sizeWith(200) - 200);
  while (sizeWith(size) > bytes) size--;
  while (sizeWith(size) < bytes) size++;
  if (sizeWith(size) !== bytes) throw new RangeError(`no data makes an envelope of ${bytes} bytes`);
  return size;
}
