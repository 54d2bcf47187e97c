/** Envelopes and payloads in order, from which the cases depart. */
import { utf8 } from '../../model/bytes.ts';
import { publicKey, sign } from '../../model/ed25519.ts';
import { type EnvelopeFields, makeAppPayload, signingBytes } from '../../model/envelope.ts';
import { makeHello } from '../../model/hello.ts';
import { bytesOf, seedOf } from '../draft.ts';

/** The network that the cases belong to, all of them alice's. */
export const NETWORK: Uint8Array = utf8('carillon-conformance');
/** Alice's secret seed. */
export const SEED: Uint8Array = seedOf('alice');
/** Alice's public key. */
export const KEY: Uint8Array = publicKey(SEED);

/** An AppPayload that is in order. */
export const APP: Uint8Array = makeAppPayload({ createdMs: 1_700_000_000_000, topic: 'app/chat', sequence: 1, data: utf8('hello') });

/** A HandshakeHello that is in order. */
export const HELLO: Uint8Array = makeHello({
  staticKey: bytesOf('static key', 32),
  side: 'initiator',
  capabilities: ['direct/1', 'gossip/1'],
  roles: 1,
  listenAddresses: [{ ip4: Uint8Array.of(127, 0, 0, 1), port: 7_000, transport: 1 }],
});

/** Envelope fields signed as they are, so that only what is asked for is out of order. */
export function signed(fields: Partial<EnvelopeFields>, networkId: Uint8Array = NETWORK): EnvelopeFields {
  const context = fields.context ?? 'app';
  const payload = fields.payload ?? APP;
  const signature = sign(SEED, signingBytes(networkId, context, payload));
  return { context, keyType: 1, publicKey: KEY, payload, signature, ...fields };
}
