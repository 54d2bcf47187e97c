/** The mempool's messages of chapter 05. */
import { bytes, defineNoun, envelope, list, message, type NounSchema, oneof, uint32, uint64 } from './schema.ts';

export const mempoolSchema: NounSchema = defineNoun({
  messages: {
    Transaction: {
      version: uint32(1),
      createdMs: uint64(2),
      nonce: uint64(3),
      validUntilSlot: uint64(4),
      fee: uint64(5),
      transfer: oneof('body', message(6, 'Transfer')),
      entry: oneof('body', message(7, 'Entry')),
    },
    Transfer: { to: bytes(1), amount: uint64(2) },
    Entry: { data: bytes(1) },
    Forward: { transactions: list(envelope(1), 1, 64) },
  },
  payloads: { transaction: 'Transaction' },
});
