/** A trace as the DHT of both sides: who asked whom what, who answered, and what the node's table has to hold by the model. */
import { readAddressText } from '../driver/addresses.ts';
import { bigIn, envelopeIn, messagesIn, textIn } from '../driver/seen.ts';
import { hasWallClock, type SeenFields, type SeenFrame, type Trace } from '../driver/trace.ts';
import { unhex } from '../model/bytes.ts';
import { type Bucket, bucketIndex, byDistance, runTable, type TableEvent } from '../model/dht.ts';
import { type AddressPolicy, addressClass, addressRule } from '../model/dht-address.ts';
import { frameRule } from '../model/frame.ts';
import type { Rule } from './rule.ts';

/** A question and what came of it. */
export interface Exchange {
  readonly by: 'kit' | 'node';
  readonly message: string;
  readonly fields: SeenFields;
  /** Undefined for a datagram. */
  readonly link: number | undefined;
  /** The kit's end of a datagram, `IP:PORT`. */
  readonly endpoint: string | undefined;
  /** Of the kit's end, where it is known: the peer of the session, or who proved its answer. */
  readonly peerId: string | undefined;
  /** The kit's host, as text. */
  readonly host: string;
  readonly event: number;
  readonly atMs: number;
  readonly answer: Answer | undefined;
}

export interface Answer {
  readonly message: string;
  /** Undefined when the body cannot be read. */
  readonly fields: SeenFields | undefined;
  readonly event: number;
  readonly atMs: number;
  /** Bytes of the body. */
  readonly size: number;
}

/** A session with `dht/1`. */
export interface DhtSpan {
  readonly link: number;
  readonly peerId: string;
  readonly host: string;
  /** Listen addresses of its hello, as texts. */
  readonly listens: readonly string[];
  readonly event: number;
  readonly atMs: number;
  readonly toEvent: number;
  readonly toMs: number;
}

export interface DhtView {
  readonly trace: Trace;
  readonly spans: readonly DhtSpan[];
  readonly exchanges: readonly Exchange[];
  readonly slackMs: number;
  readonly reactionMs: number;
  readonly policy: AddressPolicy;
  number(name: string): number;
  /** The node's table as the events before one event make it. */
  tableAt(event: number): readonly Bucket[];
  /** Peers that have answered the node before an event, by a session or a proved reply, and are no clients. */
  verifiedAt(event: number): ReadonlySet<string>;
}

/** A rule about the DHT. */
export type DhtRule = Rule<DhtView>;

const WALL_SLACK_MS = 500;

/** The 4 or 16 bytes of an IP address as text, without port; undefined for a name. */
export function ipOf(host: string): Uint8Array | undefined {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return Uint8Array.from(host.split('.'), Number);
  return host.includes(':') ? readAddressText(`ws://[${host}]:1`).ip6 : undefined;
}

