/** A trace as chapter 06 sees it: sessions, records that came with their verdicts, records that the node sent. */
import { envelopesIn, messagesIn, numberIn, seenMessage, textIn } from '../driver/seen.ts';
import { hasWallClock, type SeenEnvelope, type SeenFields, type Trace, type TraceEvent } from '../driver/trace.ts';
import type { RecordRead } from '../model/records.ts';
import { admittedFrames } from './admission.ts';
import { type Decision, type Held, recordOf, TableModel } from './records-table.ts';

/** One session. */
export interface RecordsSpan {
  readonly link: number;
  readonly peerId: string;
  readonly fromMs: number;
  readonly fromEvent: number;
  readonly toMs: number;
  readonly toEvent: number;
  /** `records/1` is among its capabilities. */
  readonly records: boolean;
  readonly capabilities: readonly string[];
  readonly offered: readonly string[] | undefined;
  readonly closedBy: 'node' | 'kit' | undefined;
}

/** A record that the kit sent, with what had to become of it. */
export interface RecordArrival extends Decision {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly isPushed: boolean;
  readonly envelope: SeenEnvelope;
}

/** A record that the node sent. */
export interface RecordDeparture {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly via: 'push' | 'reply';
  readonly envelope: SeenEnvelope;
  readonly record: RecordRead | undefined;
  /** A record of the session's peer: what REC-053 sends back. */
  readonly isBack: boolean;
}

/** A RecordRequest of the kit with what the node held of it, and the node's answer. */
export interface RecordQuestion {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly requestId: number;
  readonly labels: readonly { readonly origin: string; readonly kind: number; readonly index: number }[];
  readonly expected: readonly Held[];
}

/** A RecordRequest of the kit by datagram, and what the node held of all that it names. */
export interface RecordDatagram {
  readonly event: number;
  readonly endpoint: string;
  readonly cookie: string;
  readonly expected: readonly Held[];
}

/** A RecordReply of the node by datagram. */
export interface RecordDatagramReply {
  readonly event: number;
  readonly endpoint: string;
  readonly cookie: string;
  readonly requestId: number;
  readonly bytes: number;
  readonly envelopes: readonly SeenEnvelope[];
}

export interface RecordsView {
  readonly trace: Trace;
  readonly spans: readonly RecordsSpan[];
  readonly arrivals: readonly RecordArrival[];
  readonly departures: readonly RecordDeparture[];
  readonly questions: readonly RecordQuestion[];
  readonly replies: readonly {
    readonly event: number;
    readonly atMs: number;
    readonly link: number;
    readonly requestId: number;
    readonly envelopes: readonly SeenEnvelope[];
  }[];
  readonly datagrams: readonly RecordDatagram[];
  readonly datagramReplies: readonly RecordDatagramReply[];
  /** How many records each RecordPush of the node held. */
  readonly pushSizes: readonly { readonly event: number; readonly size: number }[];
  readonly table: TableModel;
  readonly slackMs: number;
  number(name: string): number;
  /** Label of the node's key in the trace. */
  readonly node: string;
}

