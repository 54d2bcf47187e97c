/** Plans and traces in words: a readable line for each step, and the arrows of a message sequence diagram. */
import type {
  BodySpec,
  BytesValue,
  EnvelopeSpec,
  FrameSpec,
  HandshakeDefect,
  IdValue,
  NumberValue,
  OriginValue,
  Plan,
  Step,
} from '../driver/plan.ts';
import type { SeenBody, SeenDatagram, SeenFields, SeenFrame, SeenValue, Trace, TraceEvent } from '../driver/trace.ts';
import type { DiagramLine } from '../report/result.ts';

/** Characters of a byte string that are shown. */
const HEX_SHOWN_MAX = 24;
/** Arrows of a diagram; the middle is left out of longer traces. */
const ARROWS_MAX = 120;

/** One line for each step, and one before them for a setup that departs from the usual. */
export function describePlan(plan: Plan): string[] {
  const setup: string[] = [];
  if (plan.setup.stakes === true) setup.push('stakes');
  for (const [label, amount] of Object.entries(plan.setup.stakeAmounts ?? {})) setup.push(`stake of ${label} = ${amount}`);
  if (plan.setup.applicationValidation === true) setup.push('application validation');
  for (const [key, value] of Object.entries(plan.setup.overrides ?? {})) setup.push(`${key} = ${value}`);
  const steps = plan.steps.map((step, index) => `${index}. ${describeStep(step)}`);
  return setup.length > 0 ? [`setup: ${setup.join(', ')}`, ...steps] : steps;
}

/** A step as a sentence in the imperative, for example `link 1: send Prune [alice] for 60000 ms`. */
export function describeStep(step: Step): string {
  switch (step.op) {
    case 'open':
      return `open ${step.mode === 'raw' ? 'a raw connection' : 'a session'} with ${step.peer} as link ${step.link}${step.direction === 'outbound' ? ', dialled by the node' : ''}${step.capabilities === undefined ? '' : `, offering ${step.capabilities.join(' ') || 'nothing'}`}`;
    case 'handshake':
      return `link ${step.link}: run the handshake${step.defect === undefined ? '' : ` with defect ${describeDefect(step.defect)}`}`;
    case 'frames':
      return `link ${step.link}: send ${step.frames.map(describeFrame).join(', ') || 'nothing'}${step.tail === undefined ? '' : ` then bytes ${shorten(step.tail)}`}`;
    case 'plaintext':
      return `link ${step.link}: send plaintext ${shorten(step.bytes)}${step.spoil === undefined ? '' : `, sealed message spoilt: ${step.spoil.kind}`}`;
    case 'raw':
      return `link ${step.link}: send ${step.text === true ? 'text' : 'raw'} message ${describeRaw(step.bytes)}${step.unfinished === true ? ', without an end' : ''}`;
    case 'upgrade':
      return `link ${step.link}: ask for a WebSocket with ${step.subprotocols.join(', ') || 'no subprotocol'}${step.extensions === undefined ? '' : ` and ${step.extensions}`}`;
    case 'advance':
      return `let ${step.ms} ms pass${step.pongs === false ? ' without answering Pings' : ''}`;
    case 'publish':
      return `the node publishes ${describeData(step.data)} on ${step.topic}`;
    case 'closeLink':
      return `link ${step.link}: end the connection`;
    case 'connect':
      return `the node connects to ${step.address}${step.expected === undefined ? '' : `, expecting ${step.expected}`}`;
    case 'validated':
      return `the application answers question ${step.index} with ${step.verdict}`;
    case 'dialFailed':
      return `the dial${step.dialled === undefined ? '' : ` to ${step.dialled}`} comes to nothing`;
    case 'resolved':
      return `the name ${step.name} stands for ${step.texts.length} texts`;
    case 'command':
      return `the application asks for ${step.command} (${step.label})`;
    case 'datagram':
      return `${step.from}: send datagram ${describeFrame(step.frame)}${step.defect === undefined ? '' : ` with defect ${step.defect.kind}`}`;
    case 'rawDatagram':
      return `${step.from}: send datagram ${shorten(JSON.stringify(step.bytes))}`;
    case 'behave':
      return `${step.link === undefined ? [step.at].flat().join(', ') : `link ${step.link}`}: ${step.peer ?? 'the peer'} behaves as ${step.as}`;
    case 'crash':
      return 'the node dies';
    case 'restart':
      return 'the node starts again';
  }
}

function describeDefect(defect: HandshakeDefect): string {
  const { kind, ...details } = defect;
  return Object.keys(details).length === 0 ? kind : `${kind} ${shorten(JSON.stringify(details), 80)}`;
}

function describeRaw(bytes: Extract<Step, { op: 'raw' }>['bytes']): string {
  if (typeof bytes === 'string') return shorten(bytes);
  return 'size' in bytes ? `of ${bytes.size} bytes` : 'sent last, again';
}

