/** A trace as chapter 07 sees it: what the node asked and answered, what the kit asked and answered, who closed. */
import { numberIn, seenMessage } from '../driver/seen.ts';
import { hasWallClock, type SeenFields, type Trace, type TraceEvent } from '../driver/trace.ts';

export const REQUESTS = ['SketchRequest', 'RangeRequest', 'FetchRequest'] as const;
export const REPLIES = ['SketchReply', 'RangeReply', 'FetchReply'] as const;

/** A request, with the reply that the other side gave. */
export interface Question {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly peer: string;
  readonly requestId: number;
  readonly message: (typeof REQUESTS)[number];
  readonly fields: SeenFields;
  reply: Answer | undefined;
}

/** A reply. */
export interface Answer {
  readonly event: number;
  readonly atMs: number;
  readonly message: (typeof REPLIES)[number];
  readonly fields: SeenFields;
}

/** A session with its peer and its end. */
export interface ReconcilingSpan {
  readonly link: number;
  readonly peer: string;
  readonly fromMs: number;
  readonly has: boolean;
  readonly hasTables: boolean;
  toMs: number;
  closedBy: 'node' | 'kit' | undefined;
  code: string | undefined;
}

export interface ReconciliationView {
  readonly trace: Trace;
  readonly spans: readonly ReconcilingSpan[];
  /** What the node asked, in order. */
  readonly asked: readonly Question[];
  /** What the kit asked, in order. */
  readonly posed: readonly Question[];
  /** The node has a ledger, and a session has `mempool/1`: it offers that, so it keeps set 2. */
  readonly hasPool: boolean;
  readonly slackMs: number;
  number(name: string): number;
  spanOf(link: number): ReconcilingSpan | undefined;
}

/** Reads `trace`. */
export function viewReconciliation(trace: Trace): ReconciliationView {
  const spans: ReconcilingSpan[] = [];
  const asked: Question[] = [];
  const posed: Question[] = [];
  const peers = new Map<number, string>();
  trace.events.forEach((event: TraceEvent, index) => {
    if (event.type === 'linkUp') peers.set(event.link, event.peerId);
    if (event.type === 'sessionUp') {
      spans.push({
        link: event.link,
        peer: peers.get(event.link) ?? '',
        fromMs: event.atMs,
        has: event.capabilities.includes('reconcile/1'),
        hasTables: event.capabilities.includes('iblt/1'),
        toMs: Number.POSITIVE_INFINITY,
        closedBy: undefined,
        code: undefined,
      });
    }
    if (event.type === 'closed') {
      const span = spans.findLast(({ link, closedBy }) => link === event.link && closedBy === undefined);
      if (span !== undefined) Object.assign(span, { toMs: event.atMs, closedBy: event.by, code: event.code });
    }
    if (event.type !== 'frame' && event.type !== 'sentFrame') return;
    const { frame, link, atMs } = event;
    const at = { event: index, atMs, link, peer: peers.get(link) ?? '', requestId: frame.requestId };
    const questions = event.type === 'frame' ? asked : posed;
    const answered = event.type === 'frame' ? posed : asked;
    for (const message of REQUESTS) {
      const fields = seenMessage(frame, message);
      if (fields !== undefined) questions.push({ ...at, message, fields, reply: undefined });
    }
    for (const message of REPLIES) {
      const fields = seenMessage(frame, message);
      if (fields === undefined) continue;
      const question = answered.findLast((one) => one.link === link && one.requestId === frame.requestId && one.reply === undefined);
      if (question !== undefined) question.reply = { event: index, atMs, message, fields };
    }
  });
  return {
    trace,
    spans,
    asked,
    posed,
    hasPool:
      trace.setup?.ledger !== undefined &&
      trace.events.some((event) => event.type === 'sessionUp' && event.capabilities.includes('mempool/1')),
    slackMs: hasWallClock(trace) ? 500 : 0,
    number: (name) => Number(trace.parameters[name] ?? 0),
    spanOf: (link) => spans.findLast((span) => span.link === link),
  };
}

/** An exchange of the node: the request that began it, and those that followed on the link until the next beginning. */
export interface NodeExchange {
  readonly beginning: Question;
  readonly requests: readonly Question[];
}

/** A range message follows on the last one when it comes at once behind an answer to that; a beginning keeps the interval. */
const FOLLOWS_MS = 500;

/** All exchanges that the node began, in order. */
export function nodeExchanges(view: ReconciliationView): readonly NodeExchange[] {
  const exchanges: { beginning: Question; requests: Question[] }[] = [];
  for (const question of view.asked) {
    const current = exchanges.findLast(({ beginning }) => beginning.link === question.link);
    const last = current?.requests.at(-1);
    const isNew =
      question.message === 'SketchRequest'
        ? numberIn(question.fields, 'first') === 0
        : question.message === 'RangeRequest' &&
          (last?.message !== 'RangeRequest' || last.reply === undefined || question.atMs - last.reply.atMs > FOLLOWS_MS);
    if (isNew || current === undefined) exchanges.push({ beginning: question, requests: [question] });
    else current.requests.push(question);
  }
  return exchanges;
}
