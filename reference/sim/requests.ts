/** What applications ask of the nodes of a world, what became of it, and what they are told unasked. */
import type { LocalNotice, LocalOutcome } from '../core/machine.ts';

/** What became of a request. */
export interface RequestOutcome {
  readonly node: number;
  readonly askedMs: number;
  readonly atMs: number;
  readonly outcome: LocalOutcome;
}

/** Something that a node told its application unasked. */
export interface NodeNotice {
  readonly node: number;
  readonly atMs: number;
  readonly notice: LocalNotice;
}

/** Requests by token. */
export class Requests {
  readonly #asked = new Map<number, { readonly node: number; readonly atMs: number }>();
  readonly #outcomes = new Map<number, RequestOutcome>();
  #nextToken = 1;

  /** The token of a new request. */
  ask(node: number, atMs: number): number {
    const token = this.#nextToken;
    this.#nextToken += 1;
    this.#asked.set(token, { node, atMs });
    return token;
  }

  /** Takes an answer; the first one for a token, from the node that was asked, counts. */
  settle(node: number, token: number, outcome: LocalOutcome, atMs: number): void {
    const asked = this.#asked.get(token);
    if (asked?.node !== node) return;
    this.#asked.delete(token);
    this.#outcomes.set(token, { node, askedMs: asked.atMs, atMs, outcome });
  }

  outcome(token: number): RequestOutcome | undefined {
    return this.#outcomes.get(token);
  }
}
