/** What an application does with a running node, one promise for each request. Spec: chapters 05, 06, 08, 09, 10 */
import type { FoundProvider, LookupFigures } from '../core/dht/contract.ts';
import type { LocalOutcome, LocalRequest } from '../core/machine.ts';
import type { ListedRecord } from '../core/records/contract.ts';
import type { ErrorName, KnownContact, MessageId, PeerId } from '../core/types.ts';
import type { OutcomeOf } from './requests.ts';

/** What a look for the nearest nodes gave. */
export interface FoundNodes extends LookupFigures {
  /** Nearest first. */
  readonly contacts: readonly KnownContact[];
}

/** What a look for providers gave. */
export interface FoundProviders extends LookupFigures {
  readonly providers: readonly FoundProvider[];
}

/** What a look for a value gave. */
export interface FoundValue extends LookupFigures {
  readonly namespace: string;
  /** The content that wins first; none when nothing was found. */
  readonly contents: readonly Uint8Array[];
  readonly sequence: bigint;
}

/** How many nodes took what was stored, of those that were asked to. */
export interface Stored {
  readonly stored: number;
  readonly asked: number;
}

/** A value to store. */
export interface ValueToPut {
  readonly namespace: string;
  /** Empty if absent; tells values of one writer and namespace apart. */
  readonly salt?: Uint8Array;
  /** 0 if absent. */
  readonly sequence?: bigint;
  readonly data: Uint8Array;
  /** The sequence that is to be replaced, for `mutable` values; 0 if absent. */
  readonly expectedNext?: bigint;
}

/** What the node does on behalf of its application. Each rejects with `RequestRefused` when the node refuses, and when it stops first. */
export interface Application {
  /** Sends to everybody on a topic, by the strategy of the overlay. */
  broadcast(topic: string, data: Uint8Array): Promise<void>;
  /** Sends to one node, directly or through others; whether it arrives only that node can say. */
  send(to: PeerId, topic: string, data: Uint8Array): Promise<void>;
  /** The nodes nearest to an id of 32 bytes. */
  lookup(target: Uint8Array): Promise<FoundNodes>;
  /** Says that this node has what a key stands for, and says it again until `unprovide`. `isShort`: for a short time only. */
  provide(key: Uint8Array, isShort?: boolean): Promise<Stored>;
  /** Withdraws what was provided or put under a key; false when nothing was. */
  unprovide(key: Uint8Array): Promise<boolean>;
  findProviders(key: Uint8Array): Promise<FoundProviders>;
  putValue(value: ValueToPut): Promise<Stored & { readonly key: Uint8Array }>;
  getValue(key: Uint8Array): Promise<FoundValue>;
  /** Says something of the node itself from now on: the strict bytes of the kind's body, or none to say it no more. */
  setRecord(kind: number, index: number, body: Uint8Array): Promise<void>;
  /** The signed bytes of a record, or undefined when none is held. */
  record(peer: PeerId, kind: number, index?: number): Promise<Uint8Array | undefined>;
  /** All records that are held, by origin, kind and index. */
  records(): Promise<readonly ListedRecord[]>;
  /** Asks some peer for all records of an origin; resolves with how many were new. */
  fetchRecords(peer: PeerId): Promise<number>;
  /** Gives the mempool the envelope of a transaction. */
  submit(envelope: Uint8Array): Promise<MessageId>;
  /** Ids of the transactions that are ready, best first. */
  transactions(countMax: number): Promise<readonly MessageId[]>;
  /** Keeps a peer away for a while. */
  ban(peer: PeerId, durationMs: number): Promise<void>;
  unban(peer: PeerId): Promise<void>;
  /** Names a peer that is never pruned or evicted, and where it is, if anywhere is known. */
  protect(peer: PeerId, addresses?: readonly string[]): Promise<void>;
  unprotect(peer: PeerId): Promise<void>;
  /** Names a peer that may be worth a session, as mDNS or a service registry of the operator's finds them. */
  suggest(peer: PeerId, addresses: readonly string[], region?: string): Promise<void>;
}

/** A request that the node did not take; `code` is a name of chapter 20. */
export class RequestRefused extends Error {
  readonly code: ErrorName;

