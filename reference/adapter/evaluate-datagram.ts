/** The functions `datagram.…` of Evaluate, answered by the core. Spec: chapter 23, "Evaluate" */
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { PRESETS } from '../core/params.ts';
import type { ErrorName } from '../core/types.ts';
import { datagramTag, encodeDatagram, makeProof, readDatagram, verifyProof } from '../core/wire/datagram.ts';
import { type Arguments, RefusedArguments, u64 } from './arguments.ts';

/** Network id, cookie, token, frame, secret seed or nothing. */
export function writeDatagram(crypto: CryptoProvider, args: Arguments): readonly Uint8Array[] {
  const [networkId, cookie, token, frame, seed] = [args.networkId(0), args.bytes(1, 8), args.bytes(2, 8), args.bytes(3), args.bytes(4)];
  const parts = { tag: datagramTag(crypto, networkId), cookie, token, frame };
  if (seed.length === 0) return [encodeDatagram(parts)];
  if (seed.length !== 32) throw new RefusedArguments(`argument 4 is a seed of ${seed.length} bytes`);
  const key = { networkId, seed, publicKey: crypto.ed25519PublicKey(seed) };
  return [encodeDatagram({ ...parts, proof: makeProof(crypto, key, cookie, frame) })];
}

/** Network id, datagram. */
export function takeDatagramApart(crypto: CryptoProvider, args: Arguments): readonly Uint8Array[] | { readonly error: ErrorName } {
  const networkId = args.networkId(0);
  const datagram = readDatagram(datagramTag(crypto, networkId), args.bytes(1), PRESETS.conformance['datagram.bytes_max']);
  if (!datagram.ok) return { error: datagram.code };
  const { cookie, token, row, requestId, body, frame, proof } = datagram;
  const publicKey = proof === undefined ? new Uint8Array(0) : verifyProof(crypto, networkId, cookie, frame, proof);
  if (publicKey === undefined) return { error: 'E_DATAGRAM_PROOF' };
  return [cookie, token, u64(row.kind), u64(requestId), body, publicKey];
}
