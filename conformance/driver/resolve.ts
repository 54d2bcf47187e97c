/**
 * References to captured fields of earlier effects: `$3.pong.nonce`, `$-1.ping.requestId`,
 * `$*.push.items.0.envelope.id`.
 *
 * The name is the body of a frame of the node (`ping`, `goAway`, `push`, `findNode`: the message's name
 * with a small first letter) or an event (`deliver`, `validate`, `verdict`, `dial`, `closed`,
 * `outcome`, `notice`, `resolve`). The rest is a path into it; frames also have `kind`, `requestId` and `raw`, datagrams
 * `cookie`, `token` and `proof`, which hide fields of these names
 * (`$*.value.fields.kind` finds those).
 */
import { unhex } from '../model/bytes.ts';
import { HarnessError } from './errors.ts';
import type { BytesValue, NumberValue, Ref } from './plan.ts';
import type { SeenFrame, TraceEvent } from './trace.ts';

/** Where a reference stands. */
export interface RefScope {
  /** All events so far. */
  readonly events: readonly TraceEvent[];
  /** Index of the step that holds the reference. */
  readonly step: number;
  /** Link of that step; undefined for steps without one. */
  readonly link: number | undefined;
  /** The kit's address of a `datagram` step: only datagrams to it are looked at. */
  readonly endpoint?: string | undefined;
}

const REF = /^\$(\d+|-\d+|\*)\.([a-zA-Z]+)\.([a-zA-Z0-9.]+)$/;
const EVENT_NAMES: ReadonlySet<string> = new Set(['deliver', 'validate', 'verdict', 'dial', 'closed', 'outcome', 'notice', 'resolve']);

/** Whether a value is a reference. */
export function isRef(value: unknown): value is Ref {
  return typeof value === 'object' && value !== null && 'ref' in value && typeof value.ref === 'string';
}

/** The captured value, or undefined when there is none yet. Throws `HarnessError` for a text that is no reference. */
export function resolveRef({ ref }: Ref, scope: RefScope): unknown {
  const [, where, name, path] = REF.exec(ref) ?? [];
  if (where === undefined || name === undefined || path === undefined) {
    throw new HarnessError(`"${ref}" is no reference; write $STEP.name.field, $-1.name.field or $*.name.field`);
  }
  const captured = where === '*' ? newest(name, scope) : firstOfStep(name, where, scope);
  return captured === undefined ? undefined : follow(captured, path);
}

/** Bytes of a literal or a reference; undefined when unresolved. */
export function resolveBytes(value: BytesValue, scope: RefScope): Uint8Array | undefined {
  if (typeof value === 'string') return unhex(value);
  const captured = resolveRef(value, scope);
  return typeof captured === 'string' && /^(?:[0-9a-f]{2})*$/.test(captured) ? unhex(captured) : undefined;
}

/** A number of a literal or a reference; undefined when unresolved. Throws `HarnessError` for a literal that is no unsigned integer. */
export function resolveNumber(value: NumberValue, scope: RefScope): bigint | undefined {
  if (isRef(value)) {
    const captured = resolveRef(value, scope);
    if (typeof captured === 'bigint') return captured;
    return typeof captured === 'number' && Number.isSafeInteger(captured) ? BigInt(captured) : undefined;
  }
  if (!(typeof value === 'number' ? Number.isSafeInteger(value) && value >= 0 : /^\d+$/.test(value))) {
    throw new HarnessError(`${value} is no unsigned integer`);
  }
  return BigInt(value);
}

/** All references in a step, found wherever they stand. */
export function refsIn(value: unknown): readonly Ref[] {
  if (isRef(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(refsIn);
}

function newest(name: string, scope: RefScope): unknown {
  const { events } = scope;
  for (let index = events.length - 1; index >= 0; index--) {
    const event = events[index];
    if (event === undefined) continue;
    if (!isInScope(event, scope)) continue;
    const captured = capture(event, name);
    if (captured !== undefined) return captured;
  }
  return undefined;
}

/** Frames of other links are out of sight, and so are datagrams to other addresses, or all of them from a link. */
function isInScope(event: TraceEvent, { link, endpoint }: RefScope): boolean {
  if (event.type === 'datagram') return link === undefined && (endpoint === undefined || event.to === endpoint);
  if (endpoint !== undefined && event.type === 'frame') return false;
  return link === undefined || !('link' in event) || event.link === link;
}

function firstOfStep(name: string, where: string, { events, step }: RefScope): unknown {
  const wanted = where.startsWith('-') ? step + Number(where) : Number(where);
  for (const event of events) {
    if (event.step !== wanted) continue;
    const captured = capture(event, name);
    if (captured !== undefined) return captured;
  }
  return undefined;
}

/** The event's fields when it is the node's and has that name. */
function capture(event: TraceEvent, name: string): unknown {
  if (event.type === 'frame') return captureFrame(event.frame, name);
  if (event.type === 'datagram') {
    const { frame, cookie, token, proof } = event.datagram;
    const captured = frame && captureFrame(frame, name);
    return captured && { ...captured, cookie, token, proof };
  }
  return EVENT_NAMES.has(name) && event.type === name ? event : undefined;
}

function captureFrame({ body, kind, requestId, raw }: SeenFrame, name: string): object | undefined {
  if (body === undefined || lowerFirst(body.type === 'message' ? body.message : body.type) !== name) return undefined;
  return { ...(body.type === 'message' ? { ...body.fields, fields: body.fields } : body), kind, requestId, raw };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function follow(value: unknown, path: string): unknown {
  let current = value;
  for (const field of path.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, field)) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[field];
  }
  return current;
}