  constructor(code: ErrorName, message: string) {
    super(message === '' ? code : `${code}: ${message}`);
    this.name = 'RequestRefused';
    this.code = code;
  }
}

type Ask = <R extends LocalRequest>(request: R) => Promise<OutcomeOf<R>>;

/** The outcome if it has the type that was hoped for. Throws `RequestRefused` for one that says no. */
function expectOutcome<T extends LocalOutcome, Type extends T['type']>(outcome: T, type: Type): Extract<T, { readonly type: Type }> {
  if (outcome.type === type) return outcome as Extract<T, { readonly type: Type }>;
  const { code, message } = outcome as { readonly code?: ErrorName; readonly message?: string };
  if (code !== undefined) throw new RequestRefused(code, message ?? '');
  throw new Error(`an outcome ${outcome.type} for a request that has ${type}`);
}

/** The application's side of a node that answers requests. */
export function createApplication(ask: Ask): Application {
  return {
    broadcast: async (topic, data) => {
      expectOutcome(await ask({ type: 'overlay.broadcast', topic, data: Uint8Array.from(data) }), 'overlay.sent');
    },
    send: async (to, topic, data) => {
      expectOutcome(await ask({ type: 'overlay.send', to, topic, data: Uint8Array.from(data) }), 'overlay.sent');
    },
    lookup: async (target) => {
      const { contacts, hops, depth, queries } = expectOutcome(await ask({ type: 'dht.lookup', target }), 'dht.lookup');
      return { contacts, hops, depth, queries };
    },
    provide: async (key, isShort = false) => {
      const { stored, asked } = expectOutcome(await ask({ type: 'dht.provide', key, short: isShort }), 'dht.provide');
      return { stored, asked };
    },
    unprovide: async (key) => expectOutcome(await ask({ type: 'dht.unprovide', key }), 'dht.unprovide').wasPublished,
    findProviders: async (key) => {
      const { providers, hops, depth, queries } = expectOutcome(await ask({ type: 'dht.providers', key }), 'dht.providers');
      return { providers, hops, depth, queries };
    },
    putValue: async ({ namespace, salt = new Uint8Array(0), sequence = 0n, data, expectedNext = 0n }) => {
      const request = { type: 'dht.put', namespace, salt, sequence, data: Uint8Array.from(data), expectedNext } as const;
      const { key, stored, asked } = expectOutcome(await ask(request), 'dht.put');
      return { key, stored, asked };
    },
    getValue: async (key) => {
      const { namespace, contents, sequence, hops, depth, queries } = expectOutcome(await ask({ type: 'dht.get', key }), 'dht.get');
      return { namespace, contents, sequence, hops, depth, queries };
    },
    setRecord: async (kind, index, body) => {
      const { error } = expectOutcome(await ask({ type: 'records.set', kind, index, body: Uint8Array.from(body) }), 'records.set');
      if (error !== undefined) throw new RequestRefused(error, '');
    },
    record: async (peer, kind, index = 0) => expectOutcome(await ask({ type: 'records.get', peer, kind, index }), 'records.get').envelope,
    records: async () => expectOutcome(await ask({ type: 'records.list' }), 'records.list').records,
    fetchRecords: async (peer) => expectOutcome(await ask({ type: 'records.fetch', peer }), 'records.fetch').accepted,
    submit: async (envelope) =>
      expectOutcome(await ask({ type: 'mempool.submit', envelope: Uint8Array.from(envelope) }), 'mempool.accepted').id,
    transactions: async (countMax) => expectOutcome(await ask({ type: 'mempool.list', countMax }), 'mempool.listed').ids,
    ban: async (peer, durationMs) => {
      expectOutcome(await ask({ type: 'topology.ban', peer, durationMs }), 'topology.done');
    },
    unban: async (peer) => {
      expectOutcome(await ask({ type: 'topology.unban', peer }), 'topology.done');
    },
    protect: async (peer, addresses = []) => {
      expectOutcome(await ask({ type: 'topology.protect', peer, addresses }), 'topology.done');
    },
    unprotect: async (peer) => {
      expectOutcome(await ask({ type: 'topology.unprotect', peer }), 'topology.done');
    },
    suggest: async (peer, addresses, region = '') => {
      expectOutcome(await ask({ type: 'topology.candidate', peer, addresses, region }), 'topology.done');
    },
  };
}
