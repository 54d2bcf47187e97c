/** The machine on its own: what it asks for and tells, input by input. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { AddressSchema, Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { LocalRequest } from '../machine.ts';
import { makeParams } from '../params.ts';
import { createRng } from '../rng.ts';
import type { LinkId, PeerId } from '../types.ts';
import type { TopologyInput, TopologyOptions, TopologyOutput } from './contract.ts';
import { createTopology } from './machine.ts';
import type { TopologyView } from './view.ts';

const peer = (name: string): PeerId => name.padEnd(64, '0') as PeerId;
const link = (id: number): LinkId => id as LinkId;

/** A machine on a clock of its own, with little room. */
function start(limits: Readonly<Record<string, string>> = {}, options: Partial<TopologyOptions> = {}) {
  const small = { mode: 'active', connections_min: '1', connections_target: '2', connections_high: '3', connections_max: '5', ...limits };
  const made = makeParams('conformance', Object.fromEntries(Object.entries(small).map(([name, value]) => [`topology.${name}`, value])));
  if (!made.ok) throw new Error(made.message);
  const machine = createTopology({
    params: made.params,
    crypto: portableCrypto,
    rng: createRng(new Uint8Array(32)),
    networkId: new Uint8Array(1),
    identitySeed: new Uint8Array(32),
    self: peer('5e1f'),
    stakeOf: () => 0n,
    scoreOf: () => 0,
    claimedRegionOf: () => '',
    usedMsOf: () => undefined,
    restUntilMs: () => 0,
    consensusPeers: () => new Set<PeerId>(),
    protectedPeers: new Set<PeerId>(),
    roles: 1,
    ...options,
  });
  let nowMs = 0;
  const give = (input: TopologyInput): readonly TopologyOutput[] => machine.handle(input, { monoMs: nowMs, wallMs: nowMs });
  return {
    machine,
    give,
    up: (id: number, name: string, direction: 'inbound' | 'outbound' = 'inbound', more: { roles?: number; listens?: string } = {}) =>
      give({
        type: 'sessionUp',
        link: link(id),
        peer: peer(name),
        publicKey: new Uint8Array(32),
        address: `45.1.${id}.9`,
        direction,
        capabilities: new Set(),
        roles: more.roles ?? 1,
        listenAddresses:
          more.listens === undefined
            ? []
            : [create(AddressSchema, { host: { case: 'dns', value: more.listens }, port: 80, transport: Transport.WS })],
      }),
    down: (id: number, name: string) => give({ type: 'sessionDown', link: link(id), peer: peer(name) }),
    ask: (request: LocalRequest) => give({ type: 'local', token: 7, request }),
    candidate: (name: string) =>
      give({
        type: 'local',
        token: 7,
        request: { type: 'topology.candidate', peer: peer(name), addresses: [`ws://${name}:80`], region: '' },
      }),
    /** Runs the timers up to a moment and gives what they gave. */
    runUntil: (untilMs: number): readonly TopologyOutput[] => {
      const outputs: TopologyOutput[] = [];
      for (let due = machine.deadline(); due !== undefined && due <= untilMs; due = machine.deadline()) {
        nowMs = Math.max(nowMs, due);
        outputs.push(...give({ type: 'tick' }));
      }
      nowMs = untilMs;
      return outputs;
    },
    view: (): TopologyView => machine.view() as TopologyView,
  };
}

const dialled = (outputs: readonly TopologyOutput[]): readonly string[] =>
  outputs.flatMap((output) => (output.type === 'connect' ? [output.address] : []));
const closed = (outputs: readonly TopologyOutput[]): readonly string[] =>
  outputs.flatMap((output) => (output.type === 'closeSession' ? [`${output.link} ${output.code}`] : []));

describe('dialling', () => {
  test('TOP-040: candidates are dialled at the next round, and no more than are wanted', () => {
    const node = start();
    for (const name of ['a', 'b', 'c', 'd']) node.candidate(name);
    expect(dialled(node.runUntil(5_000))).toHaveLength(2);
    expect(node.view().dials).toHaveLength(2);
  });

  test('TOP-042: a dial that nobody answers is given up after its time, and another one takes its place', () => {
    const node = start({ dial_timeout_ms: '5000', connections_target: '1', dials_max: '1' });
    node.candidate('a');
    node.candidate('b');
    const [first] = dialled(node.runUntil(3_000));
    const [second] = dialled(node.runUntil(9_000));
    expect([first, second].sort()).toEqual(['ws://a:80', 'ws://b:80']);
  });

  test('TOP-047: without candidates the DHT is asked, once in a while', () => {
    const node = start({ want_ms: '10000' });
    expect(node.give({ type: 'tick' })).toEqual([]);
    const asked = node.runUntil(25_000).filter(({ type }) => type === 'wantPeers');
    expect(asked).toEqual([
      { type: 'wantPeers', count: 2 },
      { type: 'wantPeers', count: 2 },
      { type: 'wantPeers', count: 2 },
    ]);
  });

  test('a peer that asked for a rest is not dialled before it is over', () => {
    const node = start({}, { restUntilMs: () => 20_000 });
    node.candidate('a');
    expect(dialled(node.runUntil(19_999))).toEqual([]);
    expect(dialled(node.runUntil(22_000))).toEqual(['ws://a:80']);
  });

  test('consensus peers are dialled beyond the target and never pruned', () => {
    const node = start({ newcomer_ms: '1' }, { consensusPeers: () => new Set([peer('c0')]) });
    for (const id of [1, 2, 3]) node.up(id, `a${id}`);
    node.give({
      type: 'candidate',
      peer: peer('c0'),
      addresses: [create(AddressSchema, { host: { case: 'dns', value: 'c0' }, port: 80, transport: Transport.WS })],
    });
    expect(dialled(node.runUntil(2_000))).toEqual(['ws://c0:80']);
  });
});

