/** What Create says of a node, checked, in the form in which every start of it is made. Spec: chapter 23, CNF-008 */
import type { CreateRequest, LedgerPort as LedgerState } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import { toHex } from '../core/bytes.ts';
import type { LedgerPort } from '../core/mempool/contract.ts';
import { makeParams, type Params, type PresetName } from '../core/params.ts';
import type { PeerId } from '../core/types.ts';

/** What a start needs. */
export interface Birth {
  readonly params: Params;
  readonly seed: Uint8Array;
  readonly identitySeed: Uint8Array;
  readonly networkId: Uint8Array;
  readonly wallStartMs: number;
  readonly stakes: ReadonlyMap<PeerId, bigint>;
  readonly applicationValidation: boolean;
  readonly roles: number;
  readonly listenAddresses: readonly Address[];
  readonly bootstrap: readonly string[];
  readonly protectedPeers: ReadonlySet<PeerId>;
  readonly ledger?: LedgerPort;
}

/** Entries of one list of Create. */
const ENTRIES_MAX = 100_000;
/** Role bits of a node that names none: app. */
const ROLE_APP = 1;

/** A wire integer as a number, or undefined where a number is not exact. */
export function safeNumber(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** Why a request cannot be carried out as it stands. */
class Refusal extends Error {}

/** What the request says, or why it cannot be. */
export function birthOf(request: CreateRequest): Birth | string {
  try {
    return read(request);
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

function read(request: CreateRequest): Birth {
  if (request.seed.length !== 32) throw new Refusal(`seed has ${request.seed.length} bytes instead of 32`);
  if (request.identitySeed.length !== 32) throw new Refusal(`identity_seed has ${request.identitySeed.length} bytes instead of 32`);
  const idBytes = request.networkId.length;
  if (idBytes < 1 || idBytes > 32) throw new Refusal(`network_id has ${idBytes} bytes instead of 1 to 32`);
  const wallStartMs = safeNumber(request.wallStartMs);
  if (wallStartMs === undefined) throw new Refusal('wall_start_ms is above 2^53 - 1');
  // The builder refuses a preset that it does not know.
  const made = makeParams(request.preset as PresetName, request.overrides);
  if (!made.ok) throw new Refusal(`${made.code}: ${made.message}`);
  const { params } = made;
  const ledger = request.ledger === undefined ? undefined : ledgerOf(request.ledger, params['schedule.slot_ms']);
  return {
    params,
    seed: request.seed,
    identitySeed: request.identitySeed,
    networkId: request.networkId,
    wallStartMs,
    stakes: byPeer('stake', request.stakes, ({ amount }) => amount),
    applicationValidation: request.applicationValidation,
    roles: request.roles === 0 ? ROLE_APP : request.roles,
    listenAddresses: request.listenAddresses,
    bootstrap: request.bootstrapAddresses,
    protectedPeers: new Set(bounded('protected peers', request.protectedPeers).map(peerOf)),
    ...(ledger === undefined ? {} : { ledger }),
  };
}

function bounded<T>(what: string, entries: readonly T[]): readonly T[] {
  if (entries.length > ENTRIES_MAX) throw new Refusal(`at most ${ENTRIES_MAX} ${what}, not ${entries.length}`);
  return entries;
}

function peerOf(peerId: Uint8Array): PeerId {
  if (peerId.length !== 32) throw new Refusal(`a peer_id has ${peerId.length} bytes instead of 32`);
  return toHex(peerId) as PeerId;
}

function byPeer<T extends { readonly peerId: Uint8Array }, V>(
  what: string,
  entries: readonly T[],
  amountOf: (entry: T) => V,
): ReadonlyMap<PeerId, V> {
  const map = new Map<PeerId, V>();
  for (const entry of bounded(`${what}s`, entries)) {
    const peer = peerOf(entry.peerId);
    if (map.has(peer)) throw new Refusal(`two ${what}s of ${peer}`);
    map.set(peer, amountOf(entry));
  }
  return map;
}

/** A ledger that stands still while slots pass. */
function ledgerOf(state: LedgerState, slotMs: number): LedgerPort {
  const genesisMs = safeNumber(state.genesisMs);
  if (genesisMs === undefined) throw new Refusal('genesis_ms is above 2^53 - 1');
  const accounts = byPeer('account', state.accounts, ({ nonce, balance }) => ({ nonce, balance }));
  const leaders = bounded('leaders', state.leaders).map(peerOf);
  const nothing = { nonce: 0n, balance: 0n };
  return {
    slotAt: (wallMs) => BigInt(Math.max(0, Math.floor((wallMs - genesisMs) / slotMs))),
    slotStartMs: (slot) => genesisMs + Number(slot) * slotMs,
    accountOf: (peer) => accounts.get(peer) ?? nothing,
    leaderOf: (slot) => (leaders.length === 0 ? undefined : leaders[Number(slot % BigInt(leaders.length))]),
  };
}
