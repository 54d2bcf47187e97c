/** Asking for what was announced and did not come. Spec: GSP-055 to GSP-058, GSP-095 */
import type { MonoMs, PeerId } from '../types.ts';
import type { Question } from './inventory.ts';
import { touch } from './standing.ts';
import type { GossipState } from './state.ts';

/** Counts the promises that ran out, then asks the next sources of all messages that are due. */
export function ask(state: GossipState, nowMs: MonoMs): void {
  // All of one moment together: one by one they would be forgotten one by one when the table of scores is full.
  const broken = new Map<PeerId, number>();
  for (let peer = state.inventory.takeBroken(nowMs); peer !== undefined; peer = state.inventory.takeBroken(nowMs)) {
    broken.set(peer, (broken.get(peer) ?? 0) + 1);
  }
  for (const [peer, count] of broken) {
    state.scores.countBroken(peer, nowMs, count);
    state.service.countFailed(state.linksOf.get(peer) ?? [], count);
    touch(state, peer);
  }
  for (let question = state.inventory.takeDue(nowMs); question !== undefined; question = state.inventory.takeDue(nowMs)) {
    if (state.seen.has(question.id, nowMs)) state.inventory.drop(question.id);
    else if (state.pending.get(question.id) === undefined) askNext(state, question, nowMs);
    // Else the application has a copy; its verdict drops the question or wakes it.
  }
}

/** Asks the first source that takes another id now; when all are full, waits until one does; when none is left, gives up. */
function askNext(state: GossipState, { id, sources }: Question, nowMs: MonoMs): void {
  let earliestMs: MonoMs | undefined;
  for (const source of sources) {
    const link = state.links.get(source);
    if (link === undefined) continue;
    if (link.iwantIdsOut.admit(1, nowMs) === 1) {
      state.inventory.ask(id, source, link.peer, nowMs);
      state.outbox.iwant(source, id);
      return;
    }
    earliestMs = Math.min(earliestMs ?? Number.POSITIVE_INFINITY, link.iwantIdsOut.endMs(nowMs));
  }
  if (earliestMs === undefined) state.inventory.drop(id);
  else state.inventory.postpone(id, earliestMs);
}
