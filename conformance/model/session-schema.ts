/** Messages of `common.proto`, `identity.proto` and `session.proto`. */
import { bytes, defineNoun, enumeration, list, message, type NounSchema, oneof, text, uint32, uint64 } from './schema.ts';

/** Addresses, envelopes, the hello, and the frames of chapter 04. */
export const sessionSchema: NounSchema = defineNoun({
  messages: {
    Address: {
      ip4: oneof('host', bytes(1)),
      ip6: oneof('host', bytes(2)),
      dns: oneof('host', text(3)),
      port: uint32(4),
      transport: enumeration(5, [0, 1, 2, 3]),
    },
    Contact: { peerId: bytes(1, 32), addresses: list(message(2, 'Address'), 0, 8) },
    Envelope: { context: text(1), keyType: uint32(2), publicKey: bytes(3), payload: bytes(4), signature: bytes(5) },
    HandshakeHello: {
      version: uint32(1),
      staticKey: bytes(2),
      side: enumeration(3, [0, 1, 2]),
      minorMin: uint32(4),
      minorMax: uint32(5),
      capabilities: list(text(6)),
      roles: uint32(7),
      listenAddresses: list(message(8, 'Address')),
    },
    Ping: { nonce: bytes(1, 8) },
    Pong: { nonce: bytes(1, 8) },
    GoAway: { code: enumeration(1, []), retryAfterMs: uint64(2) },
  },
  payloads: { handshake: 'HandshakeHello' },
});
