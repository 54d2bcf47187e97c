/** Messages of `overlay.proto`. */
import { bytes, defineNoun, enumeration, envelope, flag, list, message, type NounSchema, text, uint32, uint64 } from './schema.ts';

/** Roles, attachments, and messages for one node. */
export const overlaySchema: NounSchema = defineNoun({
  messages: {
    Role: { role: enumeration(1, [0, 1, 2, 3]) },
    Attach: {},
    Attached: { accepted: flag(1), alternatives: list(message(2, 'Contact'), 0, 8) },
    Detach: { alternatives: list(message(1, 'Contact'), 0, 8) },
    Route: { target: bytes(1, 32), hops: uint32(2), envelope: envelope(3) },
    SendPayload: {
      version: uint32(1),
      createdMs: uint64(2),
      topic: text(3),
      sequence: uint64(4),
      recipient: bytes(5),
      data: bytes(6),
    },
  },
  payloads: { send: 'SendPayload' },
});
