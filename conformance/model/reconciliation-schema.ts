/** Messages of `reconciliation.proto`. */
import { bytes, defineNoun, enumeration, envelope, list, type NounSchema, uint32, uint64 } from './schema.ts';

const OUTCOMES = [0, 1, 2, 3, 4, 5];

/** Sketches, ranges, and fetching. */
export const reconciliationSchema: NounSchema = defineNoun({
  messages: {
    SketchRequest: {
      set: uint32(1),
      salt: bytes(2, 16),
      prefixBits: uint32(3),
      prefix: uint32(4),
      first: uint32(5),
      count: uint32(6),
      digest: bytes(7),
      cells: uint32(8),
    },
    SketchReply: { outcome: enumeration(1, OUTCOMES), size: uint64(2), symbols: bytes(3) },
    RangeRequest: { set: uint32(1), message: bytes(2) },
    RangeReply: { outcome: enumeration(1, OUTCOMES), message: bytes(2) },
    FetchRequest: { set: uint32(1), shortIds: list(bytes(2, 8)), ids: list(bytes(3, 32)) },
    FetchReply: { outcome: enumeration(1, OUTCOMES), items: list(envelope(2)) },
  },
});
