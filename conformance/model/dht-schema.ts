/** Messages of `dht.proto`. */
import { bytes, defineNoun, envelope, list, message, type NounSchema, text, uint32, uint64 } from './schema.ts';

/** Questions and answers of the DHT, and what it keeps. */
export const dhtSchema: NounSchema = defineNoun({
  messages: {
    FindNode: { target: bytes(1, 32), asker: message(2, 'Contact') },
    FindNodeReply: { contacts: list(message(1, 'Contact'), 0, 20) },
    GetProviders: { key: bytes(1, 32) },
    GetProvidersReply: { providers: list(envelope(1), 0, 5), contacts: list(message(2, 'Contact'), 0, 20) },
    AddProvider: { provider: envelope(1) },
    AddProviderReply: { code: uint32(1) },
    GetValue: { key: bytes(1, 32), have: list(bytes(2, 32), 0, 2) },
    GetValueReply: { values: list(message(1, 'Value'), 0, 2), contacts: list(message(2, 'Contact'), 0, 20) },
    Value: { namespace: text(1), content: bytes(2) },
    PutValue: { namespace: text(1), content: bytes(2), ttlMs: uint64(3), expectedNext: uint64(4) },
    PutValueReply: { code: uint32(1), sequence: uint64(2) },
    DhtPing: {},
    DhtPong: {},
    ProviderRecord: {
      version: uint32(1),
      key: bytes(2),
      addresses: list(message(3, 'Address')),
      createdMs: uint64(4),
      ttlMs: uint64(5),
    },
    ValueRecord: { version: uint32(1), namespace: text(2), salt: bytes(3), sequence: uint64(4), data: bytes(5) },
  },
  payloads: { provider: 'ProviderRecord', value: 'ValueRecord' },
});