function describeFrame(frame: FrameSpec): string {
  const extras = [
    ...(frame.kind === undefined ? [] : [`kind ${frame.kind}`]),
    ...(frame.requestId === undefined ? [] : [`request ${describeNumber(frame.requestId)}`]),
  ];
  return `${describeBody(frame.body)}${extras.length === 0 ? '' : ` (${extras.join(', ')})`}`;
}

/** Characters of a message's fields as they stand in the plan. */
const FIELDS_SHOWN_MAX = 160;

function describeBody(body: BodySpec): string {
  switch (body.type) {
    case 'Ping':
    case 'Pong':
      return `${body.type} ${describeBytes(body.nonce)}`;
    case 'GoAway':
      return `GoAway ${body.code}${body.retryAfterMs === undefined ? '' : ` retry after ${describeNumber(body.retryAfterMs)} ms`}`;
    case 'Push':
      return `Push ${body.topic} [${body.items.map(({ hops, envelope }) => `${describeEnvelope(envelope)}${hops === 0 ? '' : ` hops ${hops}`}`).join(', ')}]`;
    case 'Direct':
      return `Direct ${body.topic} [${body.envelopes.map(describeEnvelope).join(', ')}]`;
    case 'Prune':
      return `Prune [${body.origins.map(describeOrigin).join(', ')}] for ${describeNumber(body.backoffMs)} ms`;
    case 'Graft':
      return `Graft [${body.origins.map(describeOrigin).join(', ')}]`;
    case 'Ihave':
      return `Ihave ${body.topic} [${body.ids.map(describeId).join(', ')}]`;
    case 'Iwant':
    case 'Idontwant':
      return `${body.type} [${body.ids.map(describeId).join(', ')}]`;
    case 'message':
      return `${body.message} ${shorten(JSON.stringify(body.fields), FIELDS_SHOWN_MAX)}`;
    case 'raw':
      return `body ${shorten(body.bytes)}`;
  }
}

function describeEnvelope(envelope: EnvelopeSpec): string {
  const defect = envelope.defect === undefined ? '' : ` with defect ${envelope.defect.kind}`;
  return `${envelope.name} of ${envelope.origin}${envelope.ageMs === 0 ? '' : ` aged ${envelope.ageMs} ms`}${defect}`;
}

const describeOrigin = (origin: OriginValue): string =>
  typeof origin === 'string' ? shorten(origin) : 'zero' in origin ? 'all without stake' : origin.label;

const describeId = (id: IdValue): string => (typeof id === 'string' ? shorten(id) : 'of' in id ? id.of.name : id.ref);

const describeBytes = (value: BytesValue): string => (typeof value === 'string' ? shorten(value) : value.ref);

const describeNumber = (value: NumberValue): string => (typeof value === 'object' ? value.ref : String(value));

const describeData = (data: string | { readonly size: number }): string =>
  typeof data === 'string' ? shorten(data) : `${data.size} bytes`;

