/** Datagrams between the places of a world: lost, doubled, overtaken, and held up by NATs. */
import type { Rng } from '../core/rng.ts';
import type { Endpoint } from '../core/types.ts';
import { endpointKey } from './addresses.ts';
import { type DatagramModel, datagramArrivalsMs } from './network.ts';
import { NAT_MAPPING_MS } from './options.ts';
import type { Slot } from './place.ts';

/** What datagrams need of their world. */
export interface MailOptions {
  readonly model: DatagramModel;
  readonly chance: Rng;
  nowMs(): number;
  latencyMs(a: Slot, b: Slot): number;
  areApart(a: Slot, b: Slot): boolean;
  /** Have a datagram arrive at a moment. */
  arrive(atMs: number, to: Slot, from: Endpoint, data: Uint8Array): void;
}

/** Carries datagrams to whoever has the endpoint. */
export class Mail {
  readonly #options: MailOptions;
  readonly #byEndpoint = new Map<string, Slot>();

  constructor(options: MailOptions) {
    this.#options = options;
  }

  register(slot: Slot): void {
    const { ip, udpPort } = slot.address;
    if (udpPort !== undefined) this.#byEndpoint.set(endpointKey({ ip, port: udpPort }), slot);
  }

  /** Sends; false when the node has no endpoint to send from. What becomes of it on the way nobody learns. */
  send(slot: Slot, to: Endpoint, data: Uint8Array): boolean {
    const { ip, udpPort } = slot.address;
    if (udpPort === undefined) return false;
    const { model, chance, latencyMs, arrive } = this.#options;
    const nowMs = this.#options.nowMs();
    const key = endpointKey(to);
    if (slot.reach === 'nat') slot.mappings.set(key, nowMs);
    const target = this.#byEndpoint.get(key);
    const from: Endpoint = { ip, port: udpPort };
    if (target === undefined || this.#options.areApart(slot, target) || !letsIn(target, from, nowMs)) return true;
    // What a node hands over it does not write to again, and no receiver writes to what it gets: no copy.
    for (const atMs of datagramArrivalsMs(model, latencyMs(slot, target), data.length, chance, nowMs)) arrive(atMs, target, from, data);
    return true;
  }
}

/** A NAT lets in what may be an answer. */
function letsIn(target: Slot, from: Endpoint, nowMs: number): boolean {
  if (target.reach === 'public') return true;
  const openedMs = target.mappings.get(endpointKey(from));
  return openedMs !== undefined && nowMs - openedMs <= NAT_MAPPING_MS;
}
