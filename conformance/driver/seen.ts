/** Typed access to the bodies of the later chapters, as judges and behaviours read them. */
import type { Hex } from './plan.ts';
import type { SeenEnvelope, SeenFields, SeenFrame, SeenValue, TraceEvent } from './trace.ts';

/** Whether a seen value is a list. */
export function isList(value: SeenValue): value is readonly SeenValue[] {
  return Array.isArray(value);
}

/** Whether a seen value is an envelope; no message of the proto files has fields of those two names. */
export function isSeenEnvelope(value: SeenValue | undefined): value is SeenEnvelope {
  return typeof value === 'object' && 'hash' in value && 'origin' in value && 'bytes' in value;
}

/** The fields of a frame's body when it is a message of that name. */
export function seenMessage(frame: SeenFrame, message: string): SeenFields | undefined {
  return frame.body?.type === 'message' && frame.body.message === message ? frame.body.fields : undefined;
}

/** Text, or bytes in hexadecimal; empty when the field is absent or of another type. */
export function textIn(fields: SeenFields, field: string): string | Hex {
  const value = fields[field];
  return typeof value === 'string' ? value : '';
}

/** A uint32 or enum; 0 when the field is absent or of another type. */
export function numberIn(fields: SeenFields, field: string): number {
  const value = fields[field];
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : 0;
}

/** A uint64; 0 when the field is absent or of another type. */
export function bigIn(fields: SeenFields, field: string): bigint {
  const value = fields[field];
  return typeof value === 'bigint' ? value : typeof value === 'number' ? BigInt(value) : 0n;
}

/** A bool; false when the field is absent or of another type. */
export function flagIn(fields: SeenFields, field: string): boolean {
  return fields[field] === true;
}

/** The elements of a list of texts or bytes. */
export function textsIn(fields: SeenFields, field: string): readonly string[] {
  return listIn(fields, field).filter((element) => typeof element === 'string');
}

/** The elements of a list of messages. */
export function messagesIn(fields: SeenFields, field: string): readonly SeenFields[] {
  return listIn(fields, field).filter((element) => typeof element === 'object') as readonly SeenFields[];
}

/** The elements of a list of envelopes. */
export function envelopesIn(fields: SeenFields, field: string): readonly SeenEnvelope[] {
  return listIn(fields, field).filter(isSeenEnvelope);
}

/** A message; undefined when the field is absent or of another type. */
export function messageIn(fields: SeenFields, field: string): SeenFields | undefined {
  const value = fields[field];
  return typeof value === 'object' && !isList(value) ? (value as SeenFields) : undefined;
}

/** An envelope; undefined when the field is of another type. */
export function envelopeIn(fields: SeenFields, field: string): SeenEnvelope | undefined {
  const value = fields[field];
  return isSeenEnvelope(value) ? value : undefined;
}

/** Elements of a list of any type; none when the field is absent or of another type. */
export function listIn(fields: SeenFields, field: string): readonly SeenValue[] {
  const value = fields[field];
  return value !== undefined && isList(value) ? value : [];
}

/** The body of a message, in a frame or in a datagram, of the node or of the kit. */
export function saidBy(who: 'node' | 'kit', event: TraceEvent, message: string): SeenFields | undefined {
  const [frame, datagram] = who === 'node' ? (['frame', 'datagram'] as const) : (['sentFrame', 'sentDatagram'] as const);
  if (event.type === frame) return seenMessage(event.frame, message);
  return event.type === datagram && event.datagram.frame !== undefined ? seenMessage(event.datagram.frame, message) : undefined;
}