/** Reads `trace`; one signature check for each record that came. */
export function viewRecords(trace: Trace): RecordsView {
  const spans = readSpans(trace);
  const admitted = admittedFrames(trace);
  const table = new TableModel(trace);
  const arrivals: RecordArrival[] = [];
  const departures: RecordDeparture[] = [];
  const questions: RecordQuestion[] = [];
  const replies: RecordsView['replies'][number][] = [];
  const datagrams: RecordDatagram[] = [];
  const datagramReplies: RecordDatagramReply[] = [];
  const pushSizes: { event: number; size: number }[] = [];
  const foreign = new Set<string>();
  const asked = new Map<string, readonly SeenFields[]>();
  const spanAt = (link: number, event: number): RecordsSpan | undefined =>
    spans.find((span) => span.link === link && span.fromEvent <= event && event <= span.toEvent);

  /** What the node holds of labels, in their order, each once. */
  function heldOf(labels: RecordQuestion['labels'], atMs: number): readonly Held[] {
    const named = labels.flatMap(({ origin, kind, index }) =>
      kind === 0 ? table.ofOrigin(origin, atMs) : (table.get(origin, kind, index, atMs) ?? []),
    );
    return [...new Set(named)];
  }

  function takeDatagram(event: Extract<TraceEvent, { type: 'sentDatagram' | 'datagram' }>, index: number): void {
    const { frame, cookie = '', bytes } = event.datagram;
    const request = frame === undefined || event.type === 'datagram' ? undefined : seenMessage(frame, 'RecordRequest');
    const reply = frame === undefined || event.type === 'sentDatagram' ? undefined : seenMessage(frame, 'RecordReply');
    const endpoint = event.type === 'datagram' ? event.to : event.from;
    if (request !== undefined) datagrams.push({ event: index, endpoint, cookie, expected: heldOf(labelsIn(request), event.atMs) });
    if (reply === undefined || frame === undefined) return;
    const { requestId } = frame;
    datagramReplies.push({ event: index, endpoint, cookie, requestId, bytes: bytes.length / 2, envelopes: envelopesIn(reply, 'records') });
  }

  trace.events.forEach((event, index) => {
    if (event.type === 'crashed' || event.type === 'restarted') table.forget();
    if (event.type === 'sentDatagram' || event.type === 'datagram') {
      takeDatagram(event, index);
      return;
    }
    if (event.type !== 'sentFrame' && event.type !== 'frame') return;
    const span = spanAt(event.link, index);
    if (span === undefined || !span.records) return;
    const at = { event: index, atMs: event.atMs, link: event.link };
    const push = seenMessage(event.frame, 'RecordPush');
    const reply = seenMessage(event.frame, 'RecordReply');
    const request = seenMessage(event.frame, 'RecordRequest');
    const key = `${event.link} ${event.frame.requestId}`;
    if (event.type === 'frame') {
      if (push !== undefined) pushSizes.push({ event: index, size: envelopesIn(push, 'records').length });
      if (request !== undefined) asked.set(key, messagesIn(request, 'labels'));
      for (const envelope of [...envelopesIn(push ?? {}, 'records'), ...envelopesIn(reply ?? {}, 'records')]) {
        const isBack = envelope.origin === span.peerId;
        departures.push({ ...at, via: push === undefined ? 'reply' : 'push', envelope, record: recordOf(envelope), isBack });
        if (envelope.origin === trace.nodePeerId && !foreign.has(envelope.id ?? '')) table.made(envelope);
      }
      if (reply !== undefined) replies.push({ ...at, requestId: event.frame.requestId, envelopes: envelopesIn(reply, 'records') });
      return;
    }
    if (!admitted.has(index)) return;
    const hasSession = (peer: string): boolean =>
      spans.some((other) => other.peerId === peer && other.fromEvent <= index && index <= other.toEvent);
    if (request !== undefined) {
      const labels = labelsIn(request);
      questions.push({ ...at, requestId: event.frame.requestId, labels, expected: heldOf(labels, event.atMs).slice(0, 32) });
    }
    for (const envelope of envelopesIn(push ?? {}, 'records')) take(envelope, true);
    for (const envelope of envelopesIn(reply ?? {}, 'records')) take(envelope, false);

    function take(envelope: SeenEnvelope, isPushed: boolean): void {
      if (span === undefined) return;
      if (!isPushed && !wasAsked(asked.get(key), envelope)) {
        arrivals.push({ ...at, isPushed, envelope, verdict: 'ignore', code: '', clause: 'REC-073', record: recordOf(envelope) });
        return;
      }
      const decision = table.judge(envelope, { peerId: span.peerId, isPushed }, event.type === 'sentFrame' ? event.atMs : 0, hasSession);
      if (decision.verdict === 'accept' && envelope.origin === trace.nodePeerId) foreign.add(envelope.id ?? '');
      arrivals.push({ ...at, ...decision, isPushed, envelope });
    }
  });
  return {
    trace,
    spans,
    arrivals,
    departures,
    questions,
    replies,
    datagrams,
    datagramReplies,
    pushSizes,
    table,
    slackMs: hasWallClock(trace) ? 500 : 0,
    number: (name) => Number(trace.parameters[name] ?? 0),
    node: trace.nodePeerId,
  };
}

function labelsIn(request: SeenFields): RecordQuestion['labels'] {
  return messagesIn(request, 'labels').map((label) => ({
    origin: textIn(label, 'origin'),
    kind: numberIn(label, 'kind'),
    index: numberIn(label, 'index'),
  }));
}

/** Whether an answer's record carries a label that the node asked for. Envelopes that hold no record carry none. */
function wasAsked(labels: readonly SeenFields[] | undefined, envelope: SeenEnvelope): boolean {
  const record = recordOf(envelope);
  return (labels ?? []).some((label) => {
    if (textIn(label, 'origin') !== envelope.origin) return false;
    const kind = numberIn(label, 'kind');
    return kind === 0 || (kind === record?.kind && numberIn(label, 'index') === record.index);
  });
}

function readSpans(trace: Trace): RecordsSpan[] {
  const spans: RecordsSpan[] = [];
  const peers = new Map<number, Extract<TraceEvent, { type: 'linkUp' }>>();
  const open = new Map<number, Omit<RecordsSpan, 'toMs' | 'toEvent' | 'closedBy'>>();
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
        fromMs: event.atMs,
        fromEvent: index,
        records: event.capabilities.includes('records/1'),
        capabilities: event.capabilities,
        offered: event.offered,
      });
    } else if (event.type === 'closed') end(event.link, event.atMs, index, event.by);
    else if (event.type === 'sentFrame' && event.frame.body?.type === 'GoAway') end(event.link, event.atMs, index, 'kit');
    else if (event.type === 'crashed') for (const link of [...open.keys()]) end(link, event.atMs, index, 'kit');
  });
  for (const span of open.values())
    spans.push({ ...span, toMs: Number.POSITIVE_INFINITY, toEvent: Number.POSITIVE_INFINITY, closedBy: undefined });
  return spans.sort((a, b) => a.fromEvent - b.fromEvent);
}
