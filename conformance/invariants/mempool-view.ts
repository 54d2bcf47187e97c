/**
 * Reads a trace the way the mempool of chapter 05 does: which transactions reached the node, what the
 * pool had to make of each, what it listed, and what left the node.
 */
import { envelopesIn, numberIn, seenMessage, textIn, textsIn } from '../driver/seen.ts';
import { hasWallClock, type SeenEnvelope, type SeenFrame, type Trace } from '../driver/trace.ts';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { seeEnvelope } from '../model/envelope.ts';
import { judgeTransaction, PoolModel, type PoolTransaction, readTransaction } from '../model/mempool.ts';
import { admittedFrames } from './admission.ts';

/** One transaction that reached the node, and the verdict that it had to get. */
export interface TransactionArrival {
  readonly event: number;
  readonly atMs: number;
  /** Undefined for one that the application submitted. */
  readonly link: number | undefined;
  readonly via: 'Push' | 'Forward' | 'FetchReply' | 'submit';
  readonly envelope: SeenEnvelope;
  readonly id: string;
  readonly verdict: 'accept' | 'ignore' | 'reject';
  readonly code: string;
  readonly clause: string;
}

/** One transaction in a frame of the node. */
export interface TransactionDeparture {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly via: 'Push' | 'Forward';
  readonly id: string;
  readonly hops: number;
}

/** A session of the node. */
export interface MempoolSpan {
  readonly link: number;
  readonly peerId: string;
  readonly fromMs: number;
  readonly fromEvent: number;
  readonly toMs: number;
  readonly toEvent: number;
  readonly takesTransactions: boolean;
  /** Whether transactions can be compared on it. */
  readonly reconciles: boolean;
  /** When the node first began to compare transactions on it, by a sketch or by ranges. */
  comparedMs: number | undefined;
}

/** A FetchRequest of the node for transactions. */
export interface TransactionFetch {
  readonly event: number;
  /** Short ids and ids, in hex. */
  readonly named: readonly string[];
  /** Under which its short ids were made. */
  readonly salt: string;
  readonly accepted: readonly string[];
}

export interface MempoolView {
  readonly trace: Trace;
  readonly spans: readonly MempoolSpan[];
  readonly arrivals: readonly TransactionArrival[];
  readonly departures: readonly TransactionDeparture[];
  /** Answers to `mempool.list`, with what had to be in them. */
  readonly lists: readonly { readonly event: number; readonly found: readonly string[]; readonly expected: readonly string[] }[];
  /** Answers to `mempool.submit`. */
  readonly submissions: readonly { readonly event: number; readonly error: string; readonly arrival: TransactionArrival }[];
  /** What the node gave of the set of transactions to who asked for all of a sketch, with what the pool held then. */
  readonly offers: readonly { readonly event: number; readonly found: readonly string[]; readonly expected: readonly string[] }[];
  /** What the node asked for of the set of transactions; `accepted` are the ids that it had accepted by then. */
  readonly fetches: readonly TransactionFetch[];
  /** Envelope bytes of each Forward and each Push of topic tx. */
  readonly batches: readonly { readonly event: number; readonly bytes: number }[];
  readonly slackMs: number;
  slotAt(atMs: number): bigint;
  leadersAt(atMs: number): readonly string[];
  number(name: string): number;
}

const NO_BALANCE = 0n;

/** The number of the set in chapter 07. */
const TRANSACTIONS_SET = 2;

