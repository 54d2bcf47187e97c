/** The state of the DHT for people. */
import { addressText } from '../wire/contact.ts';
import { type DhtState, networkSizeOf } from './state.ts';

/** Plain data: the table by buckets, what is kept, and the estimate. */
export function describeDht(state: DhtState): unknown {
  return {
    contacts: state.table.size,
    networkSize: networkSizeOf(state),
    candidates: state.candidates.size,
    lookups: state.lookups.size,
    stored: state.store.size,
    published: state.publications.size,
    buckets: state.table.buckets().map(({ index, entries, cache }) => ({
      bucket: index,
      entries: entries.map(({ contact, failures }) => ({ peer: contact.peer, addresses: contact.addresses.map(addressText), failures })),
      waiting: cache.map(({ peer }) => peer),
    })),
  };
}
