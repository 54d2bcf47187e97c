/** Writes the trace of a plan run, with frames read by the kit's own reader. */
import { decodeBody } from '../model/bodies.ts';
import { hex } from '../model/bytes.ts';
import { seeEnvelope } from '../model/envelope.ts';
import { frameRule, type SplitFrame, splitPlaintext } from '../model/frame.ts';
import type { EnvelopeStore } from './envelopes.ts';
import { isList, isSeenEnvelope } from './seen.ts';
import type { SeenBody, SeenEnvelope, SeenFields, SeenFrame, SeenValue, TraceEvent } from './trace.ts';

type WithoutTime<E> = E extends TraceEvent ? Omit<E, 'atMs' | 'step'> : never;
/** An event before the recorder has put it in its place. */
export type NewEvent = WithoutTime<TraceEvent>;

/** Most events of one trace; a plan that makes more is cut there by the runner's time limits anyway. */
export const EVENTS_MAX = 1_000_000;

/** Collects events in order. */
export class Recorder {
  readonly #events: TraceEvent[] = [];
  readonly #networkId: Uint8Array;
  readonly #envelopes: EnvelopeStore;
  /** Index of the step that is being carried out. */
  step = 0;

  constructor(networkId: Uint8Array, envelopes: EnvelopeStore) {
    this.#networkId = networkId;
    this.#envelopes = envelopes;
  }

  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  /** Adds an event that belongs to the present step. Throws `RangeError` beyond `EVENTS_MAX`. */
  add(atMs: number, event: NewEvent): void {
    if (this.#events.length >= EVENTS_MAX) throw new RangeError(`a trace of more than ${EVENTS_MAX} events`);
    this.#events.push({ ...event, atMs, step: this.step } as TraceEvent);
  }

  /** Reads one frame, naming the envelopes that the kit made. */
  see(frame: Pick<SplitFrame, 'kind' | 'requestId' | 'body' | 'raw'>): SeenFrame {
    // What nobody knows has no form to be judged by.
    const isKnown = frameRule(frame.kind) !== undefined;
    const body: SeenBody | undefined = isKnown ? decodeBody(frame.kind, frame.body, this.#networkId) : { type: 'unknown' };
    return { kind: frame.kind, requestId: frame.requestId, body: body && this.#named(body), raw: hex(frame.raw) };
  }

  /** Reads one envelope, named if the kit made it. */
  seeEnvelope(bytes: Uint8Array): SeenEnvelope {
    return this.#name(seeEnvelope(this.#networkId, bytes));
  }

  /** Records each frame of a plaintext of the node and returns them; what is no frame is an unreadable message. */
  plaintext(atMs: number, link: number, plaintext: Uint8Array): readonly SeenFrame[] {
    const { frames, error } = splitPlaintext(plaintext);
    const seen = frames.map((frame) => this.see(frame));
    for (const frame of seen) this.add(atMs, { type: 'frame', link, frame });
    if (error !== undefined) this.add(atMs, { type: 'message', link, bytes: hex(plaintext), role: 'unreadable' });
    return seen;
  }

  #named(body: SeenBody): SeenBody {
    if (body.type === 'Push') {
      return { ...body, items: body.items.map((item) => ({ ...item, envelope: this.#name(item.envelope) })) };
    }
    if (body.type === 'message') return { ...body, fields: this.#namedFields(body.fields) };
    if (body.type === 'Direct') return { ...body, envelopes: body.envelopes.map((envelope) => this.#name(envelope)) };
    return body;
  }

  #namedFields(fields: SeenFields): SeenFields {
    return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, this.#namedValue(value)]));
  }

  #namedValue(value: SeenValue): SeenValue {
    if (typeof value !== 'object') return value;
    if (isList(value)) return value.map((element) => this.#namedValue(element));
    return isSeenEnvelope(value) ? this.#name(value) : this.#namedFields(value);
  }

  #name(envelope: SeenEnvelope): SeenEnvelope {
    return { ...envelope, name: this.#envelopes.nameOf(envelope.hash) };
  }
}
