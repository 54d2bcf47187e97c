import { describe, expect, test } from 'vitest';
import { equal, utf8 } from '../model/bytes.ts';
import { judgeEnvelope, readEnvelope } from '../model/envelope.ts';
import { isAddress, readHello } from '../model/hello.ts';
import { NoiseFailure, NoiseSession, noisePrologue } from '../model/noise.ts';
import { type HandshakeMemory, type HandshakeOptions, KitHandshake } from './handshake.ts';
import { createIdentities } from './identities.ts';
import { helloOfSize } from './kit-hello.ts';
import type { HandshakeDefect } from './plan.ts';

const networkId = utf8('test');
const identities = createIdentities({ seed: 's', runId: 'r', networkId: 'test' });

function options(
  isInitiator: boolean,
  defect?: HandshakeDefect,
  memory: HandshakeMemory = { message3: undefined, nodeHello: undefined },
): HandshakeOptions {
  const link = isInitiator ? 1 : 2;
  return {
    isInitiator,
    networkId,
    identity: identities.of(isInitiator ? 'alice' : 'node'),
    staticKey: identities.staticKey(link),
    ephemeral: identities.ephemeralKey(link),
    capabilities: isInitiator ? ['gossip/1', 'direct/1'] : ['gossip/1'],
    roles: 1,
    listenAddresses: [],
    defect,
    memory,
  };
}

/** Runs both sides against each other until nobody has anything to say. */
function run(initiator: KitHandshake, responder: KitHandshake): Map<number, Uint8Array> {
  const seen = new Map<number, Uint8Array>();
  let queue = [...initiator.begin(), ...responder.begin()];
  for (let round = 0; queue.length > 0 && round < 4; round++) {
    const answers = queue.flatMap(({ number, bytes }) => {
      seen.set(number, bytes);
      return (number === 2 ? initiator : responder).receive(bytes);
    });
    queue = answers;
  }
  return seen;
}

function both(defect?: HandshakeDefect): {
  readonly initiator: KitHandshake;
  readonly responder: KitHandshake;
  readonly seen: Map<number, Uint8Array>;
} {
  const initiator = new KitHandshake(options(true, defect));
  const responder = new KitHandshake(options(false));
  return { initiator, responder, seen: run(initiator, responder) };
}

describe('a handshake in order', () => {
  test('SES-001 two kits make a session, know each other and share its capabilities', () => {
    const { initiator, responder, seen } = both();
    const [one, other] = [initiator.state, responder.state];
    if (one.phase !== 'done' || other.phase !== 'done') throw new Error(JSON.stringify([one, other]));
    expect(seen.get(1)?.length).toBe(32);
    expect(one.nodePeerId).toBe(identities.of('node').peerIdHex);
    expect(other.nodePeerId).toBe(identities.of('alice').peerIdHex);
    expect(one.capabilities).toEqual(['gossip/1']);
    expect(one.offered).toEqual(['gossip/1']);
    expect(other.offered).toEqual(['direct/1', 'gossip/1']);
    expect(equal(other.noise.open(one.noise.seal(utf8('to'))), utf8('to'))).toBe(true);
    expect(equal(one.noise.open(other.noise.seal(utf8('fro'))), utf8('fro'))).toBe(true);
  });

  test('the same keys give the same bytes', () => {
    expect([...both().seen]).toEqual([...both().seen]);
  });
});

/** Defects of the hello that leave Noise alone, with what the other side says of it. */
const HELLO_DEFECTS: readonly (readonly [defect: HandshakeDefect, reason: RegExp])[] = [
  [{ kind: 'staticKeySignature' }, /E_SIGNATURE/],
  [{ kind: 'otherStaticKey' }, /SES-015/],
  [{ kind: 'side' }, /SES-016/],
  [{ kind: 'reflectHello' }, /SES-015/],
  [{ kind: 'context', context: 'app' }, /E_CONTEXT/],
  [{ kind: 'network', networkId: 'other' }, /E_SIGNATURE/],
  [{ kind: 'version', version: 2 }, /E_PAYLOAD_VERSION/],
  [{ kind: 'version', version: 0 }, /IDN-038/],
  [{ kind: 'trailing', bytes: '00' }, /IDN-040/],
  [{ kind: 'minor', min: 1, max: 1 }, /SES-019/],
  [{ kind: 'capabilities', capabilities: ['b/1', 'a/1'] }, /SES-021/],
];

