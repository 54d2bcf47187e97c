/** The links of a world: opened, used, closed by one end, or gone with the machine at the other. */
import type { NodeInput } from '../core/machine.ts';
import type { Rng } from '../core/rng.ts';
import { offeredCapabilities } from '../core/session/capabilities.ts';
import type { Direction, LinkId } from '../core/types.ts';
import { arrivalMs, createLane, type LinkModel } from './network.ts';
import type { End, Slot } from './place.ts';

/** The end of a link arrives a little behind what was sent last. */
const CLOSE_DELAY_MS = 1;

/** What links need of their world. */
export interface WireOptions {
  readonly model: LinkModel;
  readonly chance: Rng;
  /** Links start established. */
  readonly isPlaintext: boolean;
  nowMs(): number;
  latencyMs(a: Slot, b: Slot): number;
  handle(slot: Slot, input: NodeInput): void;
  /** Have data arrive, or the end of a link be noticed, at a moment. */
  arrive(atMs: number, to: End, data: Uint8Array, isPlaintext: boolean): void;
  gone(atMs: number, to: End): void;
}

/** All links of a world. */
export class Wires {
  readonly #options: WireOptions;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** Joins two nodes that run; `dial` answers the dial of the first. */
  open(from: Slot, to: Slot, dial: number | undefined): void {
    const latencyMs = this.#options.latencyMs(from, to);
    const near = endOf(from, latencyMs);
    const far = endOf(to, latencyMs);
    near.peer = far;
    far.peer = near;
    this.#opened(far, 'inbound', from, undefined);
    this.#opened(near, 'outbound', to, dial);
  }

  send(slot: Slot, link: LinkId, data: Uint8Array, isPlaintext: boolean): void {
    const end = slot.ends.get(link);
    if (end?.peer === undefined || end.isDead) return;
    const { model, chance } = this.#options;
    // What a node hands over it does not write to again, and no receiver writes to what it gets: no copy.
    this.#options.arrive(arrivalMs(model, end.lane, chance, this.#options.nowMs()), end.peer, data, isPlaintext);
  }

  deliver(to: End, data: Uint8Array, isPlaintext: boolean): void {
    if (!to.isOpen || to.isDead) return;
    const { slot, link } = to;
    this.#options.handle(slot, isPlaintext ? { type: 'plaintext', link, data } : { type: 'message', link, data, text: false });
  }

  /** A node closes a link of its own; the other end learns it. */
  close(slot: Slot, link: LinkId): void {
    const end = slot.ends.get(link);
    if (end !== undefined) this.#leave(end);
  }

  /** An end notices that its link is over. */
  drop(end: End): void {
    if (!end.isOpen) return;
    const { slot, link } = end;
    end.isOpen = false;
    slot.ends.delete(link);
    this.#options.handle(slot, { type: 'linkClosed', link });
  }

  /** Both ends of all links of a node notice at once that they are over. */
  cut(slot: Slot): void {
    for (const end of [...slot.ends.values()]) {
      this.drop(end);
      if (end.peer !== undefined) this.drop(end.peer);
    }
  }

  /** Whatever ran here is no more. Silently: the other ends go on as if it were. */
  abandon(slot: Slot, isSilent: boolean): void {
    for (const end of [...slot.ends.values()]) {
      if (!isSilent) this.#leave(end);
      else {
        end.isOpen = false;
        slot.ends.delete(end.link);
        if (end.peer !== undefined) end.peer.isDead = true;
      }
    }
  }

  /** Nothing passes any more on the links between nodes that are apart. */
  silence(slots: readonly Slot[], isApart: (a: Slot, b: Slot) => boolean): void {
    for (const slot of slots) {
      for (const end of slot.ends.values()) {
        if (end.peer !== undefined && isApart(slot, end.peer.slot)) end.isDead = true;
      }
    }
  }

  #leave(end: End): void {
    end.isOpen = false;
    end.slot.ends.delete(end.link);
    if (end.peer === undefined || end.isDead) return;
    // The end arrives behind what was sent before it.
    const { nowMs, gone } = this.#options;
    gone(Math.max(end.lane.lastArrivalMs, nowMs() + end.lane.latencyMs) + CLOSE_DELAY_MS, end.peer);
  }

  #opened(end: End, direction: Direction, peer: Slot, dial: number | undefined): void {
    const { slot, link } = end;
    const opened = { link, direction, address: peer.address.ip, ...(dial === undefined ? {} : { dial }) };
    this.#options.handle(
      slot,
      this.#options.isPlaintext
        ? {
            type: 'linkEstablished',
            ...opened,
            publicKey: peer.publicKey,
            capabilities: offeredCapabilities(peer.params),
            roles: peer.roles ?? 1,
            listenAddresses: peer.listenAddresses,
          }
        : { type: 'linkOpened', ...opened },
    );
  }
}

function endOf(slot: Slot, latencyMs: number): End {
  const link = slot.nextLink as LinkId;
  slot.nextLink += 1;
  const end: End = { slot, link, lane: createLane(latencyMs), peer: undefined, isOpen: true, isDead: false };
  slot.ends.set(link, end);
  return end;
}
