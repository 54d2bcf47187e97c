import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  Clock,
  type CreateRequest,
  EffectSchema,
  HelloResponseSchema,
  type InputRequest,
  type OpenRequest,
  Randomness,
  type StepResponse,
  StepResponseSchema,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { encodeBody } from '../model/bodies.ts';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { datagramFault, encodeDatagram, readDatagram } from '../model/datagram.ts';
import { encodeFrame } from '../model/frame.ts';
import type { Connection, ResponseResult } from './connection.ts';
import { adapterNetworkId, executePlan } from './execute.ts';
import { createIdentities } from './identities.ts';
import type { Plan, Setup, Step } from './plan.ts';
import type { Target } from './target.ts';
import type { Trace, TraceEvent } from './trace.ts';

const SEED = 'cd'.repeat(32);
const NETWORK = utf8(adapterNetworkId(SEED));
const OPTIONS = { seed: SEED, runId: 'run' };
const alice = createIdentities({ ...OPTIONS, networkId: adapterNetworkId(SEED) }).of('alice');

type EffectInit = NonNullable<MessageInitShape<typeof EffectSchema>['effect']>;

/** A node that does what the test says on each request: effects at the present time. */
class ScriptedTarget implements Target {
  readonly spec = { type: 'reference' } as const;
  readonly hello = create(HelloResponseSchema, {
    name: 'scripted',
    capabilities: ['established', 'outbound', 'datagrams', 'commands', 'ledger', 'resolve', 'gossip/1'],
    commands: ['toy.add'],
    clock: Clock.VIRTUAL,
    randomness: Randomness.SEEDED,
  });
  readonly connection = { fault: undefined } as Connection;
  readonly created: CreateRequest[] = [];
  readonly opened: OpenRequest[] = [];
  readonly inputs: InputRequest['input'][] = [];
  onInput: (input: InputRequest['input']) => readonly EffectInit[] = () => [];
  onOpen: (request: OpenRequest) => readonly EffectInit[] = () => [];
  onAdvance: (toMs: number) => readonly EffectInit[] = () => [];
  #nowMs = 0n;

