/** The adapter as a function, for tests and for hosts that bring their own wire: bytes of a Request in, bytes of its Response out. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Request, RequestSchema, ResponseSchema } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { Adapter, type AdapterIdentity } from './adapter.ts';

/** The other end broke the protocol: its bytes are no Request. */
export class MalformedRequest extends Error {}

/** Starts an adapter without nodes. The function throws `MalformedRequest` for bytes that are no Request. */
export function createInProcessAdapter(crypto: CryptoProvider, identity: AdapterIdentity): (request: Uint8Array) => Uint8Array {
  const adapter = new Adapter(crypto, identity);
  return (bytes) => {
    let request: Request;
    try {
      request = fromBinary(RequestSchema, bytes);
    } catch (error) {
      throw new MalformedRequest(`${bytes.length} bytes are no Request: ${error instanceof Error ? error.message : String(error)}`);
    }
    return toBinary(ResponseSchema, adapter.answer(request));
  };
}
