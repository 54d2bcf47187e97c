/**
 * A network of dht machines and nothing else: the machines of the core, between which questions and
 * answers travel as the datagram machine would carry them, without its tokens and proofs. It is what
 * makes ten thousand tables fit one process; `World` runs whole nodes.
 */
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import { encodeUtf8 } from '../core/bytes.ts';
import type { DhtOutcome, DhtOutput, DhtRequest } from '../core/dht/contract.ts';
import { createDht, type DhtInput, type DhtMachine } from '../core/dht/machine.ts';
import { invariant } from '../core/errors.ts';
import type { DatagramHandle } from '../core/machine.ts';
import type { Params } from '../core/params.ts';
import { createRng, type Rng } from '../core/rng.ts';
import { type AskId, CAPABILITY_DHT, type Endpoint, type LinkId, type PeerId } from '../core/types.ts';
import { derivePeerId } from '../core/wire/peer-id.ts';
import { endpointKey, listenAddressesOf, type NodeAddress, spreadAddresses } from './addresses.ts';
import { simulatedCrypto } from './crypto.ts';
import { type Liar, type Lie, LyingCircle } from './dht-liar.ts';
import { EventHeap } from './heap.ts';
import { DIAL_TIMEOUT_MS, NETWORK_NAME, WALL_START_MS } from './options.ts';

/** What a network of dht machines is made of. */
export interface DhtWorldOptions {
  readonly nodes: number;
  readonly seed: string;
  readonly params: Params;
  /** One-way time between two nodes, in milliseconds. */
  readonly latencyMs: (a: number, b: number) => number;
  /** Chance that a question or an answer is lost. */
  readonly loss: number;
  readonly startMs: (node: number) => number;
  /** Number of a node to begin with; undefined for the first. */
  readonly entry: (node: number) => number | undefined;
  readonly isLiar?: (node: number) => boolean;
  /** Contacts that a node has met before it begins, in place of joining: a session with each began and ended. */
  readonly met?: (node: number) => readonly number[];
}

interface Place {
  readonly index: number;
  readonly peer: PeerId;
  readonly publicKey: Uint8Array;
  readonly address: NodeAddress;
  readonly listenAddresses: readonly Address[];
  readonly liar: Liar | undefined;
  readonly make: () => DhtMachine;
  machine: DhtMachine | undefined;
  wakeAtMs: number;
}

/** What is on its way. */
type Event =
  | { readonly type: 'start' | 'wake'; readonly place: Place }
  | { readonly type: 'input'; readonly place: Place; readonly input: DhtInput }
  | {
      readonly type: 'question';
      readonly place: Place;
      readonly from: Place;
      readonly ask: AskId;
      readonly kind: number;
      readonly body: Uint8Array;
    };

interface Waiting {
  readonly place: Place;
  readonly from: Place;
  readonly ask: AskId;
}

const BODY_BYTES_MAX = 1100;

/** The network; time passes in `runUntil`. */
export class DhtWorld {
  readonly #options: DhtWorldOptions;
  readonly #places: readonly Place[];
  readonly #byEndpoint: ReadonlyMap<string, Place>;
  readonly #events = new EventHeap<Event>();
  readonly #circle = new LyingCircle();
  readonly #waiting = new Map<number, Waiting>();
  readonly #outcomes = new Map<number, { readonly atMs: number; readonly askedMs: number; readonly outcome: DhtOutcome }>();
  readonly #askedMs = new Map<number, number>();
  readonly #chance: Rng;
  #handle = 1;
  #token = 1;
  #nowMs = 0;
  /** Questions that were put, answered or not. */
  questions = 0;

