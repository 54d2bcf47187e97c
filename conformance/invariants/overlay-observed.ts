/** What the node must, may and cannot have observed of a peer. Spec: OVL-030 to OVL-032. */
import { overlayScore } from '../model/overlay.ts';
import { claimedRole, type OverlayView, ROLES, roleOf } from './overlay-view.ts';

/** What a Push adds to an envelope, at most. */
const PUSH_OVERHEAD_BYTES = 100;

/** Counts of one session up to a moment, as low and as high as the spec lets a node count. */
interface Counts {
  readonly ageMs: number;
  readonly delivered: readonly [low: number, high: number];
  readonly failed: readonly [low: number, high: number];
  readonly origins: readonly [low: number, high: number];
  /** More bytes a second than any beat can have had: all that was pushed, within a millisecond. */
  readonly bytesPerSMax: number;
}

function countsOf(view: OverlayView, link: number, event: number, atMs: number): Counts {
  const span = view.spanAt(link, event);
  const fromEvent = span?.fromEvent ?? event;
  const came = view.gossip.arrivals.filter(
    (arrival) =>
      arrival.link === link && arrival.via === 'Push' && arrival.event > fromEvent && arrival.event < event && arrival.atMs <= atMs,
  );
  const firsts = came.filter(({ verdict }) => verdict === 'accept');
  const taken = came.filter(({ verdict, code }) => verdict === 'accept' || code === 'E_DUPLICATE');
  const rejected = came.filter(({ verdict }) => verdict === 'reject').length;
  const asked = view.by('node', 'Attach').filter((one) => one.link === link && one.event > fromEvent && one.event < event);
  const answered = view.by('kit', 'Attached').filter((one) => one.link === link && one.event > fromEvent && one.event < event);
  const wanted = view.gossip.mentions.filter(
    (mention) => mention.link === link && mention.by === 'node' && mention.kind === 'Iwant' && mention.event < event,
  );
  const promises = wanted.reduce((sum, mention) => sum + mention.ids.length, 0);
  const originsOf = (arrivals: typeof came): number => new Set(arrivals.map(({ envelope }) => envelope.origin)).size;
  return {
    ageMs: Math.max(0, atMs - (span?.fromMs ?? atMs)),
    delivered: [firsts.length, taken.length],
    failed: [rejected, rejected + promises + Math.max(0, asked.length - answered.length)],
    origins: [originsOf(firsts), originsOf(taken)],
    bytesPerSMax: 1_000 * came.reduce((sum, { envelope }) => sum + envelope.bytes.length / 2 + PUSH_OVERHEAD_BYTES, 0),
  };
}

/** The observed score at its lowest and at its highest. */
export function observedScores(view: OverlayView, link: number, event: number, atMs: number): readonly [low: number, high: number] {
  const { ageMs, delivered, failed, origins, bytesPerSMax } = countsOf(view, link, event, atMs);
  const least = {
    uptimeMin: BigInt(view.number('overlay.observe_ms')),
    bytesMin: BigInt(view.number('overlay.observe_bytes_per_s')),
    connectionsMin: BigInt(view.number('overlay.observe_origins')),
  };
  const score = (bound: 0 | 1): number =>
    Number(
      overlayScore({
        uptimeMs: BigInt(Math.floor(ageMs)),
        bytesPerS: bound === 0 ? 0n : BigInt(Math.ceil(bytesPerSMax)),
        delivered: BigInt(delivered[bound]),
        failed: BigInt(failed[1 - bound] ?? 0),
        connections: BigInt(origins[bound]),
        ...least,
      }),
    );
  return [score(0), score(1)];
}

/** Whether the node takes the peer of a link as a supernode: certainly, certainly not, or either. */
export function isTaken(view: OverlayView, link: number, event: number, atMs: number): 'yes' | 'no' | 'maybe' {
  const beats = 2 * view.number('overlay.beat_ms') + view.slackMs;
  const claim = claimedRole(view, link, event);
  if (claim === undefined) return 'no';
  const isClaimed = roleOf(claim) === ROLES.supernode;
  if (!isClaimed) return atMs - claim.atMs > beats ? 'no' : 'maybe';
  const acceptMin = view.number('overlay.accept_min');
  const messagesMin = view.number('overlay.observe_messages');
  const now = countsOf(view, link, event, atMs);
  const [, highest] = observedScores(view, link, event, atMs);
  const wasEver = now.delivered[1] >= messagesMin && (highest >= acceptMin || now.failed[1] > 0);
  if (!wasEver) return 'no';
  const beforeMs = atMs - beats;
  const [, highestBefore] = observedScores(view, link, event, beforeMs);
  const revokeMin = view.number('overlay.revoke_min');
  if (highest < revokeMin && highestBefore < revokeMin && now.failed[0] > 0) return 'no';
  const before = countsOf(view, link, event, beforeMs);
  const [lowBefore] = observedScores(view, link, event, beforeMs);
  const [lowNow] = observedScores(view, link, event, atMs);
  const wasLong = claim.atMs <= beforeMs && before.delivered[0] >= messagesMin && lowBefore >= acceptMin;
  return wasLong && lowNow >= acceptMin ? 'yes' : 'maybe';
}
