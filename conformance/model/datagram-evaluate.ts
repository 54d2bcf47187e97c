/** The functions `datagram.…` of chapter 23. Each gives undefined for arguments of the wrong size. */
import { u64be } from './bytes.ts';
import { type DatagramFault, datagramFault, datagramTag, encodeDatagram, makeProof, readDatagram } from './datagram.ts';

type Args = readonly Uint8Array[];
type Values = { readonly values: readonly Uint8Array[] };

function isNetworkId(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes !== undefined && bytes.length >= 1 && bytes.length <= 32;
}

/** Network id → tag. */
export function evaluateTag([networkId]: Args): Values | undefined {
  return isNetworkId(networkId) ? { values: [datagramTag(networkId)] } : undefined;
}

/** Network id, cookie, token, frame, secret seed of the answerer or nothing → datagram. */
export function evaluateEncode([networkId, cookie, token, frame, seed]: Args): Values | undefined {
  if (!isNetworkId(networkId) || cookie?.length !== 8 || token?.length !== 8 || frame === undefined) return undefined;
  if (seed?.length !== 0 && seed?.length !== 32) return undefined;
  const proof = seed.length === 0 ? new Uint8Array() : makeProof(networkId, seed, cookie, frame);
  return { values: [encodeDatagram(networkId, { cookie, token, frame }, proof)] };
}

/** Network id, datagram → cookie, token, kind, request id, body, public key of the proof or nothing. */
export function evaluateDecode([networkId, bytes]: Args):
  | Values
  | { readonly error: DatagramFault['code']; readonly clause: string }
  | undefined {
  if (!isNetworkId(networkId) || bytes === undefined) return undefined;
  const fault = datagramFault(networkId, bytes);
  if (fault !== undefined) return { error: fault.code, clause: fault.clause };
  const datagram = readDatagram(networkId, bytes);
  if (datagram === undefined) throw new Error('a datagram in order can be read');
  const { cookie, token, frame, proof } = datagram;
  const values = [cookie, token, u64be(frame.kind), u64be(frame.requestId), frame.body, proof?.publicKey ?? new Uint8Array()];
  return { values };
}
