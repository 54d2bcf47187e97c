/** Words from which plans about datagrams are put together: addresses, questions, replies. */
import type { BytesValue, FrameSpec, Label, Plan, Ref, Setup, Step, ValueFields } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import { concat, hex, unhex } from '../model/bytes.ts';
import { encodeUvarint } from '../model/uvarint.ts';

/** An address of the kit: host `10.18.<net>.<host>`, in a /24 of its own for each net. */
export function endpoint(net: number, host = 1, port = 4_000): string {
  return `10.18.${net}.${host}:${port}`;
}

/** 32 bytes to look for. */
export const TARGET: string = '5a'.repeat(32);

/** Bytes of an unknown field, exactly `size` of them; at least 3. */
export function padding(size: number): string {
  if (size === 0) return '';
  for (let fill = size - 3; fill >= 0; fill--) {
    const field = concat(unhex('a21f'), encodeUvarint(fill), new Uint8Array(fill));
    if (field.length === size) return hex(field);
  }
  throw new RangeError(`no field of ${size} bytes`);
}

/** Requests that travel by datagram and change nothing. */
export type QuestionName = 'DhtPing' | 'FindNode' | 'GetProviders' | 'GetValue';

/** Their bodies, as short as they can be. */
export const QUESTIONS: Readonly<Record<QuestionName, ValueFields>> = {
  DhtPing: {},
  FindNode: { target: TARGET },
  GetProviders: { key: TARGET },
  GetValue: { key: TARGET },
};

/** A request in order, longer by an unknown field of `pad` bytes. */
export function question(name: QuestionName, pad = 0, requestId?: number): FrameSpec {
  const { body, ...rest } = messageFrame(name, QUESTIONS[name], requestId);
  if (body.type !== 'message') throw new Error('a message of the tables');
  return { ...rest, body: pad === 0 ? body : { ...body, tail: padding(pad) } };
}

/** The token of the node's newest Retry to the address of the step. */
export const OWN_TOKEN: Ref = { ref: '$*.retry.token' };

/** The token of the Retry that came in a step. */
export function tokenOfStep(step: number): Ref {
  return { ref: `$${step}.retry.token` };
}

/** A datagram. */
export function datagram(
  from: string,
  frame: FrameSpec,
  more: Omit<Extract<Step, { op: 'datagram' }>, 'op' | 'from' | 'frame'> = {},
): Step {
  return { op: 'datagram', from, frame, ...more };
}

/** A short question without a token, whose Retry brings one. */
export function fetchToken(from: string): Step {
  return datagram(from, question('DhtPing'));
}

/** Behind a question whose reply the next step refers to: a real network needs a moment. */
export const arrive: Step = { op: 'advance', ms: 0, wireMs: 60 };

/** A question from an address that has got its token. */
export function askProven(from: string, name: QuestionName = 'FindNode', token: BytesValue = OWN_TOKEN): Step {
  return datagram(from, question(name), { token });
}

/** A Retry to the node's newest question to that address. */
export function retry(from: string, token: string): Step {
  return datagram(from, messageFrame('Retry', {}), { token });
}

/** An answer without contacts to the node's newest FindNode to that address. */
export function answer(from: string, by: Label, more: Partial<Omit<Extract<Step, { op: 'datagram' }>, 'op'>> = {}): Step {
  return datagram(from, messageFrame('FindNodeReply', {}), { by, ...more });
}

/** Lets time pass; where the clock is real, less than a second of it. */
export function pass(ms: number): Step {
  return { op: 'advance', ms, ...(ms >= 1_000 ? { wireMs: 300 } : {}) };
}

export function planOf(steps: readonly Step[], setup: Setup = {}): Plan {
  return { setup, steps };
}
