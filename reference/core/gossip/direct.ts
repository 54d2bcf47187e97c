/** Peers without gossip, which are served directly. Spec: GSP-100 to GSP-104 */
import { CAPABILITY_DIRECT, CAPABILITY_GOSSIP, type LinkId, type MessageId, type MonoMs } from '../types.ts';
import type { KnownLinks } from './known.ts';

/** How a link is served: by gossip, by Direct frames, or, when the session has neither capability, not at all. */
export type LinkKind = 'gossip' | 'direct' | 'none';

/** Gossip comes before direct; the session's intersection never holds both (chapter 04). */
export function linkKindOf(capabilities: ReadonlySet<string>): LinkKind {
  if (capabilities.has(CAPABILITY_GOSSIP)) return 'gossip';
  return capabilities.has(CAPABILITY_DIRECT) ? 'direct' : 'none';
}

/** The direct links that have neither sent nor been sent the message. Spec: GSP-101, GSP-102 */
export function directTargets(directLinks: readonly LinkId[], known: KnownLinks, id: MessageId, nowMs: MonoMs): readonly LinkId[] {
  return directLinks.filter((link) => !known.has(link, id, nowMs));
}