describe('defects of the hello', () => {
  test.each(HELLO_DEFECTS)('%j as initiator', (defect, reason) => {
    const { initiator, responder } = both(defect);
    expect(responder.state).toMatchObject({ phase: 'failed', reason: expect.stringMatching(reason) });
    expect(initiator.state.phase).toBe('done'); // whether there is a session is the other side's to say
  });

  test.each(HELLO_DEFECTS)('%j as responder', (defect, reason) => {
    const memory: HandshakeMemory = { message3: undefined, nodeHello: undefined };
    const first = new KitHandshake(options(false, undefined, memory));
    run(new KitHandshake(options(true)), first);
    const initiator = new KitHandshake(options(true));
    run(initiator, new KitHandshake(options(false, defect, memory)));
    // The reflected hello is the initiator's own of an earlier handshake, whose static key is the same here.
    expect(initiator.state).toMatchObject({ phase: 'failed', reason: expect.stringMatching(reason) });
  });

  test('listen addresses go into the hello as given', () => {
    const { seen, responder } = both({
      kind: 'addresses',
      addresses: [
        { ip4: '7f000001', port: 80, transport: 1 },
        { dns: 'Not-Lower', port: 0 },
      ],
    });
    expect(seen.has(3)).toBe(true);
    const state = responder.state;
    expect(state.phase).toBe('done'); // the kit's own reader leaves SES-024 to the node
  });
});

