/** The functions of chapter 23 that belong to chapter 08. */
import { concat, hex, readU64be, text, u8, u64be, utf8 } from './bytes.ts';
import { bucketIndex, byDistance, distance, networkSize, runTable, type TableEvent } from './dht.ts';
import { type AddressPolicy, addressClass, addressRule, readListText, subnetOf } from './dht-address.ts';
import { judgeProvider, judgeValue, keepValue, type Refused } from './dht-values.ts';
import type { Evaluated } from './evaluate.ts';

type Args = readonly Uint8Array[];

class Wrong extends Error {}

function sized(args: Args, index: number, ...sizes: readonly number[]): Uint8Array {
  const argument = args[index];
  if (argument === undefined) throw new Wrong(`argument ${index + 1} is missing`);
  if (sizes.length > 0 && !sizes.includes(argument.length)) throw new Wrong(`argument ${index + 1} has ${sizes.join(' or ')} bytes`);
  return argument;
}

const u64 = (args: Args, index: number): bigint => readU64be(sized(args, index, 8));

function small(args: Args, index: number): number {
  const value = u64(args, index);
  if (value > 0xffff_ffffn) throw new Wrong(`argument ${index + 1} is below 2^32`);
  return Number(value);
}

function string(args: Args, index: number): string {
  const value = text(sized(args, index));
  if (value === undefined) throw new Wrong(`argument ${index + 1} is UTF-8`);
  return value;
}

function policy(args: Args, index: number): AddressPolicy {
  const name = string(args, index);
  if (name !== 'public' && name !== 'devnet' && name !== 'simulated') throw new Wrong(`argument ${index + 1} is an address policy`);
  return name;
}

function network(args: Args): Uint8Array {
  const id = sized(args, 0);
  if (id.length < 1 || id.length > 32) throw new Wrong('a network id has 1 to 32 bytes');
  return id;
}

/** `u8(0) ‖ id ‖ IP` for seen, `u8(1) ‖ id` for failed. */
function event(args: Args, index: number): TableEvent {
  const bytes = sized(args, index);
  const id = bytes.slice(1, 33);
  if (bytes[0] === 1 && bytes.length === 33) return { type: 'failed', id };
  if (bytes[0] === 0 && (bytes.length === 37 || bytes.length === 49)) return { type: 'seen', id, ip: bytes.slice(33) };
  throw new Wrong(`argument ${index + 1} is an event of a table`);
}

const rest = <T>(args: Args, first: number, read: (args: Args, index: number) => T): T[] =>
  args.slice(first).map((_, index) => read(args, first + index));

function answer(result: Refused | { readonly values: readonly Uint8Array[] }): Evaluated {
  return 'error' in result ? { error: result.error, clause: result.clause } : { values: result.values };
}

const FUNCTIONS: Readonly<Record<string, (args: Args) => Evaluated>> = {
  'dht.bucket': (args) => {
    const [a, b] = [sized(args, 0, 32), sized(args, 1, 32)];
    const bucket = bucketIndex(a, b);
    if (bucket === undefined) return { error: 'E_SELF', clause: 'DHT-002' };
    const digits = distance(a, b).toString(16).padStart(64, '0');
    return { values: [Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)), u64be(bucket)] };
  },
  'dht.closest': (args) => ({
    values: byDistance(
      sized(args, 0, 32),
      rest(args, 1, (all, index) => sized(all, index, 32)),
    ),
  }),
  'dht.address': (args) => {
    const ip = sized(args, 1, 4, 16);
    const { admissible, limited } = addressRule(policy(args, 0), ip);
    return { values: [utf8(addressClass(ip)), u64be(admissible ? 1 : 0), u64be(limited ? 1 : 0), subnetOf(ip)] };
  },
  'dht.table': (args) => {
    const bounds = {
      bucketSize: small(args, 1),
      replacementsMax: small(args, 2),
      subnetBucketMax: small(args, 3),
      subnetTableMax: small(args, 4),
      failuresMax: small(args, 5),
      policy: policy(args, 6),
    };
    const buckets = runTable(sized(args, 0, 32), bounds, rest(args, 7, event));
    return { values: buckets.flatMap(({ index, entries, cache }) => [u8(index), concat(...entries), concat(...cache)]) };
  },
  'dht.provider': (args) => {
    const from = sized(args, 3, 4, 16, 32);
    const sender = from.length === 32 ? { peerId: from } : { host: from };
    const result = judgeProvider(network(args), policy(args, 1), u64(args, 2), sender, sized(args, 4));
    return answer('error' in result ? result : { values: [result.key, result.signer] });
  },
  'dht.value': (args) => {
    const result = judgeValue(network(args), string(args, 1), sized(args, 2));
    return answer('error' in result ? result : { values: [result.key, u64be(result.sequence)] });
  },
  'dht.keep': (args) => {
    const [id, namespace, coming, stored] = [network(args), string(args, 1), sized(args, 3), args.slice(4)];
    const keys = [coming, ...stored].map((content) => judgeValue(id, namespace, content));
    const [first] = keys;
    const same = first !== undefined && 'key' in first && keys.every((read) => 'key' in read && hex(read.key) === hex(first.key));
    if (!same) throw new Wrong('all contents are in order and of one key');
    const result = keepValue(id, namespace, u64(args, 2), stored, coming);
    return answer('error' in result ? result : { values: result });
  },
  'dht.list_text': (args) => {
    const read = readListText(string(args, 0));
    return read === undefined ? { error: 'E_DHT_FORM', clause: 'DHT-100' } : { values: [read.peerId, utf8(read.address)] };
  },
  'dht.size': (args) => {
    if (args.length % 2 !== 1) throw new Wrong('each sample has a count and a distance');
    const samples = Array.from({ length: (args.length - 1) / 2 }, (_, index) => ({
      count: small(args, 1 + 2 * index),
      farthest: BigInt(`0x${hex(sized(args, 2 + 2 * index, 32))}`),
    }));
    const most = small(args, 0);
    if (samples.some(({ count, farthest }) => count < 1 || count > most || farthest === 0n))
      throw new Wrong('a sample has 1 to k contacts at a distance');
    return { values: [u64be(networkSize(most, samples))] };
  },
};

/** How many arguments a function takes, where the number is fixed. */
const ARITY: Readonly<Record<string, number>> = {
  'dht.bucket': 2,
  'dht.address': 2,
  'dht.provider': 5,
  'dht.value': 3,
  'dht.list_text': 1,
};

/** The functions by name; wrong arguments are refused. */
export const DHT_FUNCTIONS: Readonly<Record<string, (args: Args) => Evaluated>> = Object.fromEntries(
  Object.entries(FUNCTIONS).map(([name, evaluated]) => [
    name,
    (args: Args): Evaluated => {
      const arity = ARITY[name];
      if (arity !== undefined && args.length !== arity) return { refused: `${name} takes ${arity} arguments, not ${args.length}` };
      try {
        return evaluated(args);
      } catch (error) {
        if (error instanceof Wrong) return { refused: error.message };
        throw error;
      }
    },
  ]),
);
