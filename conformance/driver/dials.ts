/** The node's dials, and who answers them: the plan, an automatic peer, or nobody. */
import type { BehaviourHost, Listener } from './behaviour-host.ts';

/** A dial of the node. */
export interface Dial {
  readonly dial: bigint;
  readonly address: string;
}

/** What an automatic peer wants to become of a dial. */
export type DialAnswer = Dial & { readonly listener: Listener; readonly opens: boolean };

/** The dials of one run. */
export class Dials {
  readonly #waiting: Dial[] = [];
  readonly #answers: DialAnswer[] = [];
  readonly #behaviours: BehaviourHost;

  constructor(behaviours: BehaviourHost) {
    this.#behaviours = behaviours;
  }

  /** The node dials. */
  add(dial: Dial): void {
    const listener = this.#behaviours.dialled(dial.address);
    const fate = listener === undefined ? 'waits' : (listener.behaviour.dialled?.(dial.address) ?? 'open');
    if (listener === undefined) this.#waiting.push(dial);
    else if (fate !== 'lost') this.#answers.push({ ...dial, listener, opens: fate === 'open' });
  }

  /** The newest dial that nobody has answered, to that address if one is given; it is answered then. */
  take(address?: string): Dial | undefined {
    const index = this.#waiting.findLastIndex((dial) => address === undefined || dial.address === address);
    return index === -1 ? undefined : this.#waiting.splice(index, 1)[0];
  }

  /** What automatic peers answer, once. */
  takeAnswers(): readonly DialAnswer[] {
    return this.#answers.splice(0);
  }

  /** A crash takes all dials with it. */
  clear(): void {
    this.#waiting.length = 0;
    this.#answers.length = 0;
  }
}
