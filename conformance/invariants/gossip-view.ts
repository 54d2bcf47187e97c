/**
 * Reads a trace the way chapter 05 does: which sessions there were, which envelopes reached the node
 * and what verdict each had to get, what the node published, pushed, announced and asked for.
 *
 * Everything a gossip judge argues from is computed here once per trace; the judges are predicates
 * over the result. Nothing of the node's own choices (which links are active, when it beats) is
 * assumed: where the spec leaves a choice, the view says what is certain and what is possible.
 */
import { hasWallClock, type SeenEnvelope, type Trace, type TraceEvent } from '../driver/trace.ts';
import { unhex, utf8 } from '../model/bytes.ts';
import { readAppPayload, readEnvelope } from '../model/envelope.ts';
import { activeSize, judgeMessage } from '../model/gossip.ts';
import { admittedFrames } from './admission.ts';

export const ZERO_ORIGIN: string = '00'.repeat(32);

/** One session of the node, from the kit's side. */
export interface Span {
  readonly link: number;
  readonly peerId: string;
  readonly address: string;
  readonly fromMs: number;
  readonly fromEvent: number;
  /** Infinity while the trace lasts. */
  readonly toMs: number;
  readonly toEvent: number;
  readonly closedBy: 'node' | 'kit' | undefined;
  readonly gossip: boolean;
  readonly direct: boolean;
}

export type ModelVerdict = 'accept' | 'ignore' | 'reject' | 'pending';

/** One envelope that reached the node, and what it had to make of it. */
export interface Arrival {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly topic: string;
  readonly hops: number;
  readonly via: 'Push' | 'Direct';
  readonly envelope: SeenEnvelope;
  readonly verdict: ModelVerdict;
  /** Name of the error registry; empty for accept and pending. */
  readonly code: string;
  readonly clause: string;
}

/** A message that the node accepted or published, from which its duties follow. */
export interface Message {
  readonly id: string;
  readonly origin: string;
  readonly topic: string;
  /** Hops that it came with; undefined for the node's own. */
  readonly hops: number | undefined;
  readonly atMs: number;
  readonly event: number;
  readonly envelope: SeenEnvelope;
  readonly own: boolean;
  /** Link that brought it. */
  readonly from: number | undefined;
}

/** An envelope that left the node in a Push or Direct. */
export interface Departure {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly topic: string;
  readonly hops: number;
  readonly via: 'Push' | 'Direct';
  readonly envelope: SeenEnvelope;
  /** An Iwant for it reached the node on this link before and was not answered yet. */
  readonly asked: boolean;
}

/** Ids in a frame of one of the three inventory kinds, in either direction. */
export interface Mention {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly kind: 'Ihave' | 'Iwant' | 'Idontwant';
  readonly by: 'kit' | 'node';
  readonly ids: readonly string[];
  /** Those of the ids that the caps of their window let count (GSP-054, GSP-059, GSP-068); all for the node's own. */
  readonly counted: readonly string[];
}

/** A Prune or Graft in either direction. */
export interface PruneNotice {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly kind: 'Prune' | 'Graft';
  readonly by: 'kit' | 'node';
  readonly origins: readonly string[];
  readonly backoffMs: bigint;
}

export interface GossipView {
  readonly trace: Trace;
  readonly spans: readonly Span[];
  readonly arrivals: readonly Arrival[];
  readonly messages: ReadonlyMap<string, Message>;
  readonly departures: readonly Departure[];
  readonly mentions: readonly Mention[];
  readonly prunes: readonly PruneNotice[];
  /** Frames of the kit that found their bucket empty. */
  readonly overruns: readonly { readonly link: number; readonly atMs: number }[];
  readonly activeSize: number;
  /** How much later than in virtual time something may be seen: 0 at level adapter. */
  readonly slackMs: number;
  /** How long after one another two things must have happened on different links for their order to be certain: 0 at level adapter. */
  readonly raceMs: number;
  /** Value of a numeric parameter. */
  number(name: string): number;
  spanAt(link: number, event: number): Span | undefined;
}

