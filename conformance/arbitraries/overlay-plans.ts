/** Words from which the plans of chapter 09 are put together: overlay sessions, roles, attachments, Routes. */
import type { Label, SealedSpec, Step, Value, ValueFields } from '../driver/plan.ts';
import { messageFrame, replyTo } from '../driver/plan-values.ts';
import { message, push } from './gossip-plans.ts';

/** What overlay peers offer. */
export const OVERLAY_CAPABILITIES: readonly string[] = ['gossip/1', 'overlay/1'];

/** A session with gossip and overlay. */
export function member(link: number, peer: Label = `p${link}`, listenAddresses: readonly string[] = []): Step {
  return {
    op: 'open',
    link,
    peer,
    mode: 'session',
    capabilities: OVERLAY_CAPABILITIES,
    ...(listenAddresses.length > 0 ? { listenAddresses } : {}),
  };
}

/** Sessions `from` … `to - 1`, each with the peer `p<link>`. */
export function members(from: number, to: number): Step[] {
  return Array.from({ length: to - from }, (_, index) => member(from + index));
}

/** One frame of chapter 09. */
export function say(link: number, name: string, fields: ValueFields): Step {
  return { op: 'frames', link, frames: [messageFrame(name, fields)] };
}

/** The peer of a link says what it is: 1 leaf, 2 candidate, 3 supernode. */
export function role(link: number, number: number): Step {
  return say(link, 'Role', { role: number });
}

export const SUPERNODE = 3;

export function attach(link: number): Step {
  return say(link, 'Attach', {});
}

/** Answers the node's newest Attach on the link. */
export function attached(link: number, accepted: boolean, alternatives: readonly Value[] = []): Step {
  return { op: 'frames', link, frames: [replyTo('Attach', 'Attached', { accepted, alternatives })] };
}

export function detach(link: number, alternatives: readonly Value[] = []): Step {
  return say(link, 'Detach', { alternatives });
}

/** A message for one node, sealed by `by`. */
export function sealedFor(name: string, by: Label, recipient: Label, fields: ValueFields = {}): SealedSpec {
  return {
    context: 'send',
    by,
    message: 'SendPayload',
    fields: {
      createdMs: { wallMs: -1_000 },
      topic: 'app/kit',
      sequence: 1,
      recipient: { peerId: recipient },
      data: Buffer.from(name).toString('hex'),
      ...fields,
    },
    name,
  };
}

/** A Route that carries it. */
export function route(link: number, sealed: SealedSpec, target: Label, hops = 0): Step {
  return say(link, 'Route', { target: { peerId: target }, hops, envelope: { sealed } });
}

/** Sends for the application. */
export function send(label: string, to: Label, data: string, topic = 'app/kit'): Step {
  return { op: 'command', command: 'overlay.send', label, args: [{ peerId: to }, { utf8: topic }, { utf8: data }] };
}

/** `count` messages of as many origins, pushed one by one: what shows that a peer is worth something. */
export function deliveries(link: number, name: string, count: number, bytes = 0): Step[] {
  return Array.from({ length: count }, (_, index) =>
    push(link, [message(`${name}-${index}`, { origin: `${name}-o${index}`, ...(bytes === 0 ? {} : { data: { size: bytes } }) })]),
  );
}