  request(op: Parameters<Target['request']>[0]): Promise<ResponseResult> {
    let effects: readonly EffectInit[] = [];
    if (op.case === 'create') this.created.push(op.value);
    if (op.case === 'open') {
      this.opened.push(op.value);
      effects = this.onOpen(op.value);
    }
    if (op.case === 'input') {
      this.inputs.push(op.value.input);
      effects = this.onInput(op.value.input);
    }
    if (op.case === 'advance') {
      this.#nowMs = op.value.toMs;
      effects = this.onAdvance(Number(op.value.toMs));
    }
    const step: StepResponse = create(StepResponseSchema, {
      nowMs: this.#nowMs,
      effects: effects.map((effect) => create(EffectSchema, { atMs: this.#nowMs, effect })),
    });
    return Promise.resolve({ case: 'step', value: step });
  }

  nextNode(): number {
    return 1;
  }

  restart(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const run = (target: ScriptedTarget, steps: readonly Step[], setup: Setup = {}): Promise<Trace> =>
  executePlan(target, { setup, steps } satisfies Plan, OPTIONS);

function eventsOf<T extends TraceEvent['type']>(trace: Trace, type: T): readonly Extract<TraceEvent, { type: T }>[] {
  return trace.events.filter((event): event is Extract<TraceEvent, { type: T }> => event.type === type);
}

/** A question of the node: a Ping frame, which no reader takes from a datagram, but which can be read. */
const question = encodeDatagram(NETWORK, {
  cookie: unhex('0102030405060708'),
  token: new Uint8Array(8),
  frame: encodeFrame(2, 9, encodeBody('Ping', { nonce: new Uint8Array(8) })),
});

describe('commands', () => {
  const add: Step = { op: 'command', command: 'toy.add', args: [{ u64: 7 }, { peerId: 'alice' }], label: 'sum' };

  test('carry the bytes of their arguments; outcomes carry the label', async () => {
    const target = new ScriptedTarget();
    target.onInput = (input) =>
      input.case === 'command'
        ? [
            { case: 'notice', value: { notice: 'toy.busy', values: [Uint8Array.of(1)] } },
            { case: 'outcome', value: { token: input.value.token, values: [Uint8Array.of(2), new Uint8Array()] } },
          ]
        : [];
    const trace = await run(target, [add]);
    expect(target.inputs[0]).toMatchObject({ case: 'command', value: { command: 'toy.add', token: 1n } });
    expect(eventsOf(trace, 'sentCommand')).toMatchObject([{ label: 'sum', args: ['0000000000000007', alice.peerIdHex] }]);
    expect(eventsOf(trace, 'outcome')).toMatchObject([{ label: 'sum', command: 'toy.add', error: '', values: ['02', ''] }]);
    expect(eventsOf(trace, 'notice')).toMatchObject([{ notice: 'toy.busy', values: ['01'] }]);
  });

  test('outcomes can be referred to', async () => {
    const target = new ScriptedTarget();
    target.onInput = (input) =>
      input.case === 'command' ? [{ case: 'outcome', value: { token: input.value.token, values: [Uint8Array.of(5)] } }] : [];
    const again: Step = { op: 'command', command: 'toy.add', args: [{ ref: '$0.outcome.values.0' }], label: 'again' };
    await run(target, [add, again]);
    expect(target.inputs[1]).toMatchObject({ value: { args: [Uint8Array.of(5)], token: 2n } });
  });

  test('CNF-011: an outcome that nothing waits for breaks the protocol', async () => {
    const target = new ScriptedTarget();
    target.onInput = () => [
      { case: 'outcome', value: { token: 1n } },
      { case: 'outcome', value: { token: 1n } },
    ];
    await expect(run(target, [add])).rejects.toThrow('CNF-011');
  });

  test('that the adapter does not name are refused before the first step', async () => {
    await expect(run(new ScriptedTarget(), [{ ...add, command: 'toy.other' }])).rejects.toThrow('toy.other');
  });
});

describe('datagrams', () => {
  const retry: Step = {
    op: 'datagram',
    from: '198.18.0.9:4000',
    frame: { kind: 8, body: { type: 'raw', bytes: '' } },
    token: '0a'.repeat(8),
  };

  test('a reply repeats cookie and request id of the newest question to its address', async () => {
    const target = new ScriptedTarget();
    target.onAdvance = () => [{ case: 'datagram', value: { remoteAddress: '198.18.0.9:4000', data: question } }];
    const trace = await run(target, [{ op: 'advance', ms: 1 }, retry, { ...retry, from: '198.18.0.9:4001' }]);
    const [sent] = target.inputs;
    const read = sent?.case === 'datagram' ? readDatagram(NETWORK, sent.value.data) : undefined;
    expect(read && [hex(read.cookie), hex(read.token), read.frame.requestId]).toEqual(['0102030405060708', '0a'.repeat(8), 9]);
    expect(eventsOf(trace, 'datagram')).toMatchObject([
      { to: '198.18.0.9:4000', datagram: { cookie: '0102030405060708', frame: { body: { type: 'Ping' } }, fault: { clause: 'WIR-105' } } },
    ]);
    expect(eventsOf(trace, 'notSent')).toMatchObject([{ reason: expect.stringContaining('asked nothing') }]);
  });

  test('defects and bytes as they are', async () => {
    const target = new ScriptedTarget();
    const frame = { kind: 8, requestId: 3, body: { type: 'raw', bytes: '' } } as const;
    await run(target, [
      { op: 'datagram', from: '198.18.0.9:4000', frame, cookie: '00'.repeat(8), defect: { kind: 'tag' } },
      { op: 'datagram', from: '198.18.0.9:4000', frame, cookie: '00'.repeat(8), defect: { kind: 'network', networkId: 'other' } },
      { op: 'datagram', from: '198.18.0.9:4000', frame, cookie: '00'.repeat(8), defect: { kind: 'tail', bytes: 'ff' } },
      { op: 'rawDatagram', from: '198.18.0.9:4000', bytes: { size: 1_233 } },
    ]);
    const clauses = target.inputs.map((input) => (input.case === 'datagram' ? datagramFault(NETWORK, input.value.data)?.clause : ''));
    expect(clauses).toEqual(['WIR-103', 'WIR-103', 'WIR-107', 'WIR-101']);
  });

  test('come from IP addresses only', async () => {
    await expect(run(new ScriptedTarget(), [{ ...retry, from: 'somewhere:1' }])).rejects.toThrow('no IP address');
  });
});

describe('dials and setup', () => {
  test('a dial fails, the one to an address of several', async () => {
    const target = new ScriptedTarget();
    target.onAdvance = () => [
      { case: 'dial', value: { dial: 4n, address: 'ws://1.2.3.4:1' } },
      { case: 'dial', value: { dial: 5n, address: 'ws://1.2.3.4:2' } },
    ];
    await run(target, [
      { op: 'advance', ms: 1 },
      { op: 'dialFailed', dialled: 'ws://1.2.3.4:1' },
      { op: 'open', link: 1, peer: 'alice', mode: 'session', direction: 'outbound', roles: 5, listenAddresses: ['udp://1.2.3.4:9'] },
    ]);
    expect(target.inputs[0]).toMatchObject({ case: 'dialFailed', value: { dial: 4n } });
    expect(target.opened[0]).toMatchObject({
      dial: 5n,
      remoteAddress: '1.2.3.4',
      mode: { value: { roles: 5, listenAddresses: [{ host: { case: 'ip4' }, port: 9, transport: 3 }] } },
    });
  });

  test('Create carries what the setup says', async () => {
    const target = new ScriptedTarget();
    await run(target, [{ op: 'resolved', name: 'a.example', texts: ['x'] }], {
      bootstrap: ['udp://1.2.3.4:5'],
      protectedPeers: ['alice'],
      roles: 3,
      listenAddresses: ['ws://1.2.3.4:6'],
      ledger: { genesisMs: -1_000, accounts: [{ peer: 'alice', nonce: 1, balance: '18446744073709551615' }], leaders: ['alice'] },
    });
    expect(target.created[0]).toMatchObject({
      bootstrapAddresses: ['udp://1.2.3.4:5'],
      protectedPeers: [alice.peerId],
      roles: 3,
      listenAddresses: [{ port: 6, transport: 1 }],
      ledger: { accounts: [{ peerId: alice.peerId, nonce: 1n, balance: 2n ** 64n - 1n }], leaders: [alice.peerId] },
    });
    expect(target.inputs[0]).toMatchObject({ case: 'resolved', value: { name: 'a.example', texts: ['x'] } });
  });
});

describe('automatic peers', () => {
  const dial: EffectInit = { case: 'dial', value: { dial: 1n, address: 'ws://1.2.3.4:1' } };

  test('take a dial, hear the session and answer after their time', async () => {
    const target = new ScriptedTarget();
    let dialled = false;
    target.onAdvance = () => {
      if (dialled) return [];
      dialled = true;
      return [dial];
    };
    target.onOpen = ({ link }) => [
      { case: 'frame', value: { link, plaintext: encodeFrame(42, 0, encodeBody('Iwant', { ids: [new Uint8Array(32)] })) } },
    ];
    const answers = { Contact: { message: 'Ping', fields: { nonce: '00' } } };
    const trace = await run(target, [
      { op: 'behave', as: 'answers', with: answers, at: 'ws://1.2.3.4:1', peer: 'alice', capabilities: ['gossip/1', 'dht/1'] },
      { op: 'advance', ms: 10 },
    ]);
    expect(target.opened).toMatchObject([
      { dial: 1n, link: 1_000_001, mode: { value: { publicKey: alice.publicKey, capabilities: ['dht/1', 'gossip/1'] } } },
    ]);
    expect(eventsOf(trace, 'sessionUp')).toMatchObject([{ link: 1_000_001 }]);
    expect(eventsOf(trace, 'frame')).toHaveLength(1);
  });

  test('that are absent let the dial fail, and those that are lost leave it open', async () => {
    const target = new ScriptedTarget();
    target.onAdvance = () => [dial, { case: 'dial', value: { dial: 2n, address: 'ws://1.2.3.4:2' } }];
    const trace = await run(target, [
      { op: 'behave', as: 'absent', at: 'ws://1.2.3.4:1', peer: 'alice' },
      { op: 'behave', as: 'lost', at: 'ws://1.2.3.4:2', peer: 'alice' },
      { op: 'advance', ms: 1 },
      { op: 'open', link: 1, peer: 'alice', mode: 'session', direction: 'outbound' },
    ]);
    expect(target.inputs).toMatchObject([{ case: 'dialFailed', value: { dial: 1n } }]);
    expect(eventsOf(trace, 'notSent')).toHaveLength(1);
  });

  test('a name that nobody gave is a fault of the plan', async () => {
    await expect(run(new ScriptedTarget(), [{ op: 'behave', as: 'nobody', at: '1.2.3.4:5', peer: 'alice' }])).rejects.toThrow('nobody');
  });
});