/** Reads `trace`; costs one pass and one signature check for each different envelope. */
export function viewGossip(trace: Trace): GossipView {
  const number = (name: string): number => Number(trace.parameters[name] ?? 0);
  const slackMs = hasWallClock(trace) ? 1_000 : 0;
  const raceMs = hasWallClock(trace) ? 250 : 0;
  const spans = readSpans(trace);
  const spanAt = (link: number, event: number): Span | undefined =>
    spans.find((span) => span.link === link && span.fromEvent <= event && event <= span.toEvent);
  const admitted = admittedFrames(trace);
  const mentions: Mention[] = [];
  const prunes: PruneNotice[] = [];
  const departures: Departure[] = [];
  const arrivals: Arrival[] = [];
  const messages = new Map<string, Message>();
  const judge = new VerdictModel(trace, number);
  const asks = new Map<string, number>();
  const windows = new WindowModel(number);
  const overruns: { link: number; atMs: number }[] = [];
  const publishes: { atMs: number; event: number }[] = [];

  trace.events.forEach((event, index) => {
    if (event.type === 'restarted' || event.type === 'crashed') judge.forget();
    if (event.type === 'step' && event.value.op === 'publish') publishes.push({ atMs: event.atMs, event: index });
    if (event.type === 'step' && event.value.op === 'validated') {
      const settled = judge.settle(event.value.index, event.value.verdict, event.atMs);
      if (settled !== undefined) messages.set(settled.id, { ...settled, atMs: event.atMs, event: index });
    }
    if (event.type === 'validate') judge.asked(event.id);
    if (event.type !== 'sentFrame' && event.type !== 'frame') return;
    const by = event.type === 'frame' ? 'node' : 'kit';
    if (by === 'kit' && !admitted.has(index)) {
      overruns.push({ link: event.link, atMs: event.atMs });
      return;
    }
    const span = spanAt(event.link, index);
    const body = event.frame.body;
    if (body === undefined || span === undefined) return;
    const at = { event: index, atMs: event.atMs, link: event.link };
    switch (body.type) {
      case 'Ihave':
      case 'Iwant':
      case 'Idontwant': {
        if (!span.gossip) return;
        const counted = by === 'node' ? body.ids : windows.count(event.link, body.type, body.ids, event.atMs);
        mentions.push({ ...at, kind: body.type, by, ids: body.ids, counted });
        if (body.type === 'Iwant' && by === 'kit') for (const id of counted) bump(asks, `${event.link} ${id}`, 1);
        return;
      }
      case 'Prune':
        prunes.push({ ...at, kind: 'Prune', by, origins: body.origins, backoffMs: body.backoffMs });
        return;
      case 'Graft':
        prunes.push({ ...at, kind: 'Graft', by, origins: body.origins, backoffMs: 0n });
        return;
      case 'Push':
      case 'Direct': {
        if (body.type === 'Push' ? !span.gossip : !span.direct) return;
        const items = body.type === 'Push' ? body.items : body.envelopes.map((envelope) => ({ hops: 0, envelope }));
        for (const { hops, envelope } of items) {
          if (by === 'kit') {
            const arrival = judge.judge({ ...at, topic: body.topic, hops, via: body.type, envelope });
            arrivals.push(arrival);
            if (arrival.verdict === 'accept' && envelope.id !== undefined && envelope.origin !== undefined && !messages.has(envelope.id)) {
              messages.set(envelope.id, {
                ...at,
                id: envelope.id,
                origin: envelope.origin,
                topic: body.topic,
                hops,
                envelope,
                own: false,
                from: event.link,
              });
            }
            continue;
          }
          const key = `${event.link} ${envelope.id ?? envelope.hash}`;
          const asked = (asks.get(key) ?? 0) > 0;
          if (asked) bump(asks, key, -1);
          departures.push({ ...at, topic: body.topic, hops, via: body.type, envelope, asked });
        }
        return;
      }
      default:
    }
  });
  addOwnMessages(trace, departures, publishes, messages);
  const size = activeSize(number('gossip.network_size'), number('gossip.active_min'));
  return { trace, spans, arrivals, messages, departures, mentions, prunes, overruns, activeSize: size, slackMs, raceMs, number, spanAt };
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function readSpans(trace: Trace): Span[] {
  const spans: Span[] = [];
  const peers = new Map<number, Extract<TraceEvent, { type: 'linkUp' }>>();
  const open = new Map<number, Omit<Span, 'toMs' | 'toEvent' | 'closedBy'>>();
  const end = (link: number, atMs: number, event: number, by: 'node' | 'kit' | undefined): void => {
    const span = open.get(link);
    if (span === undefined) return;
    open.delete(link);
    spans.push({ ...span, toMs: atMs, toEvent: event, closedBy: by });
  };
  trace.events.forEach((event, index) => {
    if (event.type === 'linkUp') peers.set(event.link, event);
    else if (event.type === 'sessionUp') {
      const peer = peers.get(event.link);
      if (peer === undefined) return;
      open.set(event.link, {
        link: event.link,
        peerId: peer.peerId,
        address: peer.address,
        fromMs: event.atMs,
        fromEvent: index,
        gossip: event.capabilities.includes('gossip/1'),
        direct: event.capabilities.includes('direct/1'),
      });
    } else if (event.type === 'closed') end(event.link, event.atMs, index, event.by);
    else if (event.type === 'sentFrame' && event.frame.body?.type === 'GoAway') end(event.link, event.atMs, index, 'kit');
    else if (event.type === 'crashed') for (const link of [...open.keys()]) end(link, event.atMs, index, 'kit');
  });
  for (const span of open.values())
    spans.push({ ...span, toMs: Number.POSITIVE_INFINITY, toEvent: Number.POSITIVE_INFINITY, closedBy: undefined });
  return spans.sort((a, b) => a.fromEvent - b.fromEvent);
}

/** The windows of one heartbeat in which inventory ids count. */
class WindowModel {
  readonly #number: (name: string) => number;
  readonly #windows = new Map<string, { startMs: number; ids: number; frames: number }>();

  constructor(number: (name: string) => number) {
    this.#number = number;
  }

  /** The ids of a frame that still count in its window. */
  count(link: number, kind: Mention['kind'], ids: readonly string[], atMs: number): readonly string[] {
    const key = `${link} ${kind}`;
    let window = this.#windows.get(key);
    if (window === undefined || atMs >= window.startMs + this.#number('gossip.heartbeat_ms')) {
      window = { startMs: atMs, ids: 0, frames: 0 };
      this.#windows.set(key, window);
    }
    window.frames += 1;
    if (kind === 'Ihave' && window.frames > this.#number('gossip.ihave_frames_per_heartbeat')) return [];
    const room = Math.max(0, this.#number(`gossip.${kind.toLowerCase()}_ids_per_heartbeat`) - window.ids);
    const counted = ids.slice(0, room);
    window.ids += ids.length;
    return counted;
  }
}

/** The ordered checks of chapter 05 over the arrivals of one trace. */
class VerdictModel {
  readonly #trace: Trace;
  readonly #number: (name: string) => number;
  readonly #accepted = new Map<string, number>();
  readonly #pending = new Map<string, { readonly arrival: Omit<Arrival, 'verdict' | 'code' | 'clause'>; readonly sinceMs: number }>();
  readonly #asked: string[] = [];
  readonly #buckets = new Map<string, { units: number; atMs: number }>();

  constructor(trace: Trace, number: (name: string) => number) {
    this.#trace = trace;
    this.#number = number;
  }

  /** A restarted node remembers nothing of these chapters. */
  forget(): void {
    this.#accepted.clear();
    this.#pending.clear();
    this.#buckets.clear();
  }

  asked(id: string): void {
    this.#asked.push(id);
  }

  judge(arrival: Omit<Arrival, 'verdict' | 'code' | 'clause'>): Arrival {
    const result = this.#verdict(arrival);
    return { ...arrival, ...result };
  }

  #verdict(arrival: Omit<Arrival, 'verdict' | 'code' | 'clause'>): Pick<Arrival, 'verdict' | 'code' | 'clause'> {
    const { envelope, atMs } = arrival;
    const alone = judgeMessage(
      utf8(this.#trace.networkId),
      arrival.topic,
      BigInt(Math.round(this.#trace.wallStartMs + atMs)),
      arrival.hops,
      unhex(envelope.bytes),
    );
    const decided = (verdict: 'ignore' | 'reject', code: string, clause: string) => ({ verdict, code, clause }) as const;
    const early = alone.code !== '' && alone.code !== 'E_TIME' && alone.code !== 'E_SIGNATURE';
    if (early && alone.verdict !== 'accept') {
      return decided(alone.verdict, alone.code, alone.clause);
    }
    const { id, origin } = envelope;
    if (id === undefined || origin === undefined) return decided('reject', 'E_STRUCTURE', 'GSP-013');
    const acceptedAt = this.#accepted.get(id);
    if (acceptedAt !== undefined && atMs - acceptedAt <= this.#number('gossip.seen_ttl_ms'))
      return decided('ignore', 'E_DUPLICATE', 'GSP-015');
    const pending = this.#pending.get(id);
    if (pending !== undefined && atMs - pending.sinceMs < this.#number('gossip.validation_timeout_ms')) {
      return decided('ignore', 'E_DUPLICATE', 'GSP-027');
    }
    if (alone.verdict !== 'accept') return decided(alone.verdict, alone.code, alone.clause);
    if (origin === this.#trace.nodePeerId) return decided('ignore', 'E_DUPLICATE', 'GSP-019');
    if (!this.#charge(origin, atMs)) return decided('ignore', 'E_ORIGIN_RATE', 'GSP-020');
    if (this.#validates()) {
      this.#pending.set(id, { arrival, sinceMs: atMs });
      return { verdict: 'pending', code: '', clause: 'GSP-026' };
    }
    this.#accepted.set(id, atMs);
    return { verdict: 'accept', code: '', clause: 'GSP-021' };
  }

  /** The application's answer to the n-th question; the message when it is accepted in time. */
  settle(index: number, verdict: 'accept' | 'ignore' | 'reject', atMs: number): Omit<Message, 'atMs' | 'event'> | undefined {
    const id = this.#asked[index];
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending === undefined) return undefined;
    this.#pending.delete(id);
    if (atMs - pending.sinceMs >= this.#number('gossip.validation_timeout_ms') || verdict !== 'accept') return undefined;
    this.#accepted.set(id, atMs);
    const { arrival } = pending;
    return {
      id,
      origin: arrival.envelope.origin ?? '',
      topic: arrival.topic,
      hops: arrival.hops,
      envelope: arrival.envelope,
      own: false,
      from: arrival.link,
    };
  }

  #validates(): boolean {
    return this.#trace.applicationValidation === true;
  }

  /** Both flood buckets, or none (GSP-085). */
  #charge(origin: string, atMs: number): boolean {
    const staked = (this.#trace.stakes[origin] ?? 0) > 0;
    const buckets: [string, number][] = [[origin, this.#number('gossip.origin_per_s')]];
    if (!staked) buckets.push(['unstaked', this.#number('gossip.unstaked_per_s')]);
    const levels = buckets.map(([name, rate]) => this.#level(name, rate, atMs));
    if (levels.some((units) => units < 1_000)) return false;
    buckets.forEach(([name], index) => {
      this.#buckets.set(name, { units: (levels[index] ?? 0) - 1_000, atMs });
    });
    return true;
  }

  #level(name: string, rate: number, atMs: number): number {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) return 2 * rate * 1_000;
    return Math.min(2 * rate * 1_000, bucket.units + rate * (atMs - bucket.atMs));
  }
}

/** The node's own messages are known from what it sends; each belongs to the newest publish before it with the same data. */
function addOwnMessages(
  trace: Trace,
  departures: readonly Departure[],
  publishes: readonly { atMs: number; event: number }[],
  messages: Map<string, Message>,
): void {
  for (const departure of departures) {
    const { id, origin } = departure.envelope;
    if (id === undefined || origin !== trace.nodePeerId || messages.has(id)) continue;
    const made = publishedStep(trace, departure, publishes);
    if (made === undefined) continue;
    messages.set(id, {
      id,
      origin,
      topic: departure.topic,
      hops: undefined,
      atMs: made.atMs,
      event: made.event,
      envelope: departure.envelope,
      own: true,
      from: undefined,
    });
  }
}

function publishedStep(
  trace: Trace,
  departure: Departure,
  publishes: readonly { atMs: number; event: number }[],
): { atMs: number; event: number } | undefined {
  const data = dataOf(departure.envelope);
  const candidates = publishes.filter((publish) => {
    if (publish.event >= departure.event) return false;
    const event = trace.events[publish.event];
    return event?.type === 'step' && event.value.op === 'publish' && publishedData(event.value.data) === data;
  });
  return candidates.at(-1);
}

/** Data of a publish step in hex. */
export function publishedData(data: string | { readonly size: number }): string {
  return typeof data === 'string' ? data : '61'.repeat(data.size);
}

/** Application data of an envelope in hex, or undefined when it does not decode. */
export function dataOf(envelope: SeenEnvelope): string | undefined {
  const payload = payloadOf(envelope);
  return payload === undefined ? undefined : Buffer.from(payload.data).toString('hex');
}

/** The AppPayload of an envelope, or undefined when it does not decode. */
export function payloadOf(envelope: SeenEnvelope): ReturnType<typeof readAppPayload> {
  const read = readEnvelope(unhex(envelope.bytes));
  return read === undefined ? undefined : readAppPayload(read.payload);
}
