/** On which links a message is pushed, under each strategy. Spec: OVL-001 to OVL-006, OVL-033 to OVL-037. */
import { unhex } from '../model/bytes.ts';
import { choosePeers } from '../model/overlay.ts';
import type { Finding } from '../runner/check.ts';
import type { Message } from './gossip-view.ts';
import { attachmentTurns, leavesAt, type Turn, turnAt } from './overlay-attachments.ts';
import { isTaken } from './overlay-observed.ts';
import { nodeRole, type OverlaySpan, type OverlayView, ROLES } from './overlay-view.ts';
import type { Rule } from './rule.ts';

/** Which links the strategy wants a message on, with the clause that says so; undefined where the trace leaves it open. */
type Choice = (view: OverlayView, message: Message, spans: readonly OverlaySpan[]) => Chosen | undefined;

interface Chosen {
  /** All of these, and no others. */
  readonly links: readonly number[];
  readonly clause: string;
  /** The clause of a push on any other link, where it is another one. */
  readonly otherClause?: string;
  /** The clause of a message that went nowhere, where it is another one. */
  readonly nowhereClause?: string;
  readonly exercised: boolean;
}

/** Every message goes at once to the chosen links that may not have it, and to no others. */
function pushesToChosen(clauses: readonly string[], choose: Choice): Rule<OverlayView> {
  return {
    clauses,
    judge(view) {
      const findings: Finding[] = [];
      let exercised = false;
      const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
      for (const message of view.gossip.messages.values()) {
        const untilMs = message.atMs + withinMs;
        if (untilMs > view.trace.endMs || (message.hops ?? 0) >= view.number('gossip.hops_max')) continue;
        const near = view.spans.filter((span) => span.gossip && span.fromMs <= untilMs && span.toMs >= message.atMs);
        const spans = near.filter((span) => span.fromEvent < message.event && span.toMs > untilMs);
        // A session that comes or goes at that moment may count or not.
        if (spans.length !== near.length) continue;
        const chosen = choose(view, message, spans);
        if (chosen === undefined) continue;
        exercised ||= chosen.exercised;
        const pushed = new Set(
          view.gossip.departures
            .filter(({ via, asked, envelope, atMs }) => via === 'Push' && !asked && envelope.id === message.id && atMs <= untilMs)
            .map(({ link }) => link),
        );
        const name = `${message.own ? 'its own' : 'the accepted'} message ${message.id.slice(0, 8)}`;
        const missing = chosen.links.filter((link) => !pushed.has(link) && !mayKnow(view, link, message, untilMs));
        if (missing.length > 0) {
          findings.push({
            clause: pushed.size === 0 ? (chosen.nowhereClause ?? chosen.clause) : chosen.clause,
            expected: `${name} is pushed on link ${chosen.links.join(', ') || 'none'} within ${withinMs} ms`,
            observed: `not on link ${missing.join(', ')}`,
            at: message.event,
          });
        }
        const others = [...pushed].filter((link) => !chosen.links.includes(link));
        if (others.length > 0) {
          findings.push({
            clause: chosen.otherClause ?? chosen.clause,
            expected: `${name} is pushed on link ${chosen.links.join(', ') || 'none'} alone`,
            observed: `it was pushed on link ${others.join(', ')}`,
            at: message.event,
          });
        }
      }
      return { findings, exercised };
    },
  };
}

/** Any sign of the message on the link that is not the node's own push. */
function mayKnow(view: OverlayView, link: number, message: Message, untilMs: number): boolean {
  const { arrivals, mentions, prunes } = view.gossip;
  return (
    arrivals.some((arrival) => arrival.link === link && arrival.envelope.id === message.id && arrival.atMs <= untilMs) ||
    mentions.some(
      (mention) => mention.link === link && mention.kind !== 'Iwant' && mention.atMs <= untilMs && mention.ids.includes(message.id),
    ) ||
    prunes.some((notice) => notice.link === link && notice.by === 'kit')
  );
}

const peersOf = (spans: readonly OverlaySpan[]): readonly Uint8Array[] => spans.map(({ peerId }) => unhex(peerId));

function chosenLinks(
  view: OverlayView,
  message: Message,
  spans: readonly OverlaySpan[],
  rule: 'buckets' | 'first' | 'turns',
  count: number,
): readonly number[] {
  const chosen = choosePeers(rule, count, unhex(view.trace.nodePeerId), unhex(message.id), peersOf(spans));
  return spans.filter(({ peerId }) => chosen.some((peer) => Buffer.from(peer).toString('hex') === peerId)).map(({ link }) => link);
}

/** The strategy that `auto` begins with, or the configured one. */
function strategyOf(view: OverlayView): string {
  const configured = view.word('overlay.strategy');
  if (configured !== 'auto') return configured;
  const size = view.number('gossip.network_size');
  if (size < view.number('overlay.kademlia_at')) return 'naive';
  return size < view.number('overlay.supernode_at') ? 'kademlia' : 'supernode';
}

/** OVL-002, or OVL-005 where `auto` has to be naive. */
export const naivePushesToAll: Rule<OverlayView> = pushesToChosen(['OVL-002', 'OVL-005'], (view, _message, spans) => {
  if (strategyOf(view) !== 'naive') return undefined;
  const clause = view.word('overlay.strategy') === 'auto' ? 'OVL-005' : 'OVL-002';
  return { links: spans.map(({ link }) => link), clause, exercised: spans.length > view.gossip.activeSize + 1 };
});

