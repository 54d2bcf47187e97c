/** What programs and tests import from the core: the node, its words, its parameters and its primitives. */
export { fromHex, toHex } from './bytes.ts';
export { portableCrypto } from './crypto/portable.ts';
export type { CryptoProvider } from './crypto/provider.ts';
export type { Machine, NodeEffect, NodeInput, NodeMachine } from './machine.ts';
export { createNode, type Node, type NodeOptions } from './node.ts';
export {
  type GossipMode,
  makeParams,
  PARAMETER_TABLE,
  type ParameterInfo,
  type ParameterName,
  type Params,
  type ParamsResult,
  PRESETS,
  type PresetName,
} from './params.ts';
export { createRng, type Rng } from './rng.ts';
export type { MinorRange } from './session/capabilities.ts';
export {
  CAPABILITY_DIRECT,
  CAPABILITY_GOSSIP,
  type ClauseId,
  type Direction,
  type EnvelopeHash,
  ErrorCode,
  type ErrorName,
  type LinkId,
  type MessageId,
  type MonoMs,
  type Now,
  type PeerId,
  type Verdict,
  type WallMs,
} from './types.ts';
export { derivePeerId, formatPeerId, parsePeerId } from './wire/peer-id.ts';
