/** Short words for what plans of the later chapters are full of. */
import type { FrameSpec, NumberValue, Ref, SealedSpec, ValueFields } from './plan.ts';

/** A frame whose body is a message of the tables. */
export function messageFrame(message: string, fields: ValueFields, requestId?: NumberValue): FrameSpec {
  return { body: { type: 'message', message, fields }, ...(requestId === undefined ? {} : { requestId }) };
}

/** A reply to the node's newest request of that message on the link: `replyTo('FindNode', 'Nodes', {…})`. */
export function replyTo(request: string, message: string, fields: ValueFields): FrameSpec {
  return messageFrame(message, fields, newest(request, 'requestId'));
}

/** A reference to a field of the node's newest message of that name on the link. */
export function newest(message: string, path: string): Ref {
  return { ref: `$*.${message.charAt(0).toLowerCase()}${message.slice(1)}.${path}` };
}

/** A Push with envelopes of any context. */
export function pushSealed(topic: string, ...sealed: readonly SealedSpec[]): FrameSpec {
  return messageFrame('Push', { topic, items: sealed.map((spec) => ({ hops: 0, envelope: { sealed: spec } })) });
}
