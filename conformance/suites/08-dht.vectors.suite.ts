/** Chapter 08 by vectors: distances, addresses, tables, records, values, list texts and the size of the network. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const PROVIDER = 'dht/provider.json';
const VALUE = 'dht/value.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({ id: 'dht.distance.order', title: 'Ids are ordered by their exclusive or', file: 'dht/closest.json', clauses: ['DHT-001'] }),
  vectorCheck({ id: 'dht.bucket.distance', title: 'The distance is the exclusive or', file: 'dht/bucket.json', clauses: ['DHT-001'] }),
  vectorCheck({
    id: 'dht.bucket.index',
    title: 'The bucket is the highest bit of the distance, 0 to 255, and nobody has one of his own',
    file: 'dht/bucket.json',
    clauses: ['DHT-002'],
  }),
  vectorCheck({ id: 'dht.address.class', title: 'Every range of addresses has its class', file: 'dht/address.json', clauses: ['DHT-010'] }),
  vectorCheck({ id: 'dht.address.policy', title: 'The policy decides by the class', file: 'dht/address.json', clauses: ['DHT-011'] }),
  vectorCheck({
    id: 'dht.table.seen',
    title: 'Who is seen goes to the tail, or waits where there is no room',
    file: 'dht/table.json',
    clauses: ['DHT-020'],
  }),
  vectorCheck({
    id: 'dht.table.subnets',
    title: 'A subnet has its share of a bucket with its cache, and of the table',
    file: 'dht/table.json',
    clauses: ['DHT-025'],
  }),
  vectorCheck({
    id: 'dht.table.failed',
    title: 'Who fails too often makes room for the newest that waits',
    file: 'dht/table.json',
    clauses: ['DHT-028'],
  }),
  vectorCheck({ id: 'dht.provider.envelope', title: 'Records get the verdicts of chapter 02', file: PROVIDER, clauses: ['DHT-051'] }),
  vectorCheck({ id: 'dht.provider.form', title: 'Keys and addresses of records have their sizes', file: PROVIDER, clauses: ['DHT-052'] }),
  vectorCheck({ id: 'dht.provider.sender', title: 'A record is brought by its signer', file: PROVIDER, clauses: ['DHT-053'] }),
  vectorCheck({ id: 'dht.provider.address', title: 'A record names an address that can be used', file: PROVIDER, clauses: ['DHT-054'] }),
  vectorCheck({ id: 'dht.provider.time', title: 'Records live as long as they may', file: PROVIDER, clauses: ['DHT-055'] }),
  vectorCheck({ id: 'dht.value.key', title: 'The key follows from namespace and name', file: VALUE, clauses: ['DHT-061'] }),
  vectorCheck({ id: 'dht.value.size', title: 'Contents have at most 1,000 bytes', file: VALUE, clauses: ['DHT-062'] }),
  vectorCheck({ id: 'dht.value.namespace', title: 'Namespaces are those of the table', file: VALUE, clauses: ['DHT-063'] }),
  vectorCheck({ id: 'dht.value.envelope', title: 'Signed contents get the verdicts of chapter 02', file: VALUE, clauses: ['DHT-064'] }),
  vectorCheck({ id: 'dht.value.form', title: 'Payloads fit their namespace', file: VALUE, clauses: ['DHT-065'] }),
  vectorCheck({ id: 'dht.keep.mutable', title: 'The larger sequence stays', file: 'dht/keep.json', clauses: ['DHT-067'] }),
  vectorCheck({
    id: 'dht.keep.once',
    title: 'Whatever the order of arrival, the two smallest hashes stay',
    file: 'dht/keep.json',
    clauses: ['DHT-068'],
  }),
  vectorCheck({ id: 'dht.list.text', title: 'Texts of lists are read strictly', file: 'dht/list-text.json', clauses: ['DHT-100'] }),
  vectorCheck({ id: 'dht.size.estimate', title: 'The estimate is computed with integers', file: 'dht/size.json', clauses: ['DHT-110'] }),
];
