/** Every suite, by name: a file that is not listed here does not run. */

import type { Suite } from '../runner/registry.ts';
import { checks as conventionsReactions } from './01-conventions.reactions.suite.ts';
import { checks as conventionsVectors } from './01-conventions.vectors.suite.ts';
import { checks as identityPuzzle } from './02-identity.puzzle.suite.ts';
import { checks as identityUse } from './02-identity.use.suite.ts';
import { checks as identityVectors } from './02-identity.vectors.suite.ts';
import { checks as wireBodies } from './03-wire.bodies.suite.ts';
import { checks as wireDatagrams } from './03-wire.datagrams.suite.ts';
import { checks as wireFloods } from './03-wire.floods.suite.ts';
import { checks as wireFrames } from './03-wire.frames.suite.ts';
import { checks as wireQuestions } from './03-wire.questions.suite.ts';
import { checks as wireTransport } from './03-wire.transport.suite.ts';
import { checks as wireVectors } from './03-wire.vectors.suite.ts';
import { checks as sessionCapabilities } from './04-session.capabilities.suite.ts';
import { checks as sessionDuplicates } from './04-session.duplicates.suite.ts';
import { checks as sessionGoaway } from './04-session.goaway.suite.ts';
import { checks as sessionHandshake } from './04-session.handshake.suite.ts';
import { checks as sessionOutbound } from './04-session.outbound.suite.ts';
import { checks as sessionPing } from './04-session.ping.suite.ts';
import { checks as sessionRates } from './04-session.rates.suite.ts';
import { checks as sessionVectors } from './04-session.vectors.suite.ts';
import { checks as gossipDirect } from './05-gossip.direct.suite.ts';
import { checks as gossipInventory } from './05-gossip.inventory.suite.ts';
import { checks as gossipMempool } from './05-gossip.mempool.suite.ts';
import { checks as gossipPrune } from './05-gossip.prune.suite.ts';
import { checks as gossipPush } from './05-gossip.push.suite.ts';
import { checks as gossipScore } from './05-gossip.score.suite.ts';
import { checks as gossipVectors } from './05-gossip.vectors.suite.ts';
import { checks as gossipVerdict } from './05-gossip.verdict.suite.ts';
import { checks as recordsDatagrams } from './06-records.datagrams.suite.ts';
import { checks as recordsOwn } from './06-records.own.suite.ts';
import { checks as recordsPush } from './06-records.push.suite.ts';
import { checks as recordsTable } from './06-records.table.suite.ts';
import { checks as recordsVectors } from './06-records.vectors.suite.ts';
import { checks as recordsVerdict } from './06-records.verdict.suite.ts';
import { checks as reconciliationAnswering } from './07-reconciliation.answering.suite.ts';
import { checks as reconciliationAsking } from './07-reconciliation.asking.suite.ts';
import { checks as reconciliationTransactions } from './07-reconciliation.transactions.suite.ts';
import { checks as reconciliationVectors } from './07-reconciliation.vectors.suite.ts';
import { checks as dhtLookup } from './08-dht.lookup.suite.ts';
import { checks as dhtStore } from './08-dht.store.suite.ts';
import { checks as dhtTable } from './08-dht.table.suite.ts';
import { checks as dhtVectors } from './08-dht.vectors.suite.ts';
import { checks as overlayEager } from './09-overlay.eager.suite.ts';
import { checks as overlayLeaf } from './09-overlay.leaf.suite.ts';
import { checks as overlayRoute } from './09-overlay.route.suite.ts';
import { checks as overlaySupernode } from './09-overlay.supernode.suite.ts';
import { checks as overlayVectors } from './09-overlay.vectors.suite.ts';
import { checks as topologyAdmission } from './10-topology.admission.suite.ts';
import { checks as topologyDialling } from './10-topology.dialling.suite.ts';
import { checks as topologyPruning } from './10-topology.pruning.suite.ts';
import { checks as topologyVectors } from './10-topology.vectors.suite.ts';
import { checks as topologyWire } from './10-topology.wire.suite.ts';

