/**
 * What integration tests and programs import: a node that runs (`startNode`), a network of them in
 * one process (`Devnet`), one in virtual time (`World`), and the bare core (`createNode`).
 */

export { portableCrypto } from './core/crypto/portable.ts';
export type { CryptoProvider } from './core/crypto/provider.ts';
export type { LocalNotice, LocalOutcome, LocalRequest, NodeEffect, NodeInput, NodeMachine } from './core/machine.ts';
export { createNode, type Node, type NodeOptions, VIEWS } from './core/node.ts';
export { makeParams, type ParameterName, type Params, type ParamsResult, PRESETS, type PresetName } from './core/params.ts';
export type { Direction, ErrorName, LinkId, MessageId, Now, PeerId, Verdict } from './core/types.ts';
export { derivePeerId, formatPeerId, parsePeerId } from './core/wire/peer-id.ts';
export {
  type Application,
  type FoundNodes,
  type FoundProviders,
  type FoundValue,
  RequestRefused,
  type Stored,
  type ValueToPut,
} from './runtime/application.ts';
export { type Clock, createSystemClock } from './runtime/clock.ts';
export { type ConfigDraft, type ConfigSources, defineConfig, loadConfig, type NodeConfig } from './runtime/config.ts';
export { nativeCrypto } from './runtime/crypto-native.ts';
export { Devnet, type DevnetMessage, type DevnetNode, type DevnetOptions } from './runtime/devnet.ts';
export { createKeyFile, readKeyFile } from './runtime/keys.ts';
export { createLog, type Log, type LogLevel } from './runtime/log.ts';
export { METRICS, type MetricInfo, type MetricKey, type Metrics } from './runtime/metrics.ts';
export { type DeliveredMessage, type NodeEnvironment, type NodeEvent, type RunningNode, startNode } from './runtime/node-host.ts';
export { Problem, type ProblemCode } from './runtime/problem.ts';
export type { OutcomeOf } from './runtime/requests.ts';
export type { LookUpTexts } from './runtime/resolver.ts';
export { createMemoryNetwork, type MemoryNetwork } from './runtime/transport/memory.ts';
export type { Transport } from './runtime/transport/transport.ts';
export { SPEC_VERSION, VERSION } from './runtime/version.ts';
export {
  type Actor,
  framesOf,
  type Place,
  plaintextsOf,
  type Script,
  type SeenFrame,
  scriptedActor,
  type Tampering,
  tamperedActor,
} from './sim/actor.ts';
export { type AddressPlan, type NodeAddress, sharedNetwork, splitPlan, spreadAddresses } from './sim/addresses.ts';
export { simulatedCrypto } from './sim/crypto.ts';
export { type DatagramModel, DEFAULT_DATAGRAMS, DEFAULT_LINKS, type LinkModel } from './sim/network.ts';
export { REGIONS, type Region, regionLatencyMs, usualRegion } from './sim/regions.ts';
export { allScenarios, findScenario } from './sim/scenarios/index.ts';
export { type Figure, isWithin, runScenario, type Scenario, type ScenarioParameter } from './sim/scenarios/scenario.ts';
export {
  type Delivery,
  type KillOptions,
  type NodeNotice,
  type PublishedMessage,
  QUIET,
  type Reach,
  type RequestOutcome,
  World,
  type WorldOptions,
  worldParams,
} from './sim/world.ts';
