/**
 * Between which values a peer's score must lie. The beat of the node's decay is its own affair, so
 * each count has decayed by one step more or less; a judge uses the bound that favours the node.
 */
import type { GossipView } from './gossip-view.ts';

/** `low` is certainly not above the node's value, `high` certainly not below it. */
export interface ScoreBounds {
  readonly low: number;
  readonly high: number;
}

/** The peer's score at `atMs` by the formula before GSP-090, from everything the trace shows of the peer. */
export function scoreBounds(view: GossipView, peerId: string, atMs: number): ScoreBounds {
  const spans = view.spans.filter((span) => span.peerId === peerId);
  const links = new Set(spans.map((span) => span.link));
  const n = view.number;
  const rejected = view.arrivals
    .filter((arrival) => links.has(arrival.link) && arrival.verdict === 'reject' && arrival.atMs <= atMs)
    .map((arrival) => arrival.atMs);
  const refusedByApplication = applicationRejects(view, links, atMs);
  const first = [...view.messages.values()]
    .filter((message) => message.from !== undefined && links.has(message.from) && message.atMs <= atMs)
    .map((message) => message.atMs);
  const broken = brokenPromises(view, links, atMs);
  const invalidDecay = n('score.invalid_decay');
  const invalid = spread(view, rejected, invalidDecay, atMs);
  const invalidMost = invalid.most + spread(view, refusedByApplication, invalidDecay, atMs).most;
  const firsts = spread(view, first, n('score.first_decay'), atMs);
  const behaviour = spread(view, broken, n('score.behaviour_decay'), atMs);
  const colocated = view.spans.filter(
    (span) => span.address !== '' && spans.some((own) => own.address === span.address) && span.fromMs <= atMs && span.toMs >= atMs,
  ).length;
  const penalty = (count: number, threshold: number, weight: number): number => weight * Math.max(0, count - threshold) ** 2;
  const bonus = (count: number): number => n('score.first_weight') * Math.min(count, n('score.first_max'));
  return {
    // On a wall clock another copy may have been the first.
    low:
      (view.slackMs === 0 ? bonus(firsts.least) : 0) -
      n('score.invalid_weight') * invalidMost ** 2 -
      penalty(behaviour.most + overruns(view, links, atMs) / 50, n('score.behaviour_threshold'), n('score.behaviour_weight')) -
      penalty(colocated, n('score.colocation_threshold'), n('score.colocation_weight')),
    high:
      bonus(firsts.most) -
      n('score.invalid_weight') * invalid.least ** 2 -
      penalty(behaviour.least, n('score.behaviour_threshold'), n('score.behaviour_weight')),
  };
}

/** Sum of counts that came at `times`, each decayed by the fewest and by the most steps that the beat allows. */
function spread(
  view: GossipView,
  times: readonly number[],
  factor: number,
  atMs: number,
): { readonly most: number; readonly least: number } {
  let most = 0;
  let least = 0;
  for (const time of times) {
    const steps = Math.floor((atMs - time) / view.number('score.decay_interval_ms'));
    most += factor ** Math.max(0, steps - (view.slackMs > 0 ? 1 : 0));
    least += factor ** (steps + 1 + (view.slackMs > 0 ? 1 : 0));
  }
  return { most, least };
}

function applicationRejects(view: GossipView, links: ReadonlySet<number>, atMs: number): number[] {
  const any = view.trace.events.flatMap((event) =>
    event.type === 'step' && event.value.op === 'validated' && event.value.verdict === 'reject' && event.atMs <= atMs ? [event.atMs] : [],
  );
  return view.arrivals.some((arrival) => arrival.verdict === 'pending' && links.has(arrival.link)) ? any : [];
}

/** When each id that the node asked one of the links for ran into its timeout. */
export function brokenPromises(view: GossipView, links: ReadonlySet<number>, atMs: number): number[] {
  const timeoutMs = view.number('gossip.iwant_timeout_ms');
  return view.mentions
    .filter((mention) => mention.by === 'node' && mention.kind === 'Iwant' && links.has(mention.link) && mention.atMs + timeoutMs <= atMs)
    .flatMap((mention) =>
      mention.ids
        .filter(
          (id) =>
            !view.arrivals.some(
              (arrival) =>
                arrival.link === mention.link &&
                arrival.envelope.id === id &&
                arrival.event > mention.event &&
                arrival.atMs <= mention.atMs + timeoutMs,
            ),
        )
        .map(() => mention.atMs + timeoutMs),
    );
}

function overruns(view: GossipView, links: ReadonlySet<number>, atMs: number): number {
  return view.overruns.filter((overrun) => links.has(overrun.link) && overrun.atMs <= atMs).length;
}
