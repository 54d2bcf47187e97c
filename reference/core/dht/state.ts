/** The state of a dht machine, and what several of its parts do with it. */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { AskId, KnownContact, LinkId, MonoMs, PeerId } from '../types.ts';
import { idBytes } from '../wire/body.ts';
import type { Value } from '../wire/dht-body.ts';
import { type Hint, type Host, hostOf, isLocal, isSameHost, parseHint } from './address.ts';
import { bytesOfPeer, type Contact, makeContact, usableAddresses } from './contact.ts';
import type { DhtOptions, DhtOutput } from './contract.ts';
import { ID_BITS } from './distance.ts';
import type { Lookup, LookupResult, Turn } from './lookup.ts';
import { estimateSize, type SizeSample } from './size.ts';
import { DhtStore } from './store.ts';
import { RoutingTable, tableBounds } from './table.ts';
import type { Provider, ReadValue } from './values.ts';

/** A session with `dht/1`. */
export interface DhtSession {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly host: Host;
  /** The peer as a contact; undefined for a client. */
  readonly contact: Contact | undefined;
}

/** A content that came in answer to a GetValue. */
export interface FoundValue extends Value, ReadValue {
  readonly hash: Uint8Array;
}

/** A lookup that is under way. */
export interface RunningLookup {
  readonly lookup: Lookup;
  /** What is asked first; `nodes` asks FindNodes only. */
  readonly seeks: 'nodes' | 'providers' | 'values';
  readonly providers: Map<PeerId, Provider>;
  readonly values: Map<string, FoundValue>;
  readonly finish: (result: LookupResult, running: RunningLookup) => void;
}

/** Why a question was put. */
export type Purpose =
  | { readonly type: 'check' }
  | { readonly type: 'hint' }
  | { readonly type: 'turn'; readonly running: RunningLookup; readonly turn: Turn; readonly hasFound: boolean }
  | { readonly type: 'write'; readonly done: (isStored: boolean) => void };

/** A question that waits for its answer. */
export interface Question {
  /** Undefined when anybody may answer. */
  readonly contact: Contact | undefined;
  readonly kind: number;
  readonly body: Uint8Array;
  readonly purpose: Purpose;
}

/** Questions that wait for a session to be dialled. */
export interface Dial {
  readonly contact: Contact;
  readonly questions: Question[];
  /** When it has taken too long; a dial that waits for its turn does not take any time. */
  untilMs: MonoMs;
  /** The address that is being dialled; undefined while there are too many dials. */
  address: string | undefined;
}

/** Something that the node publishes again and again. */
export interface Publication {
  readonly key: Uint8Array;
  readonly ttlMs: number;
  /** The value, or undefined for a provider record. */
  readonly value: (Value & ReadValue & { readonly hash: Uint8Array }) | undefined;
  readonly expectedNext: bigint;
  /** Told once, after the first publication. */
  told: ((stored: number, asked: number) => void) | undefined;
  nextMs: MonoMs;
  isBusy: boolean;
  /** Whether some other node has stored it once. */
  isTaken: boolean;
  /** The next pause if this publication is not taken. */
  retryMs: number;
}

/** Invariants: `linkOf` names sessions of `sessions`; a question is in `asks` or in a dial; `out` is empty between inputs. */
export interface DhtState {
  readonly options: DhtOptions;
  readonly self: Uint8Array;
  readonly table: RoutingTable;
  readonly store: DhtStore;
  readonly sessions: Map<LinkId, DhtSession>;
  readonly linkOf: Map<PeerId, LinkId>;
  readonly lookups: Set<RunningLookup>;
  readonly asks: Map<AskId, Question>;
  readonly dials: Map<PeerId, Dial>;
  /** Oldest first. */
  readonly candidates: Map<PeerId, Contact>;
  readonly publications: Map<string, Publication>;
  readonly samples: SizeSample[];
  /** When each bucket was looked up, or will be taken as such. */
  readonly lookedUpMs: (MonoMs | undefined)[];
  readonly hints: readonly Hint[];
  readonly names: readonly string[];
  /** Questions that nobody can be asked: they fail when the input has been worked off. */
  readonly unaskable: Question[];
  readonly out: DhtOutput[];
  /** Listen addresses that the node names as its own. */
  readonly own: readonly Address[];
  nextAsk: number;
  nowMs: MonoMs;
  wallMs: number;
  bootstrapAtMs: MonoMs | undefined;
  checkAtMs: MonoMs | undefined;
  candidateAtMs: MonoMs | undefined;
  /** The bucket that was checked last. */
  checkedBucket: number;
  selfLookup: 'due' | 'running' | 'done';
  isRefreshing: boolean;
  /** The earliest moment for the next refresh: not all buckets are looked up at once. */
  refreshAtMs: MonoMs;
  isReady: boolean;
}

const NAME_PREFIX = 'dns:';