  constructor(options: DhtWorldOptions) {
    this.#options = options;
    const rng = createRng(encodeUtf8(options.seed));
    this.#chance = rng.fork('chance');
    this.#places = Array.from({ length: options.nodes }, (_, index) => this.#makePlace(index, rng));
    this.#byEndpoint = new Map(this.#places.map((place) => [endpointKey(endpointOf(place)), place]));
    for (const place of this.#places) this.#events.push(options.startMs(place.index), { type: 'start', place });
  }

  #makePlace(index: number, rng: Rng): Place {
    const { params } = this.#options;
    const own = rng.fork(`node ${index}`);
    const identitySeed = own.fork('identity').bytes(32);
    const publicKey = simulatedCrypto.ed25519PublicKey(identitySeed);
    const peer = derivePeerId(simulatedCrypto, 1, publicKey);
    const address = spreadAddresses(index);
    const networkId = encodeUtf8(NETWORK_NAME);
    const addresses = listenAddressesOf(address);
    // Liars are asked as others are: by datagram.
    const liar =
      this.#options.isLiar?.(index) === true
        ? { peer, addresses: [...addresses].reverse(), crypto: simulatedCrypto, networkId, identitySeed }
        : undefined;
    if (liar !== undefined) this.#circle.join(liar);
    const make = (): DhtMachine => {
      const entry = this.#options.entry(index);
      const begin = entry === undefined ? undefined : endpointOf(this.#place(entry));
      return createDht({
        params,
        crypto: simulatedCrypto,
        rng: own.fork('dht'),
        networkId,
        identitySeed,
        self: peer,
        sessionOf: () => undefined,
        bootstrap: begin === undefined ? [] : [`udp://${begin.ip}:${begin.port}`],
        listenAddresses: addresses,
      });
    };
    return {
      index,
      peer,
      publicKey,
      address,
      listenAddresses: addresses,
      liar,
      make,
      machine: undefined,
      wakeAtMs: Number.POSITIVE_INFINITY,
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  peerId(node: number): PeerId {
    return this.#place(node).peer;
  }

  /** Numbers of the nodes that have been started. */
  running(): readonly number[] {
    return this.#places.filter(({ machine }) => machine !== undefined).map(({ index }) => index);
  }

  view(node: number): unknown {
    return this.#place(node).machine?.view();
  }

  /** Puts a request to a node; the token names its outcome. */
  request(node: number, request: DhtRequest): number {
    const token = this.#token;
    this.#token += 1;
    this.#askedMs.set(token, this.#nowMs);
    this.#feed(this.#place(node), { type: 'local', token, request });
    return token;
  }

  outcome(token: number): { readonly atMs: number; readonly askedMs: number; readonly outcome: DhtOutcome } | undefined {
    return this.#outcomes.get(token);
  }

  runFor(ms: number): void {
    this.runUntil(this.#nowMs + ms);
  }

  runUntil(untilMs: number): void {
    for (let next = this.#events.nextTime; next !== undefined && next <= untilMs; next = this.#events.nextTime) {
      const event = this.#events.pop();
      if (event === undefined) break;
      this.#nowMs = event.time;
      this.#take(event.item);
    }
    this.#nowMs = untilMs;
  }

  #place(node: number): Place {
    const place = this.#places[node];
    invariant(place !== undefined, 'a node of the world');
    return place;
  }

  #take(event: Event): void {
    const { place } = event;
    switch (event.type) {
      case 'start':
        place.machine = place.make();
        for (const other of this.#options.met?.(place.index) ?? []) this.#meet(place, this.#place(other));
        this.#feed(place, { type: 'tick' });
        return;
      case 'wake': {
        place.wakeAtMs = Number.POSITIVE_INFINITY;
        const due = place.machine?.deadline();
        if (due !== undefined && due <= this.#nowMs) this.#feed(place, { type: 'tick' });
        else this.#plan(place);
        return;
      }
      case 'input':
        this.#feed(place, event.input);
        return;
      case 'question':
        this.#ask(event);
    }
  }

  /** A session that began and ended: the one way into a table that costs nothing here. */
  #meet(place: Place, other: Place): void {
    const link = (1 + other.index) as LinkId;
    const { peer, publicKey, address, listenAddresses } = other;
    const now = { monoMs: this.#nowMs, wallMs: WALL_START_MS + this.#nowMs };
    const capabilities = new Set([CAPABILITY_DHT]);
    const up: DhtInput = {
      type: 'sessionUp',
      link,
      peer,
      publicKey,
      address: address.ip,
      direction: 'outbound',
      capabilities,
      roles: 1,
      listenAddresses,
    };
    for (const output of place.machine?.handle(up, now) ?? []) this.#carryOut(place, output);
    place.machine?.handle({ type: 'sessionDown', link, peer }, now);
  }

  #ask({ place, from, ask, kind, body }: Extract<Event, { readonly type: 'question' }>): void {
    const now = { monoMs: this.#nowMs, wallMs: WALL_START_MS + this.#nowMs };
    const lie = place.liar === undefined ? undefined : this.#circle.answer(place.liar, kind, body, now);
    const waiting = { place, from, ask };
    if (lie !== undefined) {
      this.#answer(waiting, lie);
      return;
    }
    const handle = this.#handle as DatagramHandle;
    this.#handle += 1;
    this.#waiting.set(handle, waiting);
    this.#feed(place, { type: 'datagramAsked', handle, from: endpointOf(from), kind, body, bodyBytesMax: BODY_BYTES_MAX });
    this.#waiting.delete(handle);
  }

  #answer({ place, from, ask }: Waiting, { kind, body }: Lie): void {
    const { peer, publicKey } = place;
    const input: DhtInput = { type: 'answeredByDatagram', ask, from: endpointOf(place), peer, publicKey, kind, body };
    this.#events.push(this.#nowMs + this.#options.latencyMs(place.index, from.index), { type: 'input', place: from, input });
  }

  #feed(place: Place, input: DhtInput): void {
    const { machine } = place;
    if (machine === undefined) return;
    const outputs = machine.handle(input, { monoMs: this.#nowMs, wallMs: WALL_START_MS + this.#nowMs });
    for (const output of outputs) this.#carryOut(place, output);
    this.#plan(place);
  }

  #plan(place: Place): void {
    const due = place.machine?.deadline();
    if (due === undefined || due >= place.wakeAtMs) return;
    place.wakeAtMs = Math.max(due, this.#nowMs);
    this.#events.push(place.wakeAtMs, { type: 'wake', place });
  }

  /** Whether a question or its answer is lost: to whoever asks it looks the same. */
  #isLost(): boolean {
    return this.#chance.below(1_000_000) < 2_000_000 * this.#options.loss;
  }

  #carryOut(place: Place, output: DhtOutput): void {
    switch (output.type) {
      case 'askByDatagram': {
        this.questions += 1;
        const to = this.#byEndpoint.get(endpointKey(output.to));
        const { ask, kind, body } = output;
        // The datagram machine sends a question again when nothing comes.
        const againMs = this.#options.params['datagram.retransmit_ms'];
        const tries = 1 + this.#options.params['datagram.retransmits_max'];
        let lost = 0;
        while (lost < tries && this.#isLost()) lost += 1;
        const isLate = lost * againMs >= output.timeoutMs;
        if (to?.machine === undefined || lost === tries || isLate) {
          this.#events.push(this.#nowMs + output.timeoutMs, { type: 'input', place, input: { type: 'unanswered', ask, kind } });
          return;
        }
        const latencyMs = lost * againMs + this.#options.latencyMs(place.index, to.index);
        this.#events.push(this.#nowMs + latencyMs, { type: 'question', place: to, from: place, ask, kind, body });
        return;
      }
      case 'answerByDatagram': {
        const waiting = this.#waiting.get(output.handle);
        if (waiting !== undefined) this.#answer(waiting, output);
        return;
      }
      case 'outcome':
        if (output.outcome.type.startsWith('dht.')) {
          const askedMs = this.#askedMs.get(output.token) ?? 0;
          this.#outcomes.set(output.token, { atMs: this.#nowMs, askedMs, outcome: output.outcome as DhtOutcome });
        }
        return;
      case 'connect': {
        // Nobody takes sessions here.
        const { address, expected } = output;
        this.#events.push(this.#nowMs + DIAL_TIMEOUT_MS, {
          type: 'input',
          place,
          input: { type: 'dialEnded', address, expected, peer: undefined },
        });
        return;
      }
      default:
      // Sessions and names are not part of this network.
    }
  }
}

function endpointOf({ address }: Place): Endpoint {
  invariant(address.udpPort !== undefined, 'every node takes datagrams');
  return { ip: address.ip, port: address.udpPort };
}
