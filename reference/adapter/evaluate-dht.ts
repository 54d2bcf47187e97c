/** Evaluate for chapter 08: distances, addresses, tables, records, values, list texts and the size of the network. */
import { concatBytes, encodeUtf8, equalBytes, toHex } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { type AddressPolicy, addressClass, isAdmissible, isLimited, parseListText, subnetBytes } from '../core/dht/address.ts';
import { bucketIndex, compareDistance, distance } from '../core/dht/distance.ts';
import { estimateSize } from '../core/dht/size.ts';
import { RoutingTable } from '../core/dht/table.ts';
import { judgeProvider, judgeValue, keepRivals, type Rules } from '../core/dht/values.ts';
import { PRESETS } from '../core/params.ts';
import type { ErrorName, PeerId } from '../core/types.ts';
import { idBytes } from '../core/wire/body.ts';
import { addressText } from '../core/wire/contact.ts';
import { type Arguments, RefusedArguments, u64 } from './arguments.ts';

type Answer = readonly Uint8Array[] | { readonly error: ErrorName };

const UINT32_MAX = 2 ** 32 - 1;
const ID_BYTES = 32;
const POLICIES: readonly string[] = ['public', 'devnet', 'simulated'] satisfies readonly AddressPolicy[];

function policyOf(args: Arguments, index: number): AddressPolicy {
  const policy = args.text(index);
  if (!POLICIES.includes(policy)) throw new RefusedArguments(`argument ${index} is no address policy`);
  return policy as AddressPolicy;
}

function ipOf(args: Arguments, index: number): Uint8Array {
  const ip = args.bytes(index);
  if (ip.length !== 4 && ip.length !== 16) throw new RefusedArguments(`argument ${index} is no IP address`);
  return ip;
}

function rulesOf(crypto: CryptoProvider, args: Arguments, policy: AddressPolicy): Rules {
  return { params: { ...PRESETS.conformance, 'dht.address_policy': policy }, crypto, networkId: args.networkId(0) };
}

function bucket(args: Arguments): Answer {
  const [a, b] = [args.bytes(0, ID_BYTES), args.bytes(1, ID_BYTES)];
  const index = bucketIndex(a, b);
  return index === undefined ? { error: 'E_SELF' } : [distance(a, b), u64(index)];
}

function closest(args: Arguments): Answer {
  const target = args.bytes(0, ID_BYTES);
  const ids = args.rest(1);
  if (ids.some((id) => id.length !== ID_BYTES)) throw new RefusedArguments('ids have 32 bytes');
  const once = [...new Map(ids.map((id) => [toHex(id), id])).values()];
  return once.sort((a, b) => compareDistance(target, a, b));
}

function judgeAddress(args: Arguments): Answer {
  const [policy, ip] = [policyOf(args, 0), ipOf(args, 1)];
  const is = (holds: boolean): Uint8Array => u64(holds ? 1 : 0);
  return [encodeUtf8(addressClass(ip)), is(isAdmissible(policy, ip)), is(isLimited(policy, ip)), subnetBytes(ip)];
}

function runTable(args: Arguments): Answer {
  const [bucketSize, replacementsMax, subnetBucketMax, subnetTableMax, failuresMax] = [1, 2, 3, 4, 5].map((at) =>
    args.number(at, UINT32_MAX),
  );
  const bounds = {
    bucketSize: bucketSize ?? 0,
    replacementsMax: replacementsMax ?? 0,
    subnetBucketMax: subnetBucketMax ?? 0,
    subnetTableMax: subnetTableMax ?? 0,
    failuresMax: failuresMax ?? 0,
    policy: policyOf(args, 6),
  };
  const table = new RoutingTable(args.bytes(0, ID_BYTES), bounds);
  for (const event of args.rest(7)) {
    const id = event.subarray(1, 1 + ID_BYTES);
    const ip = event.subarray(1 + ID_BYTES);
    const peer = toHex(id) as PeerId;
    if (event[0] === 1 && event.length === 1 + ID_BYTES) table.failed(peer, id);
    else if (event[0] === 0 && (ip.length === 4 || ip.length === 16)) table.seen({ peer, id, host: ip, addresses: [] });
    else throw new RefusedArguments('an event is seen with an id and an address, or failed with an id');
  }
  return table
    .buckets()
    .flatMap(({ index, entries, cache }) => [
      Uint8Array.of(index),
      concatBytes(...entries.map(({ contact }) => contact.id)),
      concatBytes(...cache.map(({ id }) => id)),
    ]);
}

