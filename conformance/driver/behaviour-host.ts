/** The automatic peers of one run: who hears what, and what each still has to do. No I/O. */
import type { Behaviour, Heard, Said } from './behaviours/behaviour.ts';
import { HarnessError } from './errors.ts';
import type { Identity } from './identities.ts';

/** Things that automatic peers do in one run. */
const DEEDS_MAX = 200_000;

/** Someone who listens where the node may dial. */
export interface Listener {
  readonly behaviour: Behaviour;
  readonly peer: Identity;
  readonly capabilities: readonly string[] | undefined;
  readonly roles: number | undefined;
  readonly listenAddresses: readonly string[] | undefined;
}

/** Something that is to be done at a time. */
export interface Deed {
  readonly dueMs: number;
  readonly said: Said;
  readonly listener: Listener;
}

/** Who listens where, and what is still to be done. */
export class BehaviourHost {
  readonly #byLink = new Map<number, Listener>();
  readonly #byEndpoint = new Map<string, Listener>();
  readonly #byDial = new Map<string, Listener>();
  /** In the order of their times, then of their making. */
  readonly #deeds: Deed[] = [];
  #count = 0;

  /** Whether there is any automatic peer. */
  get isIdle(): boolean {
    return this.#byLink.size + this.#byEndpoint.size + this.#byDial.size === 0;
  }

  listenOnLink(link: number, listener: Listener): void {
    this.#byLink.set(link, listener);
  }

  /** At `IP:PORT` for datagrams, at an address with a scheme for dials. */
  listenAt(address: string, listener: Listener): void {
    (isDialAddress(address) ? this.#byDial : this.#byEndpoint).set(address, listener);
  }

  dialled(address: string): Listener | undefined {
    return this.#byDial.get(address);
  }

  onLink(link: number): Listener | undefined {
    return this.#byLink.get(link);
  }

  /** Whether an automatic peer has that UDP address. */
  isAt(endpoint: string): boolean {
    return this.#byEndpoint.has(endpoint);
  }

  /** Tells the peer that it concerns, and keeps what it wants to do. */
  tell(event: Exclude<Heard, { readonly type: 'due' }>, nowMs: number): void {
    const listener = event.type === 'datagram' ? this.#byEndpoint.get(event.at) : this.#byLink.get(event.link);
    if (listener !== undefined) this.#hear(listener, event, nowMs);
  }

  /** When the next deed is due; undefined when there is none. */
  get nextMs(): number | undefined {
    return this.#deeds[0]?.dueMs;
  }

  /** Takes the next deed that is due; wakes are dealt with on the way. */
  take(nowMs: number): Deed | undefined {
    for (;;) {
      const deed = this.#deeds[0];
      if (deed === undefined || deed.dueMs > nowMs) return undefined;
      this.#deeds.shift();
      if (!('wake' in deed.said)) return deed;
      this.#hear(deed.listener, { type: 'due', wake: deed.said.wake }, nowMs);
    }
  }

  #hear(listener: Listener, event: Heard, nowMs: number): void {
    for (const said of listener.behaviour.hear(event)) {
      this.#count += 1;
      if (this.#count > DEEDS_MAX) throw new HarnessError(`automatic peers do more than ${DEEDS_MAX} things in one run`);
      const deed = { dueMs: nowMs + Math.max(0, said.afterMs ?? 0), said, listener };
      const at = this.#deeds.findLastIndex(({ dueMs }) => dueMs <= deed.dueMs);
      this.#deeds.splice(at + 1, 0, deed);
    }
  }
}

/** Whether an address is one that a node dials, not one of datagrams. */
export function isDialAddress(address: string): boolean {
  return address.includes('://');
}
