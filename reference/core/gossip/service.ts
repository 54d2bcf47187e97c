/** What links and the node itself have done, counted for those who choose by it. Spec: chapter 09, "Roles" and "Observation" */
import type { LinkService, OwnService } from '../ports.ts';
import type { LinkId, PeerId } from '../types.ts';

/** Origins that are told apart on one link. */
const ORIGINS_MAX = 1024;

class LinkCounts implements LinkService {
  pushedBytes = 0;
  delivered = 0;
  firsts = 0;
  failed = 0;
  heard = 0;
  readonly origins = new Set<PeerId>();
}

/** Counts of all open links, and of the node. Nothing outlives its link. */
export class Service implements OwnService {
  carriedBytes = 0;
  accepted = 0;
  answered = 0;
  missed = 0;
  readonly #links = new Map<LinkId, LinkCounts>();

  open(link: LinkId): void {
    this.#links.set(link, new LinkCounts());
  }

  forgetLink(link: LinkId): void {
    this.#links.delete(link);
  }

  /** The counts of an open link. */
  of(link: LinkId): LinkService | undefined {
    return this.#links.get(link);
  }

  countPush(link: LinkId, bytes: number): void {
    const counts = this.#links.get(link);
    if (counts !== undefined) counts.pushedBytes += bytes;
  }

  countHeard(link: LinkId): void {
    const counts = this.#links.get(link);
    if (counts !== undefined) counts.heard += 1;
  }

  /** A message was accepted; `link` pushed it first. */
  countFirst(link: LinkId, origin: PeerId): void {
    this.accepted += 1;
    const counts = this.#links.get(link);
    if (counts === undefined) return;
    counts.firsts += 1;
    this.countDelivered(link, origin);
  }

  /** The link pushed a message that the node has taken. */
  countDelivered(link: LinkId, origin: PeerId): void {
    const counts = this.#links.get(link);
    if (counts === undefined) return;
    counts.delivered += 1;
    if (counts.origins.size < ORIGINS_MAX) counts.origins.add(origin);
  }

  /** A peer failed on one of its links. */
  countFailed(links: Iterable<LinkId>, count = 1): void {
    for (const link of links) {
      const counts = this.#links.get(link);
      if (counts !== undefined) counts.failed += count;
    }
  }
}