function judgeRecord(crypto: CryptoProvider, args: Arguments): Answer {
  const rules = rulesOf(crypto, args, policyOf(args, 1));
  const from = args.bytes(3);
  if (from.length !== ID_BYTES && from.length !== 4 && from.length !== 16)
    throw new RefusedArguments('a sender is a PeerId or an IP address');
  const sender = from.length === ID_BYTES ? { peer: toHex(from) as PeerId } : { host: from };
  const judged = judgeProvider(rules, sender, args.number(2, Number.MAX_SAFE_INTEGER), args.bytes(4));
  return 'error' in judged ? { error: judged.error } : [judged.record.key, idBytes(judged.peer)];
}

function readValue(crypto: CryptoProvider, args: Arguments): Answer {
  const read = judgeValue(rulesOf(crypto, args, 'devnet'), args.text(1), args.bytes(2));
  return 'error' in read ? { error: read.error } : [read.key, u64(read.sequence)];
}

function keep(crypto: CryptoProvider, args: Arguments): Answer {
  const rules = rulesOf(crypto, args, 'devnet');
  const namespace = args.text(1);
  const [coming, ...held] = args.rest(3).map((content) => {
    const read = judgeValue(rules, namespace, content);
    if ('error' in read) throw new RefusedArguments('all contents are in order');
    return { content, hash: crypto.sha256(content), ...read };
  });
  if (coming === undefined || held.some(({ key }) => !equalBytes(key, coming.key)))
    throw new RefusedArguments('all contents are of one key');
  const kept = keepRivals(namespace, args.u64(2), held, coming);
  return 'error' in kept ? { error: kept.error } : kept.map(({ content }) => content);
}

function readListText(args: Arguments): Answer {
  const hint = parseListText(args.text(0));
  const text = hint === undefined ? undefined : addressText(hint.address);
  return hint?.peer === undefined || text === undefined ? { error: 'E_DHT_FORM' } : [idBytes(hint.peer), encodeUtf8(text)];
}

function size(args: Arguments): Answer {
  const most = args.number(0, UINT32_MAX);
  if (args.count % 2 !== 1) throw new RefusedArguments('each sample has a count and a distance');
  const samples = Array.from({ length: (args.count - 1) / 2 }, (_, index) => ({
    count: args.number(1 + 2 * index, UINT32_MAX),
    farthest: BigInt(`0x${toHex(args.bytes(2 + 2 * index, ID_BYTES))}`),
  }));
  const isSample = samples.every(({ count, farthest }) => count >= 1 && count <= most && farthest > 0n);
  if (!isSample) throw new RefusedArguments('a sample has 1 to k contacts at a distance');
  return [u64(estimateSize(most, samples))];
}

/** The functions of chapter 08 by their names. */
export const DHT_FUNCTIONS: Readonly<
  Record<string, { readonly arity: number | undefined; readonly run: (crypto: CryptoProvider, args: Arguments) => Answer }>
> = {
  'dht.bucket': { arity: 2, run: (_, args) => bucket(args) },
  'dht.closest': { arity: undefined, run: (_, args) => closest(args) },
  'dht.address': { arity: 2, run: (_, args) => judgeAddress(args) },
  'dht.table': { arity: undefined, run: (_, args) => runTable(args) },
  'dht.provider': { arity: 5, run: judgeRecord },
  'dht.value': { arity: 3, run: readValue },
  'dht.keep': { arity: undefined, run: keep },
  'dht.list_text': { arity: 1, run: (_, args) => readListText(args) },
  'dht.size': { arity: undefined, run: (_, args) => size(args) },
};
