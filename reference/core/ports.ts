/** Read-only ports between machines: what one lets another ask at any time. `node.ts` connects them. */
import type { LinkId, MessageId, PeerId } from './types.ts';

/** A message that gossip is about to push. */
export interface EagerMessage {
  readonly id: MessageId;
  readonly origin: PeerId;
  /** The link that brought it first; undefined for the node's own. */
  readonly from: LinkId | undefined;
  /** Hops of the copy that was taken, 0 for the node's own. */
  readonly hops: number;
}

/**
 * Chooses among the eligible gossip links, in ascending order, those on which gossip pushes a message at
 * once; undefined leaves the choice to the active set. Spec: chapter 09, "Eager links"
 */
export type EagerLinks = (message: EagerMessage, links: readonly LinkId[]) => readonly LinkId[] | undefined;

/** What gossip has seen the peer of one link do, since the session began. */
export interface LinkService {
  /** Bytes of Push bodies that came on it. */
  readonly pushedBytes: number;
  /** Messages that came first on it and were accepted, and copies that came right behind. */
  readonly delivered: number;
  /** Messages that came first on it and were accepted. */
  readonly firsts: number;
  /** Rejected envelopes and broken promises. */
  readonly failed: number;
  /** Pushes and Ihaves that came on it. */
  readonly heard: number;
  /** Origins of what was delivered, up to a bound. */
  readonly origins: ReadonlySet<PeerId>;
}

/** What the node itself has done in gossip, since it started. */
export interface OwnService {
  /** Bytes of Push and Direct bodies, both ways. */
  readonly carriedBytes: number;
  /** Messages accepted from peers. */
  readonly accepted: number;
  /** Ids of Iwants that were answered. */
  readonly answered: number;
  /** Ids of Iwants that had been announced on the link and could not be answered. */
  readonly missed: number;
}
