/**
 * Reads a trace the way chapter 09 does: overlay sessions, roles and attachments by both sides, Routes,
 * dials, outcomes and notices, on top of what chapter 05 reads. Reactions are judged only to frames that
 * passed the rate buckets.
 */

import { textIn } from '../driver/seen.ts';
import type { SeenFields, SeenFrame, Trace } from '../driver/trace.ts';
import { admittedFrames } from './admission.ts';
import { type GossipView, type Span, viewGossip } from './gossip-view.ts';

/** Names of the frames of chapter 09. */
export type OverlayFrameName = 'Role' | 'Attach' | 'Attached' | 'Detach' | 'Route';

const NAMES: readonly string[] = ['Role', 'Attach', 'Attached', 'Detach', 'Route'];

/** One overlay frame, by either side. */
export interface Said {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly by: 'kit' | 'node';
  readonly name: OverlayFrameName;
  readonly requestId: number;
  readonly fields: SeenFields;
}

/** One session, with whether it has `overlay/1`. */
export interface OverlaySpan extends Span {
  readonly overlay: boolean;
}

/** Numbers of the roles. */
export const ROLES = { none: 0, leaf: 1, candidate: 2, supernode: 3 } as const;

export interface OverlayView {
  readonly gossip: GossipView;
  readonly trace: Trace;
  readonly spans: readonly OverlaySpan[];
  readonly said: readonly Said[];
  readonly dials: readonly { readonly atMs: number; readonly event: number; readonly address: string }[];
  readonly received: readonly { readonly atMs: number; readonly event: number; readonly values: readonly string[] }[];
  readonly slackMs: number;
  number(name: string): number;
  word(name: string): string;
  spanAt(link: number, event: number): OverlaySpan | undefined;
  /** What one side said under a name, in the order of the trace. */
  by(who: 'kit' | 'node', name: OverlayFrameName): readonly Said[];
}

function nameOf(frame: SeenFrame): OverlayFrameName | undefined {
  const name = frame.body?.type === 'message' ? frame.body.message : undefined;
  return name !== undefined && NAMES.includes(name) ? (name as OverlayFrameName) : undefined;
}

/** Reads `trace`. */
export function viewOverlay(trace: Trace): OverlayView {
  const gossip = viewGossip(trace);
  const admitted = admittedFrames(trace);
  const capabilities = new Map<number, readonly string[]>();
  const said: Said[] = [];
  const dials: { atMs: number; event: number; address: string }[] = [];
  const received: { atMs: number; event: number; values: readonly string[] }[] = [];
  trace.events.forEach((event, index) => {
    if (event.type === 'sessionUp') capabilities.set(index, event.capabilities);
    if (event.type === 'dial') dials.push({ atMs: event.atMs, event: index, address: event.address });
    if (event.type === 'notice' && event.notice === 'overlay.received') {
      received.push({ atMs: event.atMs, event: index, values: event.values });
    }
    if (event.type !== 'frame' && event.type !== 'sentFrame') return;
    if (event.type === 'sentFrame' && !admitted.has(index)) return;
    const name = nameOf(event.frame);
    if (name === undefined || event.frame.body?.type !== 'message') return;
    const { fields } = event.frame.body;
    const by = event.type === 'frame' ? 'node' : 'kit';
    said.push({ event: index, atMs: event.atMs, link: event.link, by, name, requestId: event.frame.requestId, fields });
  });
  const spans = gossip.spans.map((span) => ({ ...span, overlay: capabilities.get(span.fromEvent)?.includes('overlay/1') ?? false }));
  return {
    gossip,
    trace,
    spans,
    said,
    dials,
    received,
    slackMs: gossip.slackMs,
    number: gossip.number,
    word: (name) => String(trace.parameters[name] ?? ''),
    spanAt: (link, event) => spans.find((span) => span.link === link && span.fromEvent <= event && event <= span.toEvent),
    by: (who, name) => said.filter((one) => one.by === who && one.name === name),
  };
}

/** The number of a Role; absent is 0, and a number that no revision names is 0, too (OVL-039). */
export function roleOf({ fields }: Said): number {
  const { role } = fields;
  const number = typeof role === 'number' ? role : 0;
  return number >= 0 && number <= 3 ? number : 0;
}

/** What the peer of a link has last said that it is, before an event. */
export function claimedRole(view: OverlayView, link: number, event: number): Said | undefined {
  const span = view.spanAt(link, event);
  return view.by('kit', 'Role').findLast((one) => one.link === link && one.event < event && one.event > (span?.fromEvent ?? 0));
}

/** The node's role by its own words at an event: the newest on any link. */
export function nodeRole(view: OverlayView, event: number): number {
  const last = view.by('node', 'Role').findLast((one) => one.event < event);
  return last === undefined ? ROLES.none : roleOf(last);
}

/** PeerIds in a list of contacts. */
export function contactPeers(fields: SeenFields): readonly string[] {
  const { alternatives } = fields;
  if (!Array.isArray(alternatives)) return [];
  return alternatives.map((contact) => textIn(contact as SeenFields, 'peerId'));
}
