/** Where hostile inputs meet a node: the links of its enemies, opened anew as the node closes them. */
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import type { Rng } from '../core/rng.ts';
import type { LinkId } from '../core/types.ts';
import { oneIn, pick } from './mutation.ts';
import type { Stock } from './stock.ts';
import type { Subject } from './subject.ts';

/** Hostile links have numbers from here on. */
const FIRST_LINK = 100;

const CAPABILITIES = [
  ['gossip/1'],
  ['gossip/1'],
  ['gossip/1'],
  ['gossip/1'],
  ['direct/1', 'gossip/1'],
  ['direct/1'],
  ['direct/1'],
  ['x-other/7'],
  ['dht/1', 'gossip/1'],
  ['dht/1'],
  ['gossip/1', 'mempool/1'],
  ['gossip/1', 'overlay/1'],
  ['gossip/1', 'records/1'],
  ['gossip/1', 'iblt/1', 'reconcile/1', 'records/1'],
  ['gossip/1', 'mempool/1', 'reconcile/1'],
  ['dht/1', 'direct/1', 'gossip/1', 'iblt/1', 'mempool/1', 'overlay/1', 'reconcile/1', 'records/1'],
] as const;

const NOTHING: ReadonlySet<string> = new Set();

/** How long to wait before an input: mostly not at all, sometimes long enough for a timer. */
const WAITS_MS = [0, 0, 0, 0, 0, 1, 7, 50, 200, 600] as const;

/** A subject and the hostile links to it. */
export class Arena {
  readonly subject: Subject;
  readonly rng: Rng;
  readonly stock: Stock;
  readonly plainLinks: LinkId[] = [];
  readonly rawLinks: LinkId[] = [];
  /** Hostile inputs given so far. */
  inputs = 0;
  readonly #capabilities = new Map<LinkId, ReadonlySet<string>>();
  #nextLink = FIRST_LINK;

  constructor(subject: Subject, rng: Rng, stock: Stock) {
    this.subject = subject;
    this.rng = rng;
    this.stock = stock;
  }

  /** What the session of an open plain link has; nothing on others. */
  capabilitiesOf(link: LinkId): ReadonlySet<string> {
    return this.#capabilities.get(link) ?? NOTHING;
  }

  /** Gives one hostile input. Throws a SubjectFailure when the node is at fault. */
  feed(input: NodeInput, wallMs?: number): readonly NodeEffect[] {
    this.inputs += 1;
    return this.#act(input, wallMs);
  }

  /** Time passes, as it mostly does. */
  dawdle(): void {
    const ms = pick(this.rng, WAITS_MS);
    if (ms > 0) this.#notice(this.subject.wait(ms));
  }

  /** Time passes with all its ticks; links that the node closes meanwhile are forgotten. */
  wait(ms: number): readonly NodeEffect[] {
    return this.#notice(this.subject.wait(ms));
  }

  /** A link number that was never used. */
  freshLink(): LinkId {
    this.#nextLink += 1;
    return this.#nextLink as LinkId;
  }

  /** A link that takes plaintexts, a new one when there is none; opening it is no input of its own. */
  plainLink(): LinkId {
    if (this.plainLinks.length === 0 || (this.plainLinks.length < 4 && oneIn(this.rng, 30))) this.#act(this.openingPlain());
    // The node may have refused the new one.
    return this.plainLinks.length > 0 ? pick(this.rng, this.plainLinks) : (this.#nextLink as LinkId);
  }

  /** The input that opens a link whose handshake is taken as done, with a peer of no matter what key. */
  openingPlain(): NodeInput {
    const { rng } = this;
    const link = this.freshLink();
    return {
      type: 'linkEstablished',
      link,
      direction: oneIn(rng, 2) ? 'inbound' : 'outbound',
      address: `10.0.${rng.below(256)}.${rng.below(256)}:1`,
      publicKey: oneIn(rng, 4) ? (this.stock.bogusIds[rng.below(8)] ?? rng.bytes(32)) : rng.bytes(32),
      capabilities: pick(rng, CAPABILITIES),
    };
  }

  #act(input: NodeInput, wallMs?: number): readonly NodeEffect[] {
    if (input.type === 'linkEstablished') this.plainLinks.push(input.link);
    if (input.type === 'linkOpened') this.rawLinks.push(input.link);
    if (input.type === 'linkClosed') this.#forget(input.link);
    return this.#notice(this.subject.act(input, wallMs));
  }

  #notice(effects: readonly NodeEffect[]): readonly NodeEffect[] {
    for (const effect of effects) {
      if (effect.type === 'established') this.#capabilities.set(effect.link, new Set(effect.capabilities));
      if (effect.type === 'close') this.#forget(effect.link);
    }
    return effects;
  }

  #forget(link: LinkId): void {
    this.#capabilities.delete(link);
    for (const links of [this.plainLinks, this.rawLinks]) {
      const index = links.indexOf(link);
      if (index >= 0) links.splice(index, 1);
    }
  }
}