/** Reads `trace`; costs one signature check for each different envelope. */
export function viewMempool(trace: Trace): MempoolView {
  const number = (name: string): number => Number(trace.parameters[name] ?? 0);
  const ledger = trace.setup?.ledger;
  const slotAt = (atMs: number): bigint =>
    ledger === undefined ? 0n : BigInt(Math.max(0, Math.floor((atMs - ledger.genesisMs) / number('schedule.slot_ms'))));
  const leaders = (ledger?.leaders ?? []).map((label) => trace.peerIds[label] ?? '');
  const leadersAt = (atMs: number): readonly string[] => {
    if (leaders.length === 0) return [];
    const slots = Array.from({ length: number('mempool.forward_slots') + 1 }, (_, ahead) => slotAt(atMs) + BigInt(ahead));
    return [...new Set(slots.map((slot) => leaders[Number(slot % BigInt(leaders.length))] ?? ''))];
  };
  const accounts = new Map(
    (ledger?.accounts ?? []).map(({ peer, nonce, balance }) => [
      trace.peerIds[peer] ?? '',
      { nonce: BigInt(nonce), balance: BigInt(balance) },
    ]),
  );
  const accountOf = (account: Uint8Array) =>
    accounts.get(hex(account)) ?? { nonce: 0n, balance: ledger === undefined ? 2n ** 64n - 1n : NO_BALANCE };
  const pool = new PoolModel(
    {
      countMax: BigInt(number('mempool.count_max')),
      bytesMax: BigInt(number('mempool.bytes_max')),
      accountMax: BigInt(number('mempool.account_max')),
      replacePercent: BigInt(number('mempool.replace_percent')),
      validSlotsMax: BigInt(number('mempool.valid_slots_max')),
    },
    accountOf,
  );
  const seen = new Set<string>();

  function judge(envelope: SeenEnvelope, atMs: number, hops: number): Pick<TransactionArrival, 'verdict' | 'code' | 'clause'> {
    const wallMs = BigInt(Math.round(trace.wallStartMs + atMs));
    const bytes = unhex(envelope.bytes);
    const bounds = {
      transactionBytesMax: number('mempool.transaction_bytes_max'),
      hopsMax: number('gossip.hops_max'),
      pastMsMax: BigInt(number('clock.past_ms_max')),
      futureMsMax: BigInt(number('clock.future_ms_max')),
    };
    const alone = judgeTransaction(utf8(trace.networkId), wallMs, BigInt(hops), bytes, bounds);
    const isEarly = alone.verdict !== 'accept' && alone.code !== 'E_TIME' && alone.code !== 'E_SIGNATURE';
    if (isEarly) return alone;
    if (envelope.id !== undefined && seen.has(envelope.id)) return { verdict: 'ignore', code: 'E_DUPLICATE', clause: 'GSP-015' };
    if (alone.verdict !== 'accept') return alone;
    const read = readTransaction(bytes);
    if (read === undefined || envelope.id === undefined || envelope.origin === undefined)
      throw new Error('an envelope in order can be read');
    const { createdMs: _, ...rest } = read;
    const transaction: PoolTransaction = { ...rest, id: unhex(envelope.id), account: unhex(envelope.origin), bytes: BigInt(bytes.length) };
    pool.beginSlot(slotAt(atMs));
    const ruling = pool.offer(transaction, slotAt(atMs));
    if (ruling.code !== '') return { verdict: 'ignore', ...ruling };
    seen.add(envelope.id);
    return { verdict: 'accept', code: '', clause: 'MEM-017' };
  }

  const spans: { -readonly [K in keyof MempoolSpan]: MempoolSpan[K] }[] = [];
  const arrivals: TransactionArrival[] = [];
  const departures: TransactionDeparture[] = [];
  const lists: { event: number; found: readonly string[]; expected: readonly string[] }[] = [];
  const submissions: { event: number; error: string; arrival: TransactionArrival }[] = [];
  const batches: { event: number; bytes: number }[] = [];
  const waiting: TransactionArrival[] = [];
  const offers: { event: number; found: readonly string[]; expected: readonly string[] }[] = [];
  const fetches: TransactionFetch[] = [];
  /** The newest sketch and fetch of transactions that the node asked for, by link. */
  const salts = new Map<number, string>();
  const asked = new Set<string>();
  /** FetchRequests of the kit for transactions. */
  const posed = new Set<string>();
  const admitted = admittedFrames(trace);
  const spanOf = (link: number): MempoolSpan | undefined =>
    spans.find((span) => span.link === link && span.toMs === Number.POSITIVE_INFINITY);

  trace.events.forEach((event, index) => {
    switch (event.type) {
      case 'sessionUp': {
        const up = trace.events.find((other) => other.type === 'linkUp' && other.link === event.link);
        spans.push({
          link: event.link,
          peerId: up?.type === 'linkUp' ? up.peerId : '',
          fromMs: event.atMs,
          fromEvent: index,
          toMs: Number.POSITIVE_INFINITY,
          toEvent: trace.events.length,
          takesTransactions: event.capabilities.includes('mempool/1'),
          reconciles: event.capabilities.includes('reconcile/1'),
          comparedMs: undefined,
        });
        return;
      }
      case 'closed': {
        const span = spans.find((other) => other.link === event.link && other.toMs === Number.POSITIVE_INFINITY);
        if (span !== undefined) [span.toMs, span.toEvent] = [event.atMs, index];
        return;
      }
      case 'sentFrame': {
        const reply = seenMessage(event.frame, 'FetchReply');
        if (reply !== undefined && admitted.has(index) && asked.delete(`${event.link} ${event.frame.requestId}`)) {
          for (const envelope of envelopesIn(reply, 'items')) {
            const verdict = judge(envelope, event.atMs, 0);
            arrivals.push({
              event: index,
              atMs: event.atMs,
              link: event.link,
              via: 'FetchReply',
              envelope,
              id: envelope.id ?? '',
              ...verdict,
            });
          }
        }
        const fetch = seenMessage(event.frame, 'FetchRequest');
        if (fetch !== undefined && numberIn(fetch, 'set') === TRANSACTIONS_SET) posed.add(`${event.link} ${event.frame.requestId}`);
        if (spanOf(event.link)?.takesTransactions !== true || !admitted.has(index)) return;
        for (const { envelope, hops, via } of transactionsIn(event.frame)) {
          const verdict = judge(envelope, event.atMs, hops);
          arrivals.push({ event: index, atMs: event.atMs, link: event.link, via, envelope, id: envelope.id ?? '', ...verdict });
        }
        return;
      }
      case 'frame': {
        const sketch = seenMessage(event.frame, 'SketchRequest');
        if (sketch !== undefined && numberIn(sketch, 'set') === TRANSACTIONS_SET) {
          salts.set(event.link, textIn(sketch, 'salt'));
        }
        const beginning = sketch ?? seenMessage(event.frame, 'RangeRequest');
        if (beginning !== undefined && numberIn(beginning, 'set') === TRANSACTIONS_SET) {
          const span = spanOf(event.link);
          if (span !== undefined) span.comparedMs ??= event.atMs;
        }
        const fetch = seenMessage(event.frame, 'FetchRequest');
        if (fetch !== undefined && numberIn(fetch, 'set') === TRANSACTIONS_SET) {
          asked.add(`${event.link} ${event.frame.requestId}`);
          const named = [...textsIn(fetch, 'shortIds'), ...textsIn(fetch, 'ids')];
          fetches.push({ event: index, named, salt: salts.get(event.link) ?? '', accepted: [...seen] });
        }
        const given = seenMessage(event.frame, 'FetchReply');
        if (given !== undefined && posed.delete(`${event.link} ${event.frame.requestId}`)) {
          pool.beginSlot(slotAt(event.atMs));
          const found = envelopesIn(given, 'items').map(({ id }) => id ?? '');
          offers.push({ event: index, found, expected: pool.held.map(({ id }) => hex(id)) });
        }
        const carried = transactionsIn(event.frame);
        if (carried.length > 0)
          batches.push({ event: index, bytes: carried.reduce((sum, { envelope }) => sum + envelope.bytes.length / 2, 0) });
        for (const { envelope, via, hops } of carried) {
          departures.push({ event: index, atMs: event.atMs, link: event.link, via, id: envelope.id ?? '', hops });
        }
        return;
      }
      case 'sentCommand': {
        const [bytes] = event.args;
        if (event.command !== 'mempool.submit' || bytes === undefined) return;
        const envelope = seeEnvelope(utf8(trace.networkId), unhex(bytes));
        const arrival = {
          event: index,
          atMs: event.atMs,
          link: undefined,
          via: 'submit',
          envelope,
          id: envelope.id ?? '',
          ...judge(envelope, event.atMs, 0),
        } as const;
        arrivals.push(arrival);
        waiting.push(arrival);
        return;
      }
      case 'outcome': {
        if (event.command === 'mempool.submit') {
          const arrival = waiting.shift();
          if (arrival !== undefined) submissions.push({ event: index, error: event.error, arrival });
        }
        if (event.command === 'mempool.list') {
          pool.beginSlot(slotAt(event.atMs));
          lists.push({ event: index, found: event.values, expected: pool.order().map(({ id }) => hex(id)) });
        }
        return;
      }
      default:
    }
  });
  const slackMs = hasWallClock(trace) ? 1_000 : 0;
  return { trace, spans, arrivals, departures, lists, submissions, offers, fetches, batches, slackMs, slotAt, leadersAt, number };
}

interface Carried {
  readonly envelope: SeenEnvelope;
  readonly hops: number;
  readonly via: 'Push' | 'Forward';
}

/** The transactions of a frame; none for frames of another kind or topic. */
function transactionsIn(frame: SeenFrame): readonly Carried[] {
  const forward = seenMessage(frame, 'Forward');
  if (forward !== undefined) return envelopesIn(forward, 'transactions').map((envelope) => ({ envelope, hops: 0, via: 'Forward' }));
  const { body } = frame;
  if (body?.type !== 'Push' || body.topic !== 'tx') return [];
  return body.items.map(({ envelope, hops }) => ({ envelope, hops, via: 'Push' }));
}