function shorten(text: string, max = HEX_SHOWN_MAX): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length})`;
}

/** The trace as arrows between the kit's peers and the node. `markedEvent` is the index of the event at which it went wrong. */
export function drawDiagram(trace: Trace, markedEvent: number | undefined): DiagramLine[] {
  const peers = new Map<number, string>();
  const lines: DiagramLine[] = [];
  for (const [index, event] of trace.events.entries()) {
    if (event.type === 'linkUp') peers.set(event.link, event.peer);
    const arrow = arrowOf(event, peers);
    if (arrow !== undefined) lines.push({ atMs: event.atMs, ...arrow, marked: index === markedEvent });
  }
  return shortenDiagram(lines);
}

function arrowOf(event: TraceEvent, peers: ReadonlyMap<number, string>): Pick<DiagramLine, 'from' | 'to' | 'label'> | undefined {
  const node = 'node';
  const peer = 'link' in event ? `${peers.get(event.link) ?? 'peer'} (${event.link})` : 'application';
  switch (event.type) {
    case 'step':
      return event.value.op === 'publish' ? { from: peer, to: node, label: `publish ${event.value.topic}` } : undefined;
    case 'linkUp':
      return event.direction === 'inbound' ? { from: peer, to: node, label: 'connects' } : { from: node, to: peer, label: 'connects' };
    case 'sessionUp':
      return { from: node, to: peer, label: `session with ${event.capabilities.join(' ') || 'no capability'}` };
    case 'handshakeFailed':
      return { from: node, to: peer, label: `no session: ${event.reason}` };
    case 'sentFrame':
      return { from: peer, to: node, label: nameFrame(event.frame) };
    case 'sentRaw':
      return { from: peer, to: node, label: `${event.text ? 'text' : (event.role ?? 'bytes')} ${shorten(event.bytes)}` };
    case 'notSent':
      return { from: peer, to: node, label: `not sent: ${event.reason ?? 'the connection is gone'}` };
    case 'frame':
      return { from: node, to: peer, label: nameFrame(event.frame) };
    case 'message':
      return { from: node, to: peer, label: `${event.role} ${shorten(event.bytes)}` };
    case 'closed':
      return event.by === 'node'
        ? { from: node, to: peer, label: `closes${event.code === undefined ? '' : ` with ${event.code}`}` }
        : { from: peer, to: node, label: 'closes' };
    case 'upgraded':
      return {
        from: node,
        to: peer,
        label: `answers the upgrade with ${event.status}${event.subprotocol === undefined ? '' : ` ${event.subprotocol}`}`,
      };
    case 'dial':
      return { from: node, to: 'network', label: `dials ${event.address}` };
    case 'deliver':
      return { from: node, to: peer, label: `delivers ${shorten(event.id)}` };
    case 'validate':
      return { from: node, to: peer, label: `asks about ${shorten(event.id)}` };
    case 'verdict':
      return {
        from: node,
        to: node,
        label: `${event.verdict}${event.code === '' ? '' : ` ${event.code}`}${event.clause === '' ? '' : ` ${event.clause}`}`,
      };
    case 'datagram':
      return { from: node, to: event.to, label: nameDatagram(event.datagram) };
    case 'sentDatagram':
      return { from: event.from, to: node, label: nameDatagram(event.datagram) };
    case 'sentCommand':
      return { from: peer, to: node, label: `${event.command} (${event.label})` };
    case 'outcome':
      return {
        from: node,
        to: peer,
        label: `${event.command} (${event.label}): ${event.error === '' ? `${event.values.length} values` : event.error}`,
      };
    case 'notice':
      return { from: node, to: peer, label: `${event.notice} ${event.values.map((value) => shorten(value, 16)).join(' ')}` };
    case 'resolve':
      return { from: node, to: 'network', label: `looks up ${event.name}` };
    case 'crashed':
      return { from: node, to: node, label: 'dies' };
    case 'restarted':
      return { from: node, to: node, label: 'starts again' };
  }
}

function nameDatagram({ frame, fault, bytes }: SeenDatagram): string {
  const what = frame === undefined ? shorten(bytes) : nameFrame(frame);
  return `datagram ${what}${fault === undefined ? '' : ` (${fault.clause})`}`;
}

function nameFrame(frame: SeenFrame): string {
  const request = frame.requestId === 0 ? '' : ` request ${frame.requestId}`;
  return frame.body === undefined ? `kind ${frame.kind}, not well-formed${request}` : `${nameBody(frame.body, frame.kind)}${request}`;
}

function nameBody(body: SeenBody, kind: number): string {
  switch (body.type) {
    case 'Ping':
    case 'Pong':
      return `${body.type} ${shorten(body.nonce)}`;
    case 'GoAway':
      return `GoAway ${body.code}`;
    case 'Push':
      return `Push ${body.topic} [${body.items.map(({ envelope }) => envelope.name ?? shorten(envelope.id ?? envelope.hash, 8)).join(', ')}]`;
    case 'Direct':
      return `Direct ${body.topic} [${body.envelopes.map((envelope) => envelope.name ?? shorten(envelope.id ?? envelope.hash, 8)).join(', ')}]`;
    case 'Prune':
      return `Prune ${body.origins.length} for ${body.backoffMs} ms`;
    case 'Graft':
      return `Graft ${body.origins.length}`;
    case 'Ihave':
      return `Ihave ${body.topic} [${body.ids.map((id) => shorten(id, 8)).join(', ')}]`;
    case 'Iwant':
    case 'Idontwant':
      return `${body.type} [${body.ids.map((id) => shorten(id, 8)).join(', ')}]`;
    case 'message':
      return `${body.message} ${nameFields(body.fields)}`;
    case 'unknown':
      return `kind ${kind}`;
  }
}

// Each field in a few characters: lists by their length, bytes cut short.
function nameFields(fields: SeenFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== '' && value !== 0n && value !== 0 && value !== false)
    .map(([name, value]) => `${name} ${nameValue(value)}`)
    .join(', ');
}

function nameValue(value: SeenValue): string {
  if (typeof value === 'string') return shorten(value, 8);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.length}]`;
  if ('hash' in value && 'bytes' in value) return String(value.name ?? shorten(String(value.id ?? value.hash), 8));
  return `{${Object.keys(value).length}}`;
}

// Keeps the beginning, where the situation is set up, and what surrounds the marked arrow or the end.
function shortenDiagram(lines: DiagramLine[]): DiagramLine[] {
  if (lines.length <= ARROWS_MAX) return lines;
  const marked = lines.findIndex((line) => line.marked);
  const end = marked < 0 ? lines.length : Math.min(lines.length, marked + 10);
  const head = lines.slice(0, 20);
  const tail = lines.slice(Math.max(20, end - (ARROWS_MAX - 21)), end);
  const left = lines.length - head.length - tail.length;
  const gap: DiagramLine = { atMs: tail[0]?.atMs ?? 0, from: '…', to: '…', label: `${left} more`, marked: false };
  return [...head, gap, ...tail];
}
