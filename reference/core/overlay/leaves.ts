/** A supernode and its leaves. Spec: OVL-019 to OVL-024 */
import type { MonoMs } from '../types.ts';
import { KIND_ATTACHED, KIND_DETACH } from '../wire/frame.ts';
import { encodeAttached, encodeDetach } from '../wire/overlay-body.ts';
import { chooseAlternatives } from './alternatives.ts';
import type { OverlayLink, OverlayState } from './state.ts';

/** Answers an Attach. Spec: OVL-020 to OVL-022 */
export function answerAttach(state: OverlayState, { link, peer }: OverlayLink, requestId: number, nowMs: MonoMs): void {
  const others = state.leaves.size - (state.leaves.has(link) ? 1 : 0);
  const accepted = state.role === 'supernode' && others < state.options.params['overlay.leaves_max'];
  if (accepted) state.leaves.add(link);
  else state.refusedAtMs = nowMs;
  const alternatives = accepted ? [] : chooseAlternatives(state, peer);
  state.effects.push({ type: 'answer', link, requestId, kind: KIND_ATTACHED, body: encodeAttached({ accepted, alternatives }) });
}

/** Sends every leaf away, each with alternatives. Spec: OVL-019 */
export function releaseLeaves(state: OverlayState): void {
  for (const id of [...state.leaves].sort((a, b) => a - b)) {
    const link = state.links.get(id);
    if (link === undefined) continue;
    const body = encodeDetach({ alternatives: chooseAlternatives(state, link.peer) });
    state.effects.push({ type: 'sendFrame', link: id, kind: KIND_DETACH, body });
  }
  state.leaves.clear();
}
