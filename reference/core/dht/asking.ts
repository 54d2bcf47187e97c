/** How a question gets to a contact: by datagram, over a session, or over one that is dialled for it. Spec: DHT-080, DHT-087, DHT-088 */
import { Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { AskId, LinkId, MonoMs, PeerId } from '../types.ts';
import { addressText } from '../wire/contact.ts';
import { endpointOf } from './address.ts';
import type { Contact } from './contact.ts';
import type { DhtState, Dial, Question } from './state.ts';

/** Puts a question to its contact; whoever cannot be asked fails once the input has been worked off. */
export function put(state: DhtState, question: Question): void {
  const { contact } = question;
  if (contact === undefined) return;
  if (askByDatagram(state, question, contact)) return;
  const link = state.linkOf.get(contact.peer);
  if (link !== undefined) askOverSession(state, question, link);
  else waitForDial(state, question, contact);
}

function newAsk(state: DhtState, question: Question): AskId {
  const ask = state.nextAsk as AskId;
  state.nextAsk += 1;
  state.asks.set(ask, question);
  return ask;
}

/** Asks by datagram, if that is possible; says whether. */
export function askByDatagram(state: DhtState, question: Question, to: Pick<Contact, 'addresses'>): boolean {
  const { params } = state.options;
  if (params['datagram.mode'] !== 'on') return false;
  const endpoint = to.addresses.map(endpointOf).find((one) => one !== undefined);
  if (endpoint === undefined) return false;
  const { kind, body, contact } = question;
  const ask = newAsk(state, question);
  const timeoutMs = params['dht.datagram_timeout_ms'];
  state.out.push({ type: 'askByDatagram', ask, to: endpoint, peer: contact?.peer, kind, body, timeoutMs });
  return true;
}

function askOverSession(state: DhtState, question: Question, link: LinkId): void {
  const { kind, body } = question;
  const timeoutMs = state.options.params['dht.query_timeout_ms'];
  state.out.push({ type: 'ask', ask: newAsk(state, question), link, kind, body, timeoutMs });
}

function waitForDial(state: DhtState, question: Question, contact: Contact): void {
  const waiting = state.dials.get(contact.peer);
  if (waiting !== undefined) {
    waiting.questions.push(question);
    return;
  }
  if (dialText(contact) === undefined) {
    state.unaskable.push(question);
    return;
  }
  state.dials.set(contact.peer, { contact, questions: [question], untilMs: Number.POSITIVE_INFINITY, address: undefined });
  dialNext(state);
}

function dialText(contact: Contact): string | undefined {
  const dialable = contact.addresses.find(({ transport }) => transport === Transport.WS || transport === Transport.WSS);
  return dialable === undefined ? undefined : addressText(dialable);
}

/** Begins dials while there are not too many. Spec: DHT-088 */
function dialNext(state: DhtState): void {
  let active = [...state.dials.values()].filter((dial) => dial.address !== undefined).length;
  for (const dial of state.dials.values()) {
    if (active >= state.options.params['dht.dials_max']) return;
    const address = dial.address === undefined ? dialText(dial.contact) : undefined;
    if (address === undefined) continue;
    dial.address = address;
    dial.untilMs = state.nowMs + state.options.params['dht.query_timeout_ms'];
    active += 1;
    state.out.push({ type: 'connect', address, expected: dial.contact.peer });
  }
}

/** A session has come: what waited for it is asked. */
export function onSession(state: DhtState, peer: PeerId, link: LinkId): void {
  const dial = state.dials.get(peer);
  if (dial === undefined) return;
  state.dials.delete(peer);
  for (const question of dial.questions) askOverSession(state, question, link);
  dialNext(state);
}

/** A dial is over; without a session what waited for it fails. */
export function onDialEnded(state: DhtState, address: string, expected: PeerId | undefined): void {
  const dial = expected === undefined ? undefined : state.dials.get(expected);
  if (dial !== undefined && dial.address === address) giveUp(state, dial);
}

function giveUp(state: DhtState, dial: Dial): void {
  state.dials.delete(dial.contact.peer);
  state.unaskable.push(...dial.questions);
  dialNext(state);
}

/** Ends the waiting of dials that took too long. */
export function expireDials(state: DhtState): void {
  for (const dial of [...state.dials.values()]) if (dial.untilMs <= state.nowMs) giveUp(state, dial);
}

/** When the next dial has taken too long. */
export function dialDeadline(state: DhtState): MonoMs | undefined {
  let next: MonoMs | undefined;
  for (const { untilMs, address } of state.dials.values()) if (address !== undefined) next = Math.min(next ?? untilMs, untilMs);
  return next;
}

/** Takes the question that was answered, or was not. */
export function takeQuestion(state: DhtState, ask: AskId): Question | undefined {
  const question = state.asks.get(ask);
  state.asks.delete(ask);
  return question;
}