/** The state of a node that has just started. */
export function createDhtState(options: DhtOptions): DhtState {
  const { params, bootstrap, listenAddresses } = options;
  const self = idBytes(options.self);
  const hints = bootstrap.filter((text) => !text.startsWith(NAME_PREFIX)).map(parseHint);
  const hasLocal = listenAddresses.some((address) => isLocal(hostOf(address) ?? ''));
  return {
    options,
    self,
    table: new RoutingTable(self, tableBounds(params)),
    store: new DhtStore(self, params),
    sessions: new Map(),
    linkOf: new Map(),
    lookups: new Set(),
    asks: new Map(),
    dials: new Map(),
    candidates: new Map(),
    publications: new Map(),
    samples: [],
    lookedUpMs: Array.from({ length: ID_BITS }, () => undefined),
    hints: hints.filter((hint) => hint !== undefined).slice(0, params['dht.hints_max']),
    names: bootstrap.filter((text) => text.startsWith(NAME_PREFIX)).map((text) => text.slice(NAME_PREFIX.length)),
    unaskable: [],
    out: [],
    own: usableAddresses(params['dht.address_policy'], listenAddresses, hasLocal, 8),
    nextAsk: 1,
    nowMs: 0,
    wallMs: 0,
    bootstrapAtMs: bootstrap.length > 0 ? 0 : undefined,
    checkAtMs: undefined,
    candidateAtMs: undefined,
    checkedBucket: -1,
    selfLookup: 'due',
    isRefreshing: false,
    refreshAtMs: 0,
    isReady: false,
  };
}

/** The number of nodes; 0 while it is unknown. Spec: DHT-110 */
export function networkSizeOf(state: DhtState): number {
  return estimateSize(state.options.params['dht.bucket_size'], state.samples);
}

/** Notes the sample of a lookup of FindNodes. Spec: DHT-110 */
export function addSample(state: DhtState, sample: SizeSample): void {
  state.samples.push(sample);
  if (state.samples.length > state.options.params['dht.estimate_samples']) state.samples.shift();
}

/** What a peer says of somebody, as far as it may be used; the table's own knowledge goes first. Spec: DHT-012, DHT-013, DHT-081 */
export function hearOf(state: DhtState, named: KnownContact, from: Host): Contact | undefined {
  const { params, self } = state.options;
  if (named.peer === self) return undefined;
  const known = state.table.get(named.peer, bytesOfPeer(named.peer));
  if (known !== undefined) return known;
  const countMax = params['dht.contact_addresses_max'];
  return makeContact(named.peer, usableAddresses(params['dht.address_policy'], named.addresses, isLocal(from), countMax));
}

/** A peer at an address from which it has just spoken; undefined for a client. Spec: DHT-021, DHT-030 */
export function contactAt(state: DhtState, peer: PeerId, claimed: readonly Address[], host: Host): Contact | undefined {
  const { params } = state.options;
  const here = claimed.filter((address) => isSameHost(hostOf(address) ?? '', host));
  const countMax = params['dht.contact_addresses_max'];
  return makeContact(peer, usableAddresses(params['dht.address_policy'], here, isLocal(host), countMax), host);
}

/** Takes note of an answer. Spec: DHT-020, DHT-021 */
export function seen(state: DhtState, contact: Contact): void {
  state.candidates.delete(contact.peer);
  if (state.table.seen(contact)) entered(state, contact);
}

/** Takes note of a question without an answer. Spec: DHT-028, DHT-029 */
export function failed(state: DhtState, contact: Contact): void {
  const promoted = state.table.failed(contact.peer, contact.id);
  if (promoted !== undefined) entered(state, promoted);
  if (state.table.size > 0) return;
  state.selfLookup = 'due';
  state.bootstrapAtMs ??= state.nowMs + state.options.params['dht.bootstrap_retry_ms'];
}

function entered(state: DhtState, { peer, addresses }: Contact): void {
  state.bootstrapAtMs = undefined;
  state.checkAtMs ??= state.nowMs + state.options.params['dht.check_ms'];
  state.out.push({ type: 'candidate', peer, addresses });
}

/** Puts somebody on the list of those that are checked, oldest first; the oldest goes when it is full. Spec: DHT-030 */
export function addCandidate(state: DhtState, contact: Contact): void {
  if (contact.peer === state.options.self || state.candidates.has(contact.peer)) return;
  // Who would only wait for room has time to be found by a lookup.
  if (state.table.get(contact.peer, contact.id) !== undefined || !state.table.hasRoom(contact.id)) return;
  state.candidates.set(contact.peer, contact);
  const [oldest] = state.candidates.keys();
  if (oldest !== undefined && state.candidates.size > state.options.params['dht.candidates_max']) state.candidates.delete(oldest);
  state.candidateAtMs ??= state.nowMs + state.options.params['dht.candidate_ms'];
}
