/** A leaf and its supernodes: asking, keeping, giving up. Spec: OVL-025 to OVL-029 */
import type { AskId, LinkId, MonoMs } from '../types.ts';
import { KIND_ATTACH, KIND_DETACH } from '../wire/frame.ts';
import { type Attached, encodeAttach, encodeDetach, type RoleName } from '../wire/overlay-body.ts';
import { dialAlternatives, isAside, rememberAlternatives, setAside } from './alternatives.ts';
import { compareWords } from './distance.ts';
import { observedScore } from './observation.ts';
import type { Attachment, OverlayState } from './state.ts';

/** Whether the node is one that wants supernodes. */
export function isLeaf(state: OverlayState): boolean {
  return state.role === 'leaf' || state.role === 'candidate';
}

/** Whom a leaf asks first. A candidate that is asked knows that it is needed; another leaf may name alternatives. */
const ASKED_ROLES: readonly RoleName[] = ['supernode', 'candidate', 'leaf'];

/** Fills missing attachments: asks supernodes, best observed first, in their absence candidates and leaves, and dials alternatives. Spec: OVL-025, OVL-026, OVL-029 */
export function seekSupernodes(state: OverlayState, nowMs: MonoMs): void {
  if (!isLeaf(state)) return;
  const missing = state.options.params['overlay.supernodes_per_leaf'] - state.attachments.size;
  if (missing <= 0) return;
  const free = [...state.links.values()].filter(
    ({ link, peer, isOverlay }) => isOverlay && !state.attachments.has(link) && !isAside(state, peer, nowMs),
  );
  const role = ASKED_ROLES.find((one) => free.some((link) => link.role === one));
  const asked = free
    .filter((link) => link.role === role)
    .map((link) => ({ link, score: observedScore(state, link, nowMs) }))
    .sort((a, b) => b.score - a.score || compareWords(a.link.distance, b.link.distance))
    .slice(0, missing);
  for (const { link } of asked) ask(state, link.link, nowMs);
  const supernodes = role === 'supernode' ? asked.length : 0;
  if (supernodes < missing) dialAlternatives(state, missing - supernodes, nowMs);
}

function ask(state: OverlayState, id: LinkId, nowMs: MonoMs): void {
  const link = state.links.get(id);
  if (link === undefined) return;
  const question = state.nextAsk as AskId;
  state.nextAsk += 1;
  state.attachments.set(id, { link: id, peer: link.peer, ask: question, heardAtMs: nowMs, heard: 0, others: 0 });
  state.effects.push({
    type: 'ask',
    ask: question,
    link: id,
    kind: KIND_ATTACH,
    body: encodeAttach(),
    timeoutMs: state.options.params['overlay.attach_timeout_ms'],
  });
}

/** The attachment whose question this is. */
function askedBy(state: OverlayState, question: AskId): Attachment | undefined {
  return [...state.attachments.values()].find((attachment) => attachment.ask === question);
}

/** Takes the answer to an Attach. A question that is no longer wanted was answered for nothing: what it accepted is given back. */
export function takeAnswer(state: OverlayState, question: AskId, link: LinkId, answer: Attached, nowMs: MonoMs): void {
  rememberAlternatives(state, answer.alternatives, nowMs);
  const attachment = askedBy(state, question);
  if (attachment === undefined) {
    if (answer.accepted) sayDetach(state, link);
    return;
  }
  if (!answer.accepted) {
    giveUp(state, attachment, nowMs);
    return;
  }
  attachment.ask = undefined;
  markHeard(state, attachment, nowMs);
}

/** The supernode is not silent: what counts begins anew. */
function markHeard(state: OverlayState, attachment: Attachment, nowMs: MonoMs): void {
  attachment.heardAtMs = nowMs;
  attachment.heard = state.options.serviceOf(attachment.link)?.heard ?? 0;
  attachment.others = othersOf(state, attachment.link);
}

/** An Attach was not answered in its time. */
export function takeSilence(state: OverlayState, question: AskId, nowMs: MonoMs): void {
  const attachment = askedBy(state, question);
  if (attachment === undefined) return;
  const link = state.links.get(attachment.link);
  if (link !== undefined) link.unanswered += 1;
  giveUp(state, attachment, nowMs);
}

/** Ends an attachment, sets the peer aside and looks for another. */
export function giveUp(state: OverlayState, attachment: Attachment, nowMs: MonoMs): void {
  state.attachments.delete(attachment.link);
  setAside(state, attachment.peer, nowMs);
  seekSupernodes(state, nowMs);
}

/** Ends an attachment and tells the supernode. */
export function detach(state: OverlayState, attachment: Attachment, nowMs: MonoMs): void {
  if (attachment.ask === undefined) sayDetach(state, attachment.link);
  giveUp(state, attachment, nowMs);
}

/** Ends every attachment: the node is no leaf any more. */
export function detachAll(state: OverlayState): void {
  const attachments = [...state.attachments.values()].sort((a, b) => a.link - b.link);
  state.attachments.clear();
  for (const { link, ask: question } of attachments) if (question === undefined) sayDetach(state, link);
}

function sayDetach(state: OverlayState, link: LinkId): void {
  state.effects.push({ type: 'sendFrame', link, kind: KIND_DETACH, body: encodeDetach({ alternatives: [] }) });
}

/** Messages that were accepted from other links than this one. */
function othersOf(state: OverlayState, link: LinkId): number {
  return state.options.ownService().accepted - (state.options.serviceOf(link)?.firsts ?? 0);
}

/** Gives up supernodes that bring nothing while others do. Spec: OVL-027 */
export function dropSilent(state: OverlayState, nowMs: MonoMs): void {
  const { params, serviceOf, isPruned } = state.options;
  for (const attachment of [...state.attachments.values()]) {
    if (attachment.ask !== undefined) continue;
    // What was pruned may well be silent.
    if ((serviceOf(attachment.link)?.heard ?? 0) > attachment.heard || isPruned(attachment.link)) {
      markHeard(state, attachment, nowMs);
      continue;
    }
    const others = othersOf(state, attachment.link);
    const isSilent =
      nowMs - attachment.heardAtMs >= params['overlay.silent_ms'] && others - attachment.others >= params['overlay.silent_messages'];
    if (isSilent) detach(state, attachment, nowMs);
  }
}