describe('sessions for one question', () => {
  /** A session that another machine wanted. */
  function transient(node: ReturnType<typeof start>, id: number, name: string): void {
    node.up(id, name, 'outbound');
    node.give({ type: 'dialEnded', address: `ws://${name}:80`, expected: undefined, peer: peer(name) });
  }

  test('TOP-070: they do not count, and end after their time', () => {
    const node = start({ transient_ms: '5000' });
    node.up(1, 'a');
    node.up(2, 'b');
    transient(node, 3, 'c');
    expect(node.machine.connected()).toEqual([peer('a'), peer('b')]);
    expect(closed(node.runUntil(4_999))).toEqual([]);
    expect(closed(node.runUntil(5_000))).toEqual(['3 E_PRUNED']);
  });

  test('they become ordinary ones when sessions are wanted', () => {
    const node = start({ transient_ms: '5000' });
    node.up(1, 'a');
    transient(node, 2, 'b');
    node.runUntil(3_000);
    expect(node.machine.connected()).toEqual([peer('a'), peer('b')]);
    expect(closed(node.runUntil(20_000))).toEqual([]);
  });

  test('what the operator asked for is no such session', () => {
    const node = start({ transient_ms: '5000' });
    node.up(1, 'a');
    node.up(2, 'b');
    node.give({ type: 'connect', address: 'ws://c:80' });
    transient(node, 3, 'c');
    expect(closed(node.runUntil(20_000))).toEqual([]);
  });

  test('TOP-071: there are not too many of them', () => {
    const node = start({ transient_max: '1', connections_target: '1' });
    node.up(1, 'a');
    transient(node, 2, 'b');
    node.up(3, 'c', 'outbound');
    expect(closed(node.give({ type: 'dialEnded', address: 'ws://c:80', expected: undefined, peer: peer('c') }))).toEqual(['3 E_BUDGET']);
  });
});

describe('bans', () => {
  test('TOP-084: who misbehaves too often is banned', () => {
    const node = start({ misbehaviour_max: '2' });
    node.up(1, 'a');
    const misbehave = () => closed(node.give({ type: 'misbehaved', peer: peer('a'), code: 'E_LIMIT', clause: 'RCN-001' }));
    expect([misbehave(), misbehave(), misbehave()]).toEqual([[], [], ['1 E_BANNED']]);
    expect(node.machine.isAllowed(peer('a'))).toBe(false);
  });

  test('TOP-084: misbehaviour is forgiven in time', () => {
    const node = start({ misbehaviour_max: '1', remember_ms: '10000' });
    node.up(1, 'a');
    const misbehave = () => closed(node.give({ type: 'misbehaved', peer: peer('a'), code: 'E_LIMIT', clause: 'RCN-001' }));
    expect(misbehave()).toEqual([]);
    node.runUntil(11_000);
    expect(misbehave()).toEqual([]);
  });

  test('a request has an outcome and a refusal a notice', () => {
    const node = start();
    node.up(1, 'a');
    expect(node.ask({ type: 'topology.ban', peer: peer('a'), durationMs: 5_000 })).toEqual([
      { type: 'closeSession', link: 1, code: 'E_BANNED', clause: 'TOP-080', retryAfterMs: 5_000 },
      { type: 'notice', notice: { type: 'topology.refused', peer: peer('a'), reason: 'E_BANNED' } },
      { type: 'outcome', token: 7, outcome: { type: 'topology.done' } },
    ]);
  });
});

describe('memory', () => {
  test('TOP-032: uptime adds up over sessions, and is forgotten after a long absence', () => {
    const node = start({ remember_ms: '60000', newcomer_ms: '10000', uptime_full_ms: '20000' });
    const scoreOf = (): number => node.view().sessions[0]?.score ?? -1;
    node.up(1, 'a');
    node.runUntil(6_000);
    node.down(1, 'a');
    node.runUntil(10_000);
    node.up(2, 'a');
    node.runUntil(14_000);
    node.give({ type: 'rtt', link: link(2), peer: peer('a'), ms: 10 });
    // Ten seconds in all: nobody is a newcomer any longer.
    expect(scoreOf()).toBe(250_000 + 250_000 + 125_000);
    node.down(2, 'a');
    node.runUntil(80_000);
    node.up(3, 'a');
    expect(scoreOf()).toBe(0);
  });

  test('a session that replaces another of the same peer goes on counting', () => {
    const node = start();
    node.up(1, 'a');
    node.runUntil(5_000);
    node.up(2, 'a');
    node.down(1, 'a');
    expect(node.view().sessions.map(({ peer: name }) => name)).toEqual([peer('a')]);
    expect(node.machine.connected()).toEqual([peer('a')]);
  });
});

test('TOP-001: a passive machine has no timers', () => {
  const node = start({ mode: 'passive' });
  for (const id of [1, 2, 3, 4, 5]) node.up(id, `a${id}`);
  node.candidate('b');
  expect(node.machine.deadline()).toBeUndefined();
});
