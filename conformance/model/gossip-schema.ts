/** Messages of `gossip.proto`. */
import { bytes, defineNoun, envelope, list, message, type NounSchema, text, uint32, uint64 } from './schema.ts';

/** Pushes, announcements, prunes and the payload of application messages. */
export const gossipSchema: NounSchema = defineNoun({
  messages: {
    Push: { topic: text(1), items: list(message(2, 'PushItem'), 1, 64) },
    PushItem: { hops: uint32(1), envelope: envelope(2) },
    Prune: { origins: list(bytes(1, 32), 1, 32), backoffMs: uint64(2) },
    Graft: { origins: list(bytes(1, 32), 1, 32) },
    Ihave: { topic: text(1), ids: list(bytes(2, 32), 1, 1_000) },
    Iwant: { ids: list(bytes(1, 32), 1, 1_000) },
    Idontwant: { ids: list(bytes(1, 32), 1, 512) },
    Direct: { topic: text(1), envelopes: list(envelope(2), 1, 64) },
    AppPayload: { version: uint32(1), createdMs: uint64(2), topic: text(3), sequence: uint64(4), data: bytes(5) },
  },
  payloads: { app: 'AppPayload' },
});
