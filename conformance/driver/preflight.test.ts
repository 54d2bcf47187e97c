import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Clock, type HelloResponse, HelloResponseSchema, Randomness } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { Setup, Step } from './plan.ts';
import { preflight, preflightWire } from './preflight.ts';

function hello(capabilities: readonly string[], commands: readonly string[] = []): HelloResponse {
  return create(HelloResponseSchema, {
    capabilities: ['established', ...capabilities],
    commands: [...commands],
    clock: Clock.VIRTUAL,
    randomness: Randomness.SEEDED,
  });
}

const frame = { kind: 8, body: { type: 'raw', bytes: '' } } as const;
const NEEDS: readonly (readonly [capability: string, step: Step])[] = [
  ['datagrams', { op: 'datagram', from: '1.2.3.4:5', frame }],
  ['datagrams', { op: 'rawDatagram', from: '1.2.3.4:5', bytes: '' }],
  ['datagrams', { op: 'behave', as: 'silent', at: '1.2.3.4:5', peer: 'alice' }],
  ['outbound', { op: 'behave', as: 'silent', at: ['ws://1.2.3.4:5'], peer: 'alice' }],
  ['outbound', { op: 'dialFailed' }],
  ['resolve', { op: 'resolved', name: 'a.example', texts: [] }],
  ['commands', { op: 'command', command: 'toy.add', args: [], label: 'a' }],
];

describe('what a plan needs of an adapter', () => {
  test.each(NEEDS)('%s, for %o', (capability, step) => {
    const plan = { setup: {}, steps: [step] };
    expect(preflight(plan, hello([]))).toContain(`"${capability}"`);
    expect(preflight(plan, hello([capability], ['toy.add']))).toBeUndefined();
  });

  test('commands by their names, and a ledger', () => {
    const step: Step = { op: 'command', command: 'toy.add', args: [], label: 'a' };
    expect(preflight({ setup: {}, steps: [step] }, hello(['commands'], ['toy.sub']))).toContain('toy.add');
    const ledger = { genesisMs: 0, accounts: [], leaders: [] };
    expect(preflight({ setup: { ledger }, steps: [] }, hello([]))).toContain('"ledger"');
    expect(preflight({ setup: { ledger }, steps: [] }, hello(['ledger']))).toBeUndefined();
  });
});

describe('what level wire has not', () => {
  test('commands, dials, names and nodes made for the plan', () => {
    const adapterOnly = NEEDS.filter(([capability]) => capability !== 'datagrams');
    for (const [, step] of adapterOnly) expect(preflightWire({ setup: {}, steps: [step] })).toContain('level adapter');
    const setups: readonly Setup[] = [{ bootstrap: [] }, { protectedPeers: [] }, { roles: 1 }, { listenAddresses: [] }];
    for (const setup of setups) expect(preflightWire({ setup, steps: [] })).toContain('level adapter');
  });

  test('datagrams and automatic peers that answer them are no hindrance', () => {
    for (const [, step] of NEEDS.filter(([capability]) => capability === 'datagrams')) {
      expect(preflightWire({ setup: {}, steps: [step] })).toBeUndefined();
    }
  });
});