/** The host of `scheme://HOST:PORT`, `HOST:PORT` or `HOST`; of an IPv6 address without brackets. */
export function hostIn(text: string): string {
  const rest = text.replace(/^[a-z]+:\/\//, '');
  if (rest.startsWith('[')) return rest.slice(1, rest.indexOf(']'));
  return rest.split(':').length > 2 ? rest : rest.replace(/:\d+$/, '');
}

/** An address in a body as text, `ws://1.2.3.4:5`. */
export function addressIn(fields: SeenFields): string {
  const bytes = textIn(fields, 'ip4');
  const groups = (textIn(fields, 'ip6').match(/.{4}/g) ?? []).join(':');
  const host = bytes === '' ? (groups === '' ? textIn(fields, 'dns') : `[${groups}]`) : unhex(bytes).join('.');
  const scheme = ['', 'ws', 'wss', 'udp'][Number(bigIn(fields, 'transport'))] ?? '';
  return `${scheme}://${host}:${bigIn(fields, 'port')}`;
}

/** The contacts of a reply: ids and addresses. */
export function contactsIn(answer: Answer | undefined): readonly { readonly peerId: string; readonly addresses: readonly string[] }[] {
  if (answer?.fields === undefined) return [];
  return messagesIn(answer.fields, 'contacts').map((contact) => ({
    peerId: textIn(contact, 'peerId'),
    addresses: messagesIn(contact, 'addresses').map(addressIn),
  }));
}

/** Whether a host may be used under the policy; a name always. */
export function isAdmissibleHost(policy: AddressPolicy, host: string): boolean {
  const ip = ipOf(host);
  return ip === undefined || addressRule(policy, ip).admissible;
}

/** Whether a host is of class local. */
export function isLocalHost(host: string): boolean {
  const ip = ipOf(host);
  return ip !== undefined && addressClass(ip) === 'local';
}

/** Reads a trace. */
export function viewDht(trace: Trace): DhtView {
  const number = (name: string): number => Number(trace.parameters[name]);
  const policy = String(trace.parameters['dht.address_policy']) as AddressPolicy;
  const slackMs = hasWallClock(trace) ? WALL_SLACK_MS : 0;
  const spans = spansOf(trace);
  const exchanges = exchangesOf(trace, spans);
  const usable = (listens: readonly string[], host: string): boolean =>
    listens.some((text) => hostIn(text) === host) && isAdmissibleHost(policy, host);
  const seenBefore = (event: number): readonly { readonly at: number; readonly what: TableEvent; readonly peerId: string }[] => {
    const events: { at: number; what: TableEvent; peerId: string }[] = [];
    const see = (at: number, peerId: string, host: string): void => {
      const ip = ipOf(host);
      if (ip !== undefined) events.push({ at, what: { type: 'seen', id: unhex(peerId), ip }, peerId });
    };
    for (const span of spans) if (span.event < event && usable(span.listens, span.host)) see(span.event, span.peerId, span.host);
    for (const exchange of exchanges) {
      if (exchange.by !== 'node' || exchange.peerId === undefined) continue;
      const { answer, peerId, host } = exchange;
      if (answer !== undefined) {
        const span = spans.findLast((one) => one.link === exchange.link && one.event < answer.event);
        const isClient = span !== undefined && !usable(span.listens, span.host);
        if (answer.event < event && !isClient && isAdmissibleHost(policy, host)) see(answer.event, peerId, host);
        continue;
      }
      const overMs = exchange.atMs + timeoutOf(exchange, number) - slackMs;
      const over = trace.events.findIndex((one, index) => index > exchange.event && one.atMs >= overMs);
      if (over >= 0 && over <= event) events.push({ at: over - 0.5, what: { type: 'failed', id: unhex(peerId) }, peerId });
    }
    return events.sort((a, b) => a.at - b.at);
  };
  return {
    trace,
    spans,
    exchanges,
    slackMs,
    reactionMs: number('session.reaction_ms_max') + slackMs,
    policy,
    number,
    tableAt: (event) =>
      runTable(
        unhex(trace.nodePeerId),
        {
          bucketSize: number('dht.bucket_size'),
          replacementsMax: number('dht.replacements_max'),
          subnetBucketMax: number('dht.subnet_bucket_max'),
          subnetTableMax: number('dht.subnet_table_max'),
          failuresMax: number('dht.failures_max'),
          policy,
        },
        seenBefore(event).map(({ what }) => what),
      ),
    verifiedAt: (event) => new Set(seenBefore(event).flatMap(({ what, peerId }) => (what.type === 'seen' ? [peerId] : []))),
  };
}

/** How long the node waits for an answer to its question. */
export function timeoutOf(exchange: Exchange, number: (name: string) => number): number {
  return number(exchange.link === undefined ? 'dht.datagram_timeout_ms' : 'dht.query_timeout_ms');
}

function spansOf(trace: Trace): readonly DhtSpan[] {
  const listens = new Map<number, readonly string[]>();
  const listensOf = new Map<string, readonly string[]>();
  const links = new Map<number, { readonly peerId: string; readonly address: string }>();
  const spans: DhtSpan[] = [];
  trace.events.forEach((event, index) => {
    if (event.type === 'step' && event.value.op === 'open') listens.set(event.value.link, event.value.listenAddresses ?? []);
    if (event.type === 'step' && event.value.op === 'behave' && event.value.peer !== undefined) {
      listensOf.set(trace.peerIds[event.value.peer] ?? '', event.value.listenAddresses ?? []);
    }
    if (event.type === 'linkUp') links.set(event.link, event);
    const link = event.type === 'sessionUp' ? links.get(event.link) : undefined;
    if (event.type !== 'sessionUp' || link === undefined || !event.capabilities.includes('dht/1')) return;
    const end = trace.events.findIndex((other, at) => at > index && other.type === 'closed' && other.link === event.link);
    spans.push({
      link: event.link,
      peerId: link.peerId,
      host: hostIn(link.address),
      listens: listens.get(event.link) ?? listensOf.get(link.peerId) ?? [],
      event: index,
      atMs: event.atMs,
      toEvent: end < 0 ? trace.events.length : end,
      toMs: end < 0 ? trace.endMs : (trace.events[end]?.atMs ?? trace.endMs),
    });
  });
  return spans;
}

interface Placed {
  readonly by: 'kit' | 'node';
  readonly frame: SeenFrame;
  readonly link: number | undefined;
  readonly endpoint: string | undefined;
  readonly cookie: string | undefined;
  readonly proved: string | undefined;
  readonly event: number;
  readonly atMs: number;
}

function placedOf(trace: Trace): readonly Placed[] {
  return trace.events.flatMap((event, index): Placed[] => {
    const at = { event: index, atMs: event.atMs };
    const none = { link: undefined, endpoint: undefined, cookie: undefined, proved: undefined };
    if (event.type === 'frame') return [{ ...none, ...at, by: 'node', frame: event.frame, link: event.link }];
    if (event.type === 'sentFrame') return [{ ...none, ...at, by: 'kit', frame: event.frame, link: event.link }];
    if (event.type !== 'datagram' && event.type !== 'sentDatagram') return [];
    const { frame, cookie, proof } = event.datagram;
    if (frame === undefined) return [];
    const endpoint = event.type === 'datagram' ? event.to : event.from;
    const proved = proof?.valid === true ? proof.peerId : undefined;
    return [{ ...none, ...at, by: event.type === 'datagram' ? 'node' : 'kit', frame, endpoint, cookie, proved }];
  });
}

/** Kinds of this chapter. */
function isDht(kind: number): boolean {
  return kind >= 70 && kind <= 92;
}

function exchangesOf(trace: Trace, spans: readonly DhtSpan[]): readonly Exchange[] {
  const placed = placedOf(trace);
  const asked = new Set<string>();
  return placed.flatMap((question): Exchange[] => {
    const rule = frameRule(question.frame.kind);
    const { body } = question.frame;
    if (!isDht(question.frame.kind) || rule?.requestId !== 'request' || body?.type !== 'message') return [];
    // A question that is sent again, with a token or because nothing came, is one question.
    const name = `${question.by} ${question.endpoint ?? question.link} ${question.cookie ?? ''} ${question.frame.requestId}`;
    if (question.endpoint !== undefined && asked.has(name)) return [];
    asked.add(name);
    const reply = placed.find(
      (other) =>
        other.event > question.event &&
        other.by !== question.by &&
        other.link === question.link &&
        other.endpoint === question.endpoint &&
        other.frame.kind === rule.answeredBy &&
        other.frame.requestId === question.frame.requestId &&
        other.cookie === question.cookie,
    );
    const span = spans.findLast((one) => one.link === question.link && one.event < question.event);
    const behind = trace.events.slice(0, question.event).findLast((event) => event.type === 'linkUp' && event.link === question.link);
    const linkPeer = behind?.type === 'linkUp' ? behind.peerId : undefined;
    const replied = reply?.frame.body;
    return [
      {
        by: question.by,
        message: body.message,
        fields: body.fields,
        link: question.link,
        endpoint: question.endpoint,
        peerId: span?.peerId ?? linkPeer ?? reply?.proved ?? peerAt(trace, spans, placed, question.endpoint),
        host: span?.host ?? hostIn(question.endpoint ?? ''),
        event: question.event,
        atMs: question.atMs,
        answer:
          reply === undefined || (question.by === 'node' && question.endpoint !== undefined && reply.proved === undefined)
            ? undefined
            : {
                message: frameRule(reply.frame.kind)?.name ?? '',
                fields: replied?.type === 'message' ? replied.fields : undefined,
                event: reply.event,
                atMs: reply.atMs,
                size: bodySize(reply.frame),
              },
      },
    ];
  });
}

/** Who is at an endpoint: the label of a behaviour there, whoever says so of himself, or of whom a reply of the kit says so. */
function peerAt(trace: Trace, spans: readonly DhtSpan[], placed: readonly Placed[], endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const text = `udp://${endpoint}`;
  const own = spans.find(({ listens }) => listens.includes(text));
  if (own !== undefined) return own.peerId;
  for (const event of trace.events) {
    if (event.type !== 'step' || event.value.op !== 'behave' || event.value.peer === undefined) continue;
    const at = typeof event.value.at === 'string' ? [event.value.at] : (event.value.at ?? []);
    if (at.includes(endpoint)) return trace.peerIds[event.value.peer];
  }
  for (const { by, frame } of placed) {
    if (by !== 'kit' || frame.body?.type !== 'message') continue;
    const contact = messagesIn(frame.body.fields, 'contacts').find((one) =>
      messagesIn(one, 'addresses').some((address) => addressIn(address) === text),
    );
    if (contact !== undefined) return textIn(contact, 'peerId');
  }
  return undefined;
}

function bodySize({ raw, kind, requestId }: SeenFrame): number {
  const varint = (number: number): number => (number < 128 ? 1 : 1 + varint(Math.floor(number / 128)));
  const rest = varint(kind) + varint(requestId);
  const whole = raw.length / 2;
  // The length field counts what follows it.
  for (const lengthBytes of [1, 2, 3]) if (varint(whole - lengthBytes) === lengthBytes) return whole - lengthBytes - rest;
  return whole;
}

/** The nearest contacts of a table. */
export function nearestOf(table: readonly Bucket[], target: string, without: string | undefined): readonly string[] {
  const ids = table.flatMap(({ entries }) => entries);
  return byDistance(unhex(target), ids)
    .map((id) => Buffer.from(id).toString('hex'))
    .filter((id) => id !== without);
}

/** The bucket of an id at the node. */
export function bucketOf(view: DhtView, peerId: string): number | undefined {
  return bucketIndex(unhex(view.trace.nodePeerId), unhex(peerId));
}

/** A short form of an id for findings. */
export function short(id: string): string {
  return `${id.slice(0, 8)}…`;
}

/** The bytes of an envelope field. */
export function envelopeBytes(fields: SeenFields, field: string): string {
  return envelopeIn(fields, field)?.bytes ?? textIn(fields, field);
}
