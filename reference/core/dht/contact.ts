/** A contact as the tables and lookups of the DHT hold it. */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { KnownContact, PeerId } from '../types.ts';
import { idBytes } from '../wire/body.ts';
import { addressText } from '../wire/contact.ts';
import { type AddressPolicy, type Host, hostOf, isAdmissible, isLocal } from './address.ts';

/** Somebody with an address; `host` is where it answered from, or the first of what is claimed. */
export interface Contact extends KnownContact {
  /** The PeerId's 32 bytes. */
  readonly id: Uint8Array;
  readonly host: Host;
}

/** Bytes of ids lately spoken of: replies name the same contacts again and again. */
const idsKnown = new Map<PeerId, Uint8Array>();
const IDS_KNOWN_MAX = 16_384;

/** The 32 bytes of a PeerId; nobody writes to them. */
export function bytesOfPeer(peer: PeerId): Uint8Array {
  const known = idsKnown.get(peer);
  if (known !== undefined) return known;
  if (idsKnown.size >= IDS_KNOWN_MAX) idsKnown.clear();
  const bytes = idBytes(peer);
  idsKnown.set(peer, bytes);
  return bytes;
}

/** The addresses that are admissible, local ones only if `local`, each once and up to `countMax`. Spec: DHT-012, DHT-013 */
export function usableAddresses(
  policy: AddressPolicy,
  addresses: readonly Address[],
  local: boolean,
  countMax: number,
): readonly Address[] {
  const texts = new Set<string>();
  const usable: Address[] = [];
  for (const address of addresses) {
    const host = hostOf(address);
    const text = addressText(address);
    if (host === undefined || text === undefined || texts.has(text)) continue;
    if (!isAdmissible(policy, host) || (isLocal(host) && !local)) continue;
    texts.add(text);
    if (usable.length < countMax) usable.push(address);
  }
  return usable;
}

/** A contact with these addresses, or undefined when there are none. */
export function makeContact(peer: PeerId, addresses: readonly Address[], host?: Host): Contact | undefined {
  const [first] = addresses;
  const at = host ?? (first === undefined ? undefined : hostOf(first));
  if (first === undefined || at === undefined) return undefined;
  return { peer, id: bytesOfPeer(peer), host: at, addresses };
}