export const suites: readonly Suite[] = [
  { file: '01-conventions.reactions.suite.ts', checks: conventionsReactions },
  { file: '01-conventions.vectors.suite.ts', checks: conventionsVectors },
  { file: '02-identity.puzzle.suite.ts', checks: identityPuzzle },
  { file: '02-identity.use.suite.ts', checks: identityUse },
  { file: '02-identity.vectors.suite.ts', checks: identityVectors },
  { file: '03-wire.bodies.suite.ts', checks: wireBodies },
  { file: '03-wire.datagrams.suite.ts', checks: wireDatagrams },
  { file: '03-wire.floods.suite.ts', checks: wireFloods },
  { file: '03-wire.frames.suite.ts', checks: wireFrames },
  { file: '03-wire.questions.suite.ts', checks: wireQuestions },
  { file: '03-wire.transport.suite.ts', checks: wireTransport },
  { file: '03-wire.vectors.suite.ts', checks: wireVectors },
  { file: '04-session.capabilities.suite.ts', checks: sessionCapabilities },
  { file: '04-session.duplicates.suite.ts', checks: sessionDuplicates },
  { file: '04-session.goaway.suite.ts', checks: sessionGoaway },
  { file: '04-session.handshake.suite.ts', checks: sessionHandshake },
  { file: '04-session.outbound.suite.ts', checks: sessionOutbound },
  { file: '04-session.ping.suite.ts', checks: sessionPing },
  { file: '04-session.rates.suite.ts', checks: sessionRates },
  { file: '04-session.vectors.suite.ts', checks: sessionVectors },
  { file: '05-gossip.direct.suite.ts', checks: gossipDirect },
  { file: '05-gossip.inventory.suite.ts', checks: gossipInventory },
  { file: '05-gossip.mempool.suite.ts', checks: gossipMempool },
  { file: '05-gossip.prune.suite.ts', checks: gossipPrune },
  { file: '05-gossip.push.suite.ts', checks: gossipPush },
  { file: '05-gossip.score.suite.ts', checks: gossipScore },
  { file: '05-gossip.vectors.suite.ts', checks: gossipVectors },
  { file: '05-gossip.verdict.suite.ts', checks: gossipVerdict },
  { file: '06-records.datagrams.suite.ts', checks: recordsDatagrams },
  { file: '06-records.own.suite.ts', checks: recordsOwn },
  { file: '06-records.push.suite.ts', checks: recordsPush },
  { file: '06-records.table.suite.ts', checks: recordsTable },
  { file: '06-records.vectors.suite.ts', checks: recordsVectors },
  { file: '06-records.verdict.suite.ts', checks: recordsVerdict },
  { file: '07-reconciliation.answering.suite.ts', checks: reconciliationAnswering },
  { file: '07-reconciliation.asking.suite.ts', checks: reconciliationAsking },
  { file: '07-reconciliation.transactions.suite.ts', checks: reconciliationTransactions },
  { file: '07-reconciliation.vectors.suite.ts', checks: reconciliationVectors },
  { file: '08-dht.lookup.suite.ts', checks: dhtLookup },
  { file: '08-dht.store.suite.ts', checks: dhtStore },
  { file: '08-dht.table.suite.ts', checks: dhtTable },
  { file: '08-dht.vectors.suite.ts', checks: dhtVectors },
  { file: '09-overlay.eager.suite.ts', checks: overlayEager },
  { file: '09-overlay.leaf.suite.ts', checks: overlayLeaf },
  { file: '09-overlay.route.suite.ts', checks: overlayRoute },
  { file: '09-overlay.supernode.suite.ts', checks: overlaySupernode },
  { file: '09-overlay.vectors.suite.ts', checks: overlayVectors },
  { file: '10-topology.admission.suite.ts', checks: topologyAdmission },
  { file: '10-topology.dialling.suite.ts', checks: topologyDialling },
  { file: '10-topology.pruning.suite.ts', checks: topologyPruning },
  { file: '10-topology.vectors.suite.ts', checks: topologyVectors },
  { file: '10-topology.wire.suite.ts', checks: topologyWire },
];
