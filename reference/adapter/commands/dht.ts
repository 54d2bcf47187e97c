/** Commands of the DHT. Spec: chapter 08, chapter 23 "Commands" */
import { copyBytes, encodeUtf8 } from '../../core/bytes.ts';
import type { DhtNotice, DhtOutcome, DhtRequest, LookupFigures } from '../../core/dht/contract.ts';
import type { KnownContact } from '../../core/types.ts';
import { addressText } from '../../core/wire/contact.ts';
import { type Arguments, u64 } from '../arguments.ts';
import { defineCommands, idBytes, type NamedCommands } from './table.ts';

function keyOf(args: Arguments): Uint8Array {
  return copyBytes(args.bytes(0, 32));
}

/** Hops, depth, queries. */
function figures({ hops, depth, queries }: LookupFigures): readonly Uint8Array[] {
  return [u64(hops), u64(depth), u64(queries)];
}

/** PeerId, addresses joined by line feeds. */
function contactValues({ peer, addresses }: KnownContact): readonly Uint8Array[] {
  return [idBytes(peer), encodeUtf8(addresses.map(addressText).join('\n'))];
}

export const dhtCommands: NamedCommands = defineCommands<DhtRequest, DhtOutcome, DhtNotice>({
  requests: {
    'dht.lookup': (args) => ({ type: 'dht.lookup', target: keyOf(args) }),
    'dht.provide': (args) => ({ type: 'dht.provide', key: keyOf(args), short: args.number(1, 1) === 1 }),
    'dht.unprovide': (args) => ({ type: 'dht.unprovide', key: keyOf(args) }),
    'dht.providers': (args) => ({ type: 'dht.providers', key: keyOf(args) }),
    'dht.put': (args) => ({
      type: 'dht.put',
      namespace: args.text(0),
      salt: copyBytes(args.bytes(1)),
      sequence: args.u64(2),
      data: copyBytes(args.bytes(3)),
      expectedNext: args.u64(4),
    }),
    'dht.get': (args) => ({ type: 'dht.get', key: keyOf(args) }),
  },
  outcomes: {
    'dht.lookup': (outcome) => ({ values: [...figures(outcome), ...outcome.contacts.flatMap(contactValues)] }),
    'dht.provide': ({ stored, asked }) => ({ values: [u64(stored), u64(asked)] }),
    'dht.unprovide': ({ wasPublished }) => ({ values: [u64(wasPublished ? 1 : 0)] }),
    'dht.providers': (outcome) => ({
      values: [...figures(outcome), ...outcome.providers.flatMap((found) => [...contactValues(found), u64(found.createdMs)])],
    }),
    'dht.put': ({ key, stored, asked }) => ({ values: [key, u64(stored), u64(asked)] }),
    'dht.get': (outcome) => ({
      values: [...figures(outcome), encodeUtf8(outcome.namespace), u64(outcome.sequence), ...outcome.contents],
    }),
    'dht.refused': ({ code }) => ({ error: code }),
  },
  notices: {
    'dht.ready': ({ contacts }) => [u64(contacts)],
  },
});
