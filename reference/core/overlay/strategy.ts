/** The eager links of a message under each strategy, and following `auto`. Spec: OVL-001 to OVL-006, OVL-033 to OVL-037 */
import { assertNever } from '../errors.ts';
import type { EagerMessage } from '../ports.ts';
import type { LinkId } from '../types.ts';
import { bucketLinks, firstLinks, type Placed, spreadLinks } from './choice.ts';
import { type Words, wordsOf } from './distance.ts';
import type { OverlayState } from './state.ts';

/** The eager links among the eligible ones; undefined for the active links. */
export function chooseEagerLinks(state: OverlayState, message: EagerMessage, eligible: readonly LinkId[]): readonly LinkId[] | undefined {
  const { params } = state.options;
  switch (state.strategy) {
    case 'off':
      return undefined;
    case 'naive':
      return eligible;
    case 'kademlia':
      return bucketLinks(wordsOf(message.id), placed(state, eligible), params['overlay.bucket_links']);
    case 'supernode':
      return state.role === 'supernode' ? ofSupernode(state, wordsOf(message.id), eligible) : ofLeaf(state, message, eligible);
    default:
      return assertNever(state.strategy);
  }
}

function placed(state: OverlayState, links: readonly LinkId[]): readonly Placed<LinkId>[] {
  return links.flatMap((id) => {
    const link = state.links.get(id);
    return link === undefined ? [] : [{ link: id, distance: link.distance }];
  });
}

/** Attached supernodes that have shown to be such; what one of them brought, the others have or get from each other. */
function ofLeaf(state: OverlayState, { from }: EagerMessage, eligible: readonly LinkId[]): readonly LinkId[] | undefined {
  const supernodes = eligible.filter((id) => state.attachments.get(id)?.ask === undefined && isTakenAttachment(state, id));
  if (supernodes.length === 0) return undefined;
  return from !== undefined && supernodes.includes(from) ? [] : supernodes;
}

function isTakenAttachment(state: OverlayState, link: LinkId): boolean {
  return state.attachments.has(link) && state.links.get(link)?.isTaken === true;
}

function ofSupernode(state: OverlayState, messageId: Words, eligible: readonly LinkId[]): readonly LinkId[] {
  const { params } = state.options;
  const leaves = eligible.filter((id) => state.leaves.has(id));
  const others = eligible.filter((id) => !state.leaves.has(id));
  const choose = params['overlay.mesh'] === 'kademlia' ? spreadLinks : firstLinks;
  const fanout = params['overlay.mesh_fanout'];
  const supernodes = others.filter((id) => state.links.get(id)?.isTaken === true);
  const rest = others.filter((id) => state.links.get(id)?.isTaken !== true);
  const mesh = choose(messageId, placed(state, supernodes), fanout);
  const filled = choose(messageId, placed(state, rest), Math.max(0, fanout - mesh.length));
  return [...leaves, ...mesh, ...filled].sort((a, b) => a - b);
}
