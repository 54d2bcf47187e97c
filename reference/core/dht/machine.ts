/** The dht machine: which input goes to which part, and when the next one is due. Spec: chapter 08 */
import { assertNever } from '../errors.ts';
import type { Machine } from '../machine.ts';
import { CAPABILITY_DHT, type LinkId, type MonoMs, type PeerId } from '../types.ts';
import { type Decoded, idBytes } from '../wire/body.ts';
import { decodeFindNodeReply, decodeGetProvidersReply, decodeGetValueReply, decodeNothing, decodeWriteReply } from '../wire/dht-body.ts';
import { KIND_FIND_NODE_REPLY, KIND_GET_PROVIDERS_REPLY, KIND_GET_VALUE_REPLY } from '../wire/frame.ts';
import { addressOfEndpoint, type Host, hostOfText, parseIp } from './address.ts';
import { answerQuestion } from './answering.ts';
import { dialDeadline, expireDials, onDialEnded, onSession, takeQuestion } from './asking.ts';
import type { DhtInput, DhtOptions, DhtOutput } from './contract.ts';
import { findPeer, onFindings, onNoFindings } from './lookups.ts';
import { publishDeadline, publishDue } from './publishing.ts';
import { onRequest } from './requests.ts';
import { addCandidate, contactAt, createDhtState, type DhtState, failed, hearOf, networkSizeOf, type Question, seen } from './state.ts';
import { onTexts, runUpkeep, upkeepDeadline } from './upkeep.ts';
import { describeDht } from './view.ts';

