/** Which origins the kit's Prunes hold back on a link, at any moment. Spec: GSP-060 to GSP-067. */
import { type GossipView, type Message, type PruneNotice, ZERO_ORIGIN } from './gossip-view.ts';

/** One Prune that names the message's origin, and how long it lasts. */
interface Hold {
  readonly notice: PruneNotice;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly endedBy: string;
}

/** Whether entries name the origin: by its PeerId if it has stake, by the zero origin if not; the node itself is never named. */
export function names(view: GossipView, origins: readonly string[], message: Message): boolean {
  if (message.own) return false;
  const staked = (view.trace.stakes[message.origin] ?? 0) > 0;
  return origins.includes(staked ? message.origin : ZERO_ORIGIN);
}

function holdsOn(view: GossipView, link: number, message: Message): Hold[] {
  const capMs = BigInt(view.number('gossip.prune_backoff_ms_max'));
  return view.prunes
    .filter(
      (notice) =>
        notice.by === 'kit' &&
        notice.kind === 'Prune' &&
        notice.link === link &&
        notice.origins.length <= 32 &&
        names(view, notice.origins, message),
    )
    .map((notice) => {
      const capped = notice.backoffMs > capMs;
      const expiryMs = notice.atMs + Number(capped ? capMs : notice.backoffMs);
      const graft = view.prunes.find(
        (later) =>
          later.kind === 'Graft' &&
          later.by === 'kit' &&
          later.link === link &&
          later.event > notice.event &&
          later.atMs < expiryMs &&
          names(view, later.origins, message),
      );
      return {
        notice,
        fromMs: notice.atMs,
        untilMs: graft === undefined ? expiryMs : graft.atMs,
        endedBy: graft !== undefined ? 'GSP-066' : capped ? 'GSP-062' : 'GSP-061',
      };
    });
}

/** Whether a Prune may hold the message back on the link at some moment of the time for passing it on. */
export function heldBack(view: GossipView, link: number, message: Message, withinMs: number): boolean {
  return holdsOn(view, link, message).some((hold) => hold.fromMs <= message.atMs + withinMs && hold.untilMs > message.atMs - view.slackMs);
}

/** Whether a Prune certainly holds the message back on the link when the node sends at event `event`, time `atMs`. */
export function certainlyHeld(view: GossipView, link: number, message: Message, event: number, atMs: number): boolean {
  return holdsOn(view, link, message).some(
    (hold) => hold.notice.event < event && hold.fromMs + view.slackMs <= atMs && hold.untilMs > atMs + view.slackMs,
  );
}

/** The clause that a push at `atMs` breaks while a Prune lasts: a special one when the Prune's backoff is capped, or when another of the same origin is over. */
export function clauseOfHold(view: GossipView, link: number, message: Message, atMs: number): string {
  const holds = holdsOn(view, link, message).filter((hold) => hold.fromMs <= atMs);
  const lasting = holds.filter((hold) => hold.untilMs > atMs);
  if (lasting.some((hold) => hold.notice.backoffMs > BigInt(view.number('gossip.prune_backoff_ms_max')))) return 'GSP-062';
  return lasting.length < holds.length ? 'GSP-061' : 'GSP-060';
}

/** The clause by which a Prune that once named the origin is over, or never counted; undefined if there was none. */
export function endedBy(view: GossipView, link: number, message: Message): string | undefined {
  const over = holdsOn(view, link, message).findLast((hold) => hold.notice.event < message.event && hold.untilMs <= message.atMs);
  if (over !== undefined) return over.endedBy;
  const before = view.prunes.filter(
    (notice) => notice.by === 'kit' && notice.kind === 'Prune' && notice.link === link && notice.event < message.event,
  );
  if (message.own && before.some((notice) => notice.origins.includes(message.origin) || notice.origins.includes(ZERO_ORIGIN)))
    return 'GSP-064';
  if (before.some((notice) => notice.origins.includes(message.origin))) return 'GSP-065';
  return undefined;
}
