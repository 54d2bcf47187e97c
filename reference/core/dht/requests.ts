/** What the application asks of the DHT, and what it is told. */
import { create } from '@bufbuild/protobuf';
import { ValueRecordSchema } from '../../../proto/gen/carillon/v1/dht_pb.ts';
import { compareBytes } from '../bytes.ts';
import { assertNever } from '../errors.ts';
import type { ErrorName } from '../types.ts';
import { PAYLOAD_VERSION, sealEnvelope } from '../wire/envelope.ts';
import { encodeStrict } from '../wire/strict.ts';
import type { DhtOutcome, DhtRequest } from './contract.ts';
import type { LookupResult } from './lookup.ts';
import { startLookup } from './lookups.ts';
import { publish, withdraw } from './publishing.ts';
import type { DhtState, RunningLookup } from './state.ts';
import { judgeValue } from './values.ts';

const ID_BYTES = 32;

/** Takes a request; its outcome comes now or later, once. */
export function onRequest(state: DhtState, token: number, request: DhtRequest): void {
  const tell = (outcome: DhtOutcome): void => {
    state.out.push({ type: 'outcome', token, outcome });
  };
  const refusal = take(state, request, tell);
  if (refusal !== undefined) tell({ type: 'dht.refused', code: refusal });
}

function take(state: DhtState, request: DhtRequest, tell: (outcome: DhtOutcome) => void): ErrorName | undefined {
  switch (request.type) {
    case 'dht.lookup':
      return look(state, request.target, 'nodes', (result) => {
        const contacts = result.contacts.map(({ peer, addresses }) => ({ peer, addresses }));
        tell({ type: 'dht.lookup', contacts, ...figures(result) });
      });
    case 'dht.providers':
      return look(state, request.key, 'providers', (result, { providers }) => {
        const found = [...providers.values()]
          .map(({ peer, record, createdMs }) => ({ peer, addresses: record.addresses, createdMs }))
          .sort((a, b) => (a.peer < b.peer ? -1 : 1));
        tell({ type: 'dht.providers', providers: found, ...figures(result) });
      });
    case 'dht.get':
      return look(state, request.key, 'values', (result, { values }) => {
        const found = [...values.values()].sort((a, b) => compareBytes(a.hash, b.hash));
        const [winner] = found;
        const contents = found.map(({ content }) => content);
        tell({ type: 'dht.get', namespace: winner?.namespace ?? '', contents, sequence: winner?.sequence ?? 0n, ...figures(result) });
      });
    case 'dht.provide':
      return provide(state, request, tell);
    case 'dht.unprovide':
      if (request.key.length !== ID_BYTES) return 'E_DHT_FORM';
      tell({ type: 'dht.unprovide', wasPublished: withdraw(state, request.key) });
      return undefined;
    case 'dht.put':
      return putValue(state, request, tell);
    default:
      return assertNever(request);
  }
}

function figures({ hops, depth, queries }: LookupResult): Pick<LookupResult, 'hops' | 'depth' | 'queries'> {
  return { hops, depth, queries };
}

function look(state: DhtState, target: Uint8Array, seeks: RunningLookup['seeks'], finish: RunningLookup['finish']): ErrorName | undefined {
  if (target.length !== ID_BYTES) return 'E_DHT_FORM';
  const style = seeks === 'nodes' ? 'narrow' : 'region';
  return startLookup(state, target, seeks, style, finish) ? undefined : 'E_DHT_QUOTA';
}

function provide(
  state: DhtState,
  { key, short }: Extract<DhtRequest, { readonly type: 'dht.provide' }>,
  tell: (outcome: DhtOutcome) => void,
): ErrorName | undefined {
  // Without an address of its own a node has nowhere to be asked.
  if (key.length !== ID_BYTES || state.own.length === 0) return 'E_DHT_FORM';
  const ttlMs = state.options.params[short ? 'dht.short_ttl_ms' : 'dht.provider_ttl_ms'];
  const told = (stored: number, asked: number): void => tell({ type: 'dht.provide', stored, asked });
  return publish(state, { key, ttlMs, value: undefined, expectedNext: 0n, told }) ? undefined : 'E_DHT_QUOTA';
}

function putValue(
  state: DhtState,
  request: Extract<DhtRequest, { readonly type: 'dht.put' }>,
  tell: (outcome: DhtOutcome) => void,
): ErrorName | undefined {
  const { namespace, expectedNext } = request;
  const content = namespace === 'hash' ? request.data : seal(state, request);
  const read = judgeValue(state.options, namespace, content);
  if ('error' in read) return read.error;
  const value = { namespace, content, hash: state.options.crypto.sha256(content), ...read };
  const told = (stored: number, asked: number): void => tell({ type: 'dht.put', key: read.key, stored, asked });
  const ttlMs = state.options.params['dht.provider_ttl_ms'];
  return publish(state, { key: read.key, ttlMs, value, expectedNext, told }) ? undefined : 'E_DHT_QUOTA';
}

function seal(state: DhtState, { namespace, salt, sequence, data }: Extract<DhtRequest, { readonly type: 'dht.put' }>): Uint8Array {
  const { crypto, networkId, identitySeed } = state.options;
  const payload = create(ValueRecordSchema, { version: PAYLOAD_VERSION, namespace, salt, sequence, data });
  return sealEnvelope(crypto, networkId, 'value', identitySeed, encodeStrict(ValueRecordSchema, payload));
}
