/** Bodies of the later chapters that are in order as far as their table goes: sizes, numbers of elements, depth. */
import { encodeMessage, type FieldValue, type MessageFields } from '../../conformance/model/message.ts';
import type { FieldSchema } from '../../conformance/model/schema.ts';
import { messageSchema } from '../../conformance/model/schemas.ts';
import type { Rng } from '../core/rng.ts';
import { oneIn, pick, sizeUpTo } from './mutation.ts';
import type { Stock } from './stock.ts';

const NUMBERS = [0n, 1n, 127n, 128n, 65_535n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n] as const;
const SMALL_NUMBERS = [0, 1, 2, 16, 255, 65_535, 2 ** 32 - 1] as const;
/** Most elements of a list without a bound of its own, and most bytes of a field without a size. */
const ELEMENTS_MAX = 8;
const BYTES_MAX = 200;

/** The encoding of a message with fields by chance. */
export function someMessage(rng: Rng, stock: Stock, name: string): Uint8Array {
  return encodeMessage(name, someFields(rng, stock, name));
}

function someFields(rng: Rng, stock: Stock, name: string): MessageFields {
  const fields: Record<string, FieldValue> = {};
  const rivals = new Set<string>();
  for (const [field, rule] of Object.entries(messageSchema(name))) {
    if (rule.oneof !== undefined) {
      if (rivals.has(rule.oneof) || oneIn(rng, 2)) continue;
      rivals.add(rule.oneof);
    }
    const most = Math.min(rule.max ?? ELEMENTS_MAX, (rule.min ?? 0) + ELEMENTS_MAX);
    if (rule.repeated !== true) fields[field] = someValue(rng, stock, rule);
    else {
      const least = Math.min(rule.min ?? 0, most);
      fields[field] = Array.from({ length: least + sizeUpTo(rng, most - least) }, () => someValue(rng, stock, rule));
    }
  }
  return fields;
}

function someValue(rng: Rng, stock: Stock, rule: FieldSchema): FieldValue {
  switch (rule.type) {
    case 'uint32':
      return pick(rng, SMALL_NUMBERS);
    case 'uint64':
      return pick(rng, NUMBERS);
    case 'bool':
      return oneIn(rng, 2);
    case 'enum':
      return rule.numbers === undefined || rule.numbers.length === 0 ? rng.below(40) : pick(rng, rule.numbers);
    case 'text':
      return 'a'.repeat(sizeUpTo(rng, 40));
    case 'message':
      return someFields(rng, stock, rule.message ?? '');
    case 'bytes':
      if (rule.holds === 'envelope' && !oneIn(rng, 3)) return pick(rng, stock.messages).envelope;
      return rng.bytes(rule.size ?? sizeUpTo(rng, BYTES_MAX));
  }
}