export type { DhtInput, DhtOptions, DhtOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface DhtMachine extends Machine<DhtInput, DhtOutput> {
  /** An estimate of the number of nodes; 0 while there is none. */
  networkSize(): number;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine; without hints and sessions it waits. */
export function createDht(options: DhtOptions): DhtMachine {
  const state = createDhtState(options);
  const isOn = options.params['dht.mode'] === 'on';
  return {
    handle(input, now) {
      if (!isOn) return refuse(input);
      state.nowMs = now.monoMs;
      state.wallMs = now.wallMs;
      take(state, input);
      expireDials(state);
      publishDue(state);
      runUpkeep(state);
      failUnaskable(state);
      return state.out.splice(0);
    },
    deadline: () => (isOn ? nextDeadline(state) : undefined),
    networkSize: () => networkSizeOf(state),
    view: () => describeDht(state),
  };
}

/** What a node without the DHT says. */
function refuse(input: DhtInput): readonly DhtOutput[] {
  if (input.type === 'local') return [{ type: 'outcome', token: input.token, outcome: { type: 'dht.refused', code: 'E_DHT_FORM' } }];
  if (input.type === 'wantContact') return [{ type: 'contactFound', peer: input.peer, addresses: [] }];
  return [];
}

function take(state: DhtState, input: DhtInput): void {
  switch (input.type) {
    case 'sessionUp':
      beginSession(state, input);
      return;
    case 'sessionDown':
      state.sessions.delete(input.link);
      if (state.linkOf.get(input.peer) === input.link) state.linkOf.delete(input.peer);
      return;
    case 'frame':
      onFrame(state, input);
      return;
    case 'datagramAsked':
      onDatagram(state, input);
      return;
    case 'answered':
    case 'answeredByDatagram':
      onAnswer(state, input);
      return;
    case 'unanswered': {
      const question = takeQuestion(state, input.ask);
      if (question !== undefined) onSilence(state, question);
      return;
    }
    case 'dialEnded':
      onDialEnded(state, input.address, input.expected);
      return;
    case 'local':
      if (input.request.type.startsWith('dht.')) onRequest(state, input.token, input.request as Parameters<typeof onRequest>[2]);
      return;
    case 'resolved':
      onTexts(state, input.texts);
      return;
    case 'wantContact':
      findPeer(state, input.peer, idBytes(input.peer), (contact) => {
        state.out.push({ type: 'contactFound', peer: input.peer, addresses: contact?.addresses ?? [] });
      });
      return;
    case 'wantPeers':
      offerPeers(state, input.count);
      return;
    case 'rtt':
    case 'overrun':
    case 'tick':
      return;
    default:
      assertNever(input);
  }
}

function beginSession(state: DhtState, input: Extract<DhtInput, { readonly type: 'sessionUp' }>): void {
  const host = input.capabilities.has(CAPABILITY_DHT) ? hostOfText(input.address) : undefined;
  if (host === undefined) return;
  const { link, peer } = input;
  const contact = contactAt(state, peer, input.listenAddresses, host);
  state.sessions.set(link, { link, peer, host, contact });
  state.linkOf.set(peer, link);
  if (contact !== undefined) seen(state, contact);
  onSession(state, peer, link);
}

function onFrame(state: DhtState, { link, kind, requestId, body }: Extract<DhtInput, { readonly type: 'frame' }>): void {
  const session = state.sessions.get(link);
  if (session === undefined) return;
  const asker = { peer: session.peer, host: session.host, bodyBytesMax: Number.POSITIVE_INFINITY, byDatagram: false };
  const answer = answerQuestion(state, asker, kind, body);
  if (answer === undefined) return;
  if (answer.ok) state.out.push({ type: 'answer', link, requestId, ...answer.value });
  else close(state, link, session.peer, answer);
}

type Fault = Extract<Decoded<never>, { readonly ok: false }>;

/** Spec: DHT-082 */
function close(state: DhtState, link: LinkId, peer: PeerId, { code, clause }: Fault): void {
  state.out.push({ type: 'violation', link, peer, code, clause });
  state.out.push({ type: 'closeSession', link, code, clause });
}

function onDatagram(state: DhtState, input: Extract<DhtInput, { readonly type: 'datagramAsked' }>): void {
  const host = parseIp(input.from.ip);
  if (host === undefined) return;
  const answer = answerQuestion(
    state,
    { peer: undefined, host, bodyBytesMax: input.bodyBytesMax, byDatagram: true },
    input.kind,
    input.body,
  );
  if (answer?.ok === true) state.out.push({ type: 'answerByDatagram', handle: input.handle, ...answer.value });
}

type Answered = Extract<DhtInput, { readonly type: 'answered' | 'answeredByDatagram' }>;

/** Who answered, and from where. Spec: DHT-080 */
interface Answerer {
  readonly peer: PeerId;
  readonly host: Host;
  readonly link: LinkId | undefined;
}

function answererOf(state: DhtState, input: Answered): Answerer | undefined {
  if (input.type === 'answered') {
    const session = state.sessions.get(input.link);
    return session === undefined ? undefined : { peer: session.peer, host: session.host, link: input.link };
  }
  const host = parseIp(input.from.ip);
  return host === undefined ? undefined : { peer: input.peer, host, link: undefined };
}

function onAnswer(state: DhtState, input: Answered): void {
  const question = takeQuestion(state, input.ask);
  const from = answererOf(state, input);
  if (question === undefined) return;
  const isAsked = from !== undefined && from.peer !== state.options.self && from.peer === (question.contact?.peer ?? from.peer);
  const fault = isAsked ? readAnswer(state, question, from, input) : undefined;
  if (isAsked && fault === undefined) return;
  if (from !== undefined && fault !== undefined) {
    // What came by datagram is dropped, and held against nobody (WIR-112, WIR-115).
    if (from.link !== undefined) {
      state.out.push({ type: 'misbehaved', peer: from.peer, code: fault.code, clause: fault.clause });
      close(state, from.link, from.peer, fault);
    }
  }
  onSilence(state, question);
}

/** Takes an answer in order; gives the rule that its body breaks. */
function readAnswer(state: DhtState, question: Question, from: Answerer, input: Answered): Fault | undefined {
  const { purpose } = question;
  switch (purpose.type) {
    case 'check': {
      const read = decodeNothing(input.body);
      if (!read.ok) return read;
      noteAnswer(state, question, from, input);
      return undefined;
    }
    case 'write': {
      const read = decodeWriteReply(input.body);
      if (!read.ok) return read;
      noteAnswer(state, question, from, input);
      purpose.done(read.value.code === 0);
      return undefined;
    }
    case 'hint':
    case 'turn': {
      const read = decodeFindings(input.kind, input.body);
      if (!read.ok) return read;
      noteAnswer(state, question, from, input);
      if (purpose.type === 'turn') onFindings(state, purpose, read.value, from.host);
      else {
        for (const named of read.value.contacts) {
          const contact = hearOf(state, named, from.host);
          if (contact !== undefined) addCandidate(state, contact);
        }
      }
      return undefined;
    }
    default:
      return assertNever(purpose);
  }
}

function decodeFindings(kind: number, body: Uint8Array): ReturnType<typeof decodeFindNodeReply> {
  switch (kind) {
    case KIND_FIND_NODE_REPLY:
      return decodeFindNodeReply(body);
    case KIND_GET_PROVIDERS_REPLY:
      return decodeGetProvidersReply(body);
    case KIND_GET_VALUE_REPLY:
      return decodeGetValueReply(body);
    default:
      return { ok: false, code: 'E_MALFORMED', clause: 'DHT-082' };
  }
}

/** Who answered is seen: by a session as its hello says, by datagram at its source. Spec: DHT-020 */
function noteAnswer(state: DhtState, { contact }: Question, from: Answerer, input: Answered): void {
  const session = from.link === undefined ? undefined : state.sessions.get(from.link);
  if (session !== undefined) {
    if (session.contact !== undefined) seen(state, session.contact);
    return;
  }
  const source = input.type === 'answeredByDatagram' ? addressOfEndpoint(input.from) : undefined;
  const claimed = [...(source === undefined ? [] : [source]), ...(contact?.addresses ?? [])];
  const answered = contactAt(state, from.peer, claimed, from.host);
  if (answered !== undefined) seen(state, answered);
}

/** Spec: DHT-028, DHT-087 */
function onSilence(state: DhtState, { contact, purpose }: Question): void {
  if (contact !== undefined) failed(state, contact);
  if (purpose.type === 'turn') onNoFindings(state, purpose);
  else if (purpose.type === 'write') purpose.done(false);
}

/** Failing one question may make another that cannot be asked; each lookup asks a bounded number. */
function failUnaskable(state: DhtState): void {
  for (let question = state.unaskable.shift(); question !== undefined; question = state.unaskable.shift()) onSilence(state, question);
}

/** Contacts of the table by chance, for the topology. */
function offerPeers(state: DhtState, count: number): void {
  const contacts = state.table.buckets().flatMap(({ entries }) => entries.map(({ contact }) => contact));
  for (const { peer, addresses } of state.options.rng.shuffle(contacts).slice(0, count)) {
    state.out.push({ type: 'candidate', peer, addresses });
  }
}

function nextDeadline(state: DhtState): MonoMs | undefined {
  const moments = [dialDeadline(state), publishDeadline(state), upkeepDeadline(state)].filter((at) => at !== undefined);
  return moments.length === 0 ? undefined : Math.min(...moments);
}