describe('defects of the messages', () => {
  test('a longer message 1 is one with a payload, so that whoever takes it could go on', () => {
    for (const defect of [
      { kind: 'message1Payload', bytes: '6161' },
      { kind: 'message1Length', size: 34 },
      { kind: 'oversize', message: 1, size: 5000 },
    ] as const) {
      const { initiator, responder, seen } = both(defect);
      expect(seen.get(1)?.length).toBe(defect.kind === 'message1Payload' ? 34 : defect.size);
      expect(responder.state).toMatchObject({ phase: 'failed', reason: expect.stringContaining('SES-002') });
      expect(initiator.state.phase).toBe('waiting');
    }
    expect(both({ kind: 'message1Length', size: 31 }).seen.get(1)?.length).toBe(31);
    expect(both({ kind: 'message1Length', size: 0 }).seen.get(1)?.length).toBe(0);
  });

  test('SES-005 a zero ephemeral is a failure of the other side, never an error of the kit', () => {
    const { responder, seen } = both({ kind: 'zeroEphemeral' });
    expect(seen.get(1)).toEqual(new Uint8Array(32));
    expect(responder.state.phase).toBe('failed');

    expect(responder.state).toMatchObject({ reason: expect.stringContaining('E_ZERO_SECRET') });

    // The model's own Noise, as a node in order would use it.
    const initiator = new KitHandshake(options(true, { kind: 'zeroEphemeral' }));
    const [first] = initiator.begin();
    const blind = new NoiseSession({
      initiator: false,
      prologue: noisePrologue(networkId),
      staticSecret: identities.staticKey(2).secret,
      ephemeralSecret: identities.ephemeralKey(2).secret,
    });
    blind.readMessage(first?.bytes ?? new Uint8Array());
    expect(() => blind.writeMessage(new Uint8Array())).toThrow(NoiseFailure);
  });

  test('SES-013 another prologue: the node cannot open what the kit seals', () => {
    const { initiator, responder, seen } = both({ kind: 'prologue', networkId: 'other' });
    expect(seen.has(3)).toBe(true);
    expect(responder.state).toMatchObject({ phase: 'failed', reason: expect.stringContaining('message 3') });
    expect(initiator.state.phase).toBe('sent');
    const asInitiator = new KitHandshake(options(true));
    run(asInitiator, new KitHandshake(options(false, { kind: 'prologue', networkId: 'other' })));
    expect(asInitiator.state).toMatchObject({ phase: 'failed', reason: expect.stringContaining('message 2') });
  });

  test('SES-006 a flipped byte in message 3 or 2 does not decrypt', () => {
    for (const offset of [0, 20, 100, -1]) {
      expect(both({ kind: 'flipByte', message: 3, offset }).responder.state.phase).toBe('failed');
      const initiator = new KitHandshake(options(true));
      run(initiator, new KitHandshake(options(false, { kind: 'flipByte', message: 2, offset })));
      expect(initiator.state.phase).toBe('failed');
    }
  });

  test('SES-007 an oversize message 3 has exactly that size and is otherwise in order', () => {
    for (const size of [1_000, 4_096, 4_097, 4_500]) {
      const { responder, seen } = both({ kind: 'oversize', message: 3, size });
      expect(seen.get(3)?.length).toBe(size);
      expect(responder.state.phase).toBe('done'); // the kit itself has no bound, so nothing else is wrong with it
    }
    const padded = both({ kind: 'oversize', message: 3, size: 60_000 });
    expect(padded.seen.get(3)?.length).toBe(60_000);
    expect(padded.responder.state.phase).toBe('failed');
  });

  test('a replayed message 3 is the earlier one, and there is none at first', () => {
    const memory: HandshakeMemory = { message3: undefined, nodeHello: undefined };
    const early = new KitHandshake(options(true, { kind: 'replayMessage3' }, memory));
    expect(run(early, new KitHandshake(options(false))).has(3)).toBe(false);
    expect(early.state.phase).toBe('failed');
    const first = run(new KitHandshake(options(true, undefined, memory)), new KitHandshake(options(false)));
    const other = { ...options(false), ephemeral: identities.ephemeralKey(3) };
    const again = new KitHandshake({ ...options(true, { kind: 'replayMessage3' }, memory), ephemeral: identities.ephemeralKey(4) });
    const responder = new KitHandshake(other);
    expect(run(again, responder).get(3)).toEqual(first.get(3));
    expect(responder.state.phase).toBe('failed');
  });

  test('early data does not decrypt as message 3', () => {
    const { responder, initiator } = both({ kind: 'earlyData' });
    expect(responder.state.phase).toBe('failed');
    expect(initiator.state.phase).toBe('sent');
  });

  test.each([0, 1, 2] as const)('stopAfter %i says no more', (message) => {
    const { seen, initiator } = both({ kind: 'stopAfter', message });
    expect([...seen.keys()]).toEqual(message === 0 ? [] : [1, 2]); // 2 is the other side's
    expect(initiator.state.phase).toBe('sent');
    expect(initiator.permitted).toBeUndefined();
    const responder = new KitHandshake(options(false, { kind: 'stopAfter', message }));
    expect([...run(new KitHandshake(options(true)), responder).keys()]).toEqual(message === 2 ? [1, 2, 3] : [1]);
    expect(responder.state.phase).toBe('sent');
  });

  test('a defect of a message that the side does not send is the plan’s fault', () => {
    expect(() => new KitHandshake(options(false, { kind: 'earlyData' }))).toThrow(/responder/);
    expect(() => new KitHandshake(options(true, { kind: 'flipByte', message: 2, offset: 0 }))).toThrow(/initiator/);
  });
});

test('a hello of any size within the bounds is in order', () => {
  const identity = identities.of('alice');
  const staticKey = identities.staticKey(1).publicKey;
  for (let size = 500; size <= 4_600; size += 173) {
    const envelope = helloOfSize({ networkId, identity, staticKey, side: 'initiator', capabilities: ['gossip/1'], roles: 1 }, size);
    if (envelope === undefined) throw new Error(`no hello of ${size} bytes`);
    expect(envelope.length).toBe(size);
    const hello = readHello(readEnvelope(envelope)?.payload ?? new Uint8Array());
    expect(hello?.capabilities).toContain('gossip/1');
    expect(hello?.listenAddresses.every(isAddress)).toBe(true);
    expect(judgeEnvelope(networkId, 'handshake', envelope).verdict).toBe('accept');
  }
  expect(helloOfSize({ networkId, identity, staticKey, side: 'initiator', capabilities: [], roles: 1 }, 10)).toBeUndefined();
  expect(helloOfSize({ networkId, identity, staticKey, side: 'initiator', capabilities: [], roles: 1 }, 6_000)).toBeUndefined();
});