/** OVL-004, or OVL-005 where `auto` has to be kademlia. */
export const kademliaPushesByBuckets: Rule<OverlayView> = pushesToChosen(['OVL-004', 'OVL-005'], (view, message, spans) => {
  if (strategyOf(view) !== 'kademlia') return undefined;
  const links = chosenLinks(view, message, spans, 'buckets', view.number('overlay.bucket_links'));
  const clause = view.word('overlay.strategy') === 'auto' ? 'OVL-005' : 'OVL-004';
  return { links, clause, exercised: links.length < spans.length };
});

/** OVL-001: claims and attachments change nothing for a node without a strategy. Few enough links that all are active. */
export const offPushesToActive: Rule<OverlayView> = pushesToChosen(['OVL-001'], (view, _message, spans) => {
  if (strategyOf(view) !== 'off' || spans.length > view.gossip.activeSize) return undefined;
  return { links: spans.map(({ link }) => link), clause: 'OVL-001', exercised: view.by('kit', 'Role').length > 0 };
});

/** What a leaf breaks that keeps pushing to supernodes of its own when it has none that count. */
function clauseWithout(view: OverlayView, message: Message, turn: Turn | undefined): string {
  const attached = [...(turn?.attachments ?? [])].filter(([, state]) => state === 'attached').map(([link]) => link);
  const cameFrom = (links: readonly number[], verdict: string): boolean =>
    view.gossip.arrivals.some((arrival) => links.includes(arrival.link) && arrival.verdict === verdict && arrival.event < message.event);
  if (attached.length > 0) return cameFrom(attached, 'reject') ? 'OVL-032' : 'OVL-030';
  const claimed = view.by('kit', 'Role').map(({ link }) => link);
  return cameFrom(claimed, 'reject') || (claimed.length > 1 && cameFrom(claimed, 'accept')) ? 'OVL-032' : 'OVL-034';
}

/** A leaf pushes to its proven supernodes, and to its active links as long as it has none (OVL-030 to OVL-035). */
export const leafPushesToSupernodes: Rule<OverlayView> = pushesToChosen(
  ['OVL-030', 'OVL-031', 'OVL-032', 'OVL-033', 'OVL-034', 'OVL-035'],
  (view, message, spans) => {
    if (strategyOf(view) !== 'supernode' || nodeRole(view, message.event) === ROLES.supernode) return undefined;
    const turn = turnAt(attachmentTurns(view), message.event);
    const standing = spans.map((span) => {
      const state = turn?.attachments.get(span.link);
      if (state === undefined) return { span, stands: 'no' as const };
      const taken = isTaken(view, span.link, message.event, message.atMs);
      return { span, stands: state === 'asked' && taken !== 'no' ? ('maybe' as const) : state === 'asked' ? ('no' as const) : taken };
    });
    if (standing.some(({ stands }) => stands === 'maybe')) return undefined;
    const supernodes = standing.filter(({ stands }) => stands === 'yes').map(({ span }) => span.link);
    const claimed = view.by('kit', 'Role').length > 0;
    if (supernodes.length === 0) {
      if (spans.length > view.gossip.activeSize) return undefined;
      const links = spans.map(({ link }) => link);
      const clause = clauseWithout(view, message, turn);
      return { links, clause, nowhereClause: 'OVL-034', exercised: claimed && spans.length > 1 };
    }
    const exercised = spans.length > supernodes.length;
    if (message.from !== undefined && supernodes.includes(message.from)) return { links: [], clause: 'OVL-035', exercised };
    return { links: supernodes, clause: 'OVL-033', otherClause: 'OVL-031', exercised };
  },
);

/** A supernode pushes to its leaves and to the first of the others (OVL-036, OVL-037). */
export const supernodePushesToLeaves: Rule<OverlayView> = pushesToChosen(['OVL-036', 'OVL-037'], (view, message, spans) => {
  if (nodeRole(view, message.event) !== ROLES.supernode) return undefined;
  const leaves = leavesAt(view, message.event);
  const others = spans.filter(({ link }) => !leaves.has(link));
  const standing = others.map((span) => ({ span, taken: isTaken(view, span.link, message.event, message.atMs) }));
  if (standing.some(({ taken }) => taken === 'maybe')) return undefined;
  const fanout = view.number('overlay.mesh_fanout');
  const rule = view.word('overlay.mesh') === 'kademlia' ? 'turns' : 'first';
  const of = (wanted: 'yes' | 'no'): OverlaySpan[] => standing.filter(({ taken }) => taken === wanted).map(({ span }) => span);
  const mesh = chosenLinks(view, message, of('yes'), rule, fanout);
  const filled = chosenLinks(view, message, of('no'), rule, Math.max(0, fanout - mesh.length));
  const links = [...spans.filter(({ link }) => leaves.has(link)).map(({ link }) => link), ...mesh, ...filled];
  return { links, clause: 'OVL-036', otherClause: 'OVL-037', exercised: leaves.size > 0 && others.length > fanout };
});
