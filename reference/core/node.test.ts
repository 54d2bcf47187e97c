import { describe, expect, test } from 'vitest';
import { concatBytes, encodeUtf8 } from './bytes.ts';
import { createNode, derivePeerId, type LinkId, makeParams, type Node, type NodeEffect, type NodeInput, portableCrypto } from './index.ts';
import { encodePing, encodePush } from './wire/body.ts';
import { encodeFrame, KIND_PING, KIND_PUSH, KIND_RECORD_PUSH, readFrame } from './wire/frame.ts';

const WALL_MS = 1_700_000_000_000;

function seedOf(label: string): Uint8Array {
  return portableCrypto.sha256(encodeUtf8(label));
}

function keyOf(label: string): Uint8Array {
  return portableCrypto.ed25519PublicKey(seedOf(label));
}

function make(label: string, overrides: Readonly<Record<string, string>> = {}): Node {
  const made = makeParams('conformance', overrides);
  if (!made.ok) throw new Error(made.message);
  return createNode({
    params: made.params,
    crypto: portableCrypto,
    seed: seedOf(`chance of ${label}`),
    identitySeed: seedOf(label),
    networkId: encodeUtf8('test'),
    stakes: new Map(),
  });
}

/** Nodes under one clock, joined by pipes. */
class Ground {
  readonly logs = new Map<Node, (NodeEffect & { readonly atMs: number })[]>();
  readonly #wires = new Map<string, { readonly to: Node; readonly link: LinkId }>();
  readonly #names = new Map<Node, string>();
  nowMs = 0;
  #links = 0;

  add(label: string, overrides: Readonly<Record<string, string>> = {}): Node {
    const node = make(label, overrides);
    this.logs.set(node, []);
    this.#names.set(node, label);
    return node;
  }

  give(node: Node, input: NodeInput): void {
    const pending: { node: Node; input: NodeInput }[] = [{ node, input }];
    for (let next = pending.shift(), count = 0; next !== undefined; next = pending.shift(), count++) {
      if (count > 10_000) throw new Error('the nodes do not come to rest');
      const effects = next.node.handle(next.input, { monoMs: this.nowMs, wallMs: WALL_MS + this.nowMs });
      this.logs.get(next.node)?.push(...effects.map((effect) => ({ ...effect, atMs: this.nowMs })));
      for (const effect of effects) {
        if (effect.type !== 'message' && effect.type !== 'close') continue;
        const wire = this.#wires.get(`${this.#names.get(next.node)} ${effect.link}`);
        if (wire === undefined) continue;
        if (effect.type === 'close') pending.push({ node: wire.to, input: { type: 'linkClosed', link: wire.link } });
        else pending.push({ node: wire.to, input: { type: 'message', link: wire.link, data: effect.data, text: false } });
      }
    }
  }

  join(a: Node, b: Node): void {
    const linkA = ++this.#links as LinkId;
    const linkB = ++this.#links as LinkId;
    this.#wires.set(`${this.#names.get(a)} ${linkA}`, { to: b, link: linkB });
    this.#wires.set(`${this.#names.get(b)} ${linkB}`, { to: a, link: linkA });
    this.give(b, { type: 'linkOpened', link: linkB, direction: 'inbound', address: `10.0.0.${linkA}` });
    this.give(a, { type: 'linkOpened', link: linkA, direction: 'outbound', address: `10.0.0.${linkB}` });
  }

  advance(ms: number): void {
    const target = this.nowMs + ms;
    for (let wakes = 0; wakes < 100_000; wakes++) {
      const due = [...this.logs.keys()].map((node) => ({ node, at: node.deadline() ?? Number.POSITIVE_INFINITY }));
      const next = due.reduce((a, b) => (b.at < a.at ? b : a));
      if (next.at > target) break;
      this.nowMs = Math.max(this.nowMs, next.at);
      this.give(next.node, { type: 'tick' });
    }
    this.nowMs = target;
  }

  delivered(node: Node): readonly string[] {
    const log = this.logs.get(node) ?? [];
    return log.flatMap((effect) => (effect.type === 'deliver' ? [String.fromCharCode(...effect.data)] : []));
  }
}

describe('nodes', () => {
  test('GSP-022, GSP-040: what one publishes reaches all along a line, once', () => {
    const ground = new Ground();
    const nodes = ['a', 'b', 'c', 'd'].map((label) => ground.add(label));
    nodes.slice(1).forEach((node, index) => {
      ground.join(nodes[index] as Node, node);
    });
    ground.give(nodes[0] as Node, { type: 'publish', topic: 'app/x', data: encodeUtf8('one') });
    ground.advance(5000);
    expect(nodes.slice(1).map((node) => ground.delivered(node))).toEqual([['one'], ['one'], ['one']]);
  });

  test('GSP-101: a node between gossip and direct peers bridges', () => {
    const ground = new Ground();
    const gossip = ground.add('gossip', { 'gossip.mode': 'only' });
    const bridge = ground.add('bridge');
    const direct = ground.add('direct', { 'gossip.mode': 'off' });
    ground.join(gossip, bridge);
    ground.join(direct, bridge);
    ground.give(direct, { type: 'publish', topic: 'app/x', data: encodeUtf8('from direct') });
    ground.give(gossip, { type: 'publish', topic: 'app/x', data: encodeUtf8('from gossip') });
    ground.advance(3000);
    expect(ground.delivered(gossip)).toContain('from direct');
    expect(ground.delivered(direct)).toContain('from gossip');
    expect(ground.delivered(bridge).toSorted()).toEqual(['from direct', 'from gossip']);
  });

  test('SES-052, SES-054: two nodes left alone keep their session', () => {
    const ground = new Ground();
    const a = ground.add('a');
    const b = ground.add('b');
    ground.join(a, b);
    ground.advance(600_000);
    expect(a.view('peers')).toMatchObject([{ peer: b.peerId, direction: 'outbound', rttMs: 0, score: 0 }]);
    expect(b.view('peers')).toMatchObject([{ peer: a.peerId, direction: 'inbound' }]);
    for (const log of ground.logs.values()) expect(log.filter((effect) => effect.type === 'close')).toEqual([]);
  });

  test('SES-070, SES-071: after a shutdown the peer is left, and dialled again when it said', () => {
    const ground = new Ground();
    const a = ground.add('a');
    const b = ground.add('b');
    ground.join(a, b);
    ground.give(b, { type: 'shutdown' });
    expect(ground.logs.get(a)?.filter((effect) => effect.type === 'sessionEnded')).toMatchObject([{ peer: b.peerId, code: 'E_SHUTDOWN' }]);
    ground.give(a, { type: 'connect', address: 'ws://b', expected: b.peerId });
    ground.advance(10_000);
    expect(ground.logs.get(a)?.filter((effect) => effect.type === 'dial')).toMatchObject([{ atMs: 5000, address: 'ws://b' }]);
  });
});

describe('one node', () => {
  const now = { monoMs: 0, wallMs: WALL_MS };
  const link = 1 as LinkId;

  function withPeer(): Node {
    const node = make('node');
    const publicKey = keyOf('peer');
    node.handle({ type: 'linkEstablished', link, direction: 'inbound', address: '10.0.0.1', publicKey, capabilities: ['gossip/1'] }, now);
    return node;
  }

  test('IDN-001: it has the PeerId of its key', () => {
    expect(make('node').peerId).toBe(derivePeerId(portableCrypto, 1, keyOf('node')));
  });

  test.each([-1, -1e15, 0.5, 1_700_000_000_000.25, 253_402_300_800_000, 1e18, Number.MAX_VALUE, Number.NaN])(
    'a wall clock of %d ms makes it throw nothing, and its records are strict',
    (wallMs) => {
      const node = make('node');
      const capabilities = ['gossip/1', 'records/1', 'reconcile/1', 'dht/1', 'overlay/1'];
      const opened = {
        type: 'linkEstablished',
        link,
        direction: 'inbound',
        address: '10.0.0.1',
        publicKey: keyOf('peer'),
        capabilities,
      } as const;
      const effects = [...node.handle(opened, { monoMs: 0, wallMs })];
      effects.push(...node.handle({ type: 'publish', topic: 'app/x', data: Uint8Array.of(1) }, { monoMs: 1, wallMs }));
      for (let ticks = 0; ticks < 200; ticks += 1) {
        const monoMs = node.deadline();
        if (monoMs === undefined || monoMs > 3_600_000) break;
        effects.push(...node.handle({ type: 'tick' }, { monoMs, wallMs }));
      }
      const plain = effects.flatMap((effect) => (effect.type === 'plaintext' ? [effect.data] : []));
      const pushes = plain
        .map((data) => readFrame(data, 0))
        .flatMap((frame) => (frame?.ok && frame.kind === KIND_RECORD_PUSH ? [frame] : []));
      expect(pushes.length).toBeGreaterThan(0);
    },
  );

  test('WIR-036: a body that another machine refuses decides before the frames behind it', () => {
    const node = withPeer();
    const data = concatBytes(
      encodeFrame(KIND_PUSH, 0, Uint8Array.of(0xff)),
      encodeFrame(KIND_PING, 1, encodePing({ nonce: new Uint8Array(8) })),
      encodeFrame(0, 0, new Uint8Array(0)),
    );
    const effects = node.handle({ type: 'plaintext', link, data }, now);
    expect(effects.map((effect) => effect.type)).toEqual(['violation', 'plaintext', 'close', 'sessionEnded']);
    expect(effects[2]).toMatchObject({ type: 'close', code: 'E_MALFORMED' });
  });

  test('WIR-035, CNV-012: the answer to a Ping leaves after what the frames before it brought, in one batch', () => {
    const node = withPeer();
    const ping = encodeFrame(KIND_PING, 1, encodePing({ nonce: new Uint8Array(8) }));
    const push = encodeFrame(KIND_PUSH, 0, encodePush({ topic: 'app/x', items: [{ hops: 0, envelope: Uint8Array.of(1) }] }));
    const effects = node.handle({ type: 'plaintext', link, data: concatBytes(push, ping, ping) }, now);
    expect(effects.map((effect) => effect.type)).toEqual(['verdict', 'plaintext']);
    const batch = effects[1];
    const first = batch?.type === 'plaintext' ? readFrame(batch.data, 0) : undefined;
    expect(first).toMatchObject({ ok: true, kind: 4, requestId: 1 });
  });

  test('CNV-014: the largest plaintext of the shortest frames is worked off in one input', () => {
    const made = makeParams('conformance', { 'rate.data.messages_per_s': '1000000', 'rate.data.bytes_per_s': '1000000' });
    if (!made.ok) throw new Error(made.message);
    const node = createNode({
      params: made.params,
      crypto: portableCrypto,
      seed: seedOf('x'),
      identitySeed: seedOf('node'),
      networkId: encodeUtf8('test'),
      stakes: new Map(),
    });
    node.handle(
      { type: 'linkEstablished', link, direction: 'inbound', address: 'x', publicKey: keyOf('peer'), capabilities: ['gossip/1'] },
      now,
    );
    const data = new Uint8Array(65_517);
    for (let offset = 0; offset < data.length; offset += 3) data.set([2, 33, 0], offset);
    expect(node.handle({ type: 'plaintext', link, data }, now)).toEqual([]);
    expect(node.deadline()).toBeGreaterThan(0);
  });

  test('what one input leaves undone is due at once, in the same order and with the same end', () => {
    const made = makeParams('conformance');
    if (!made.ok) throw new Error(made.message);
    const { params } = made;
    const plans = [undefined, 1, 3].map((localEventsMax) => {
      const limit = localEventsMax === undefined ? {} : { localEventsMax };
      const node = createNode({
        params,
        crypto: portableCrypto,
        seed: seedOf('x'),
        identitySeed: seedOf('node'),
        networkId: encodeUtf8('test'),
        stakes: new Map(),
        ...limit,
      });
      const effects: NodeEffect[] = [];
      const give = (input: NodeInput): void => {
        effects.push(...node.handle(input, now));
      };
      const push = encodeFrame(KIND_PUSH, 0, encodePush({ topic: 'app/x', items: [{ hops: 0, envelope: Uint8Array.of(1) }] }));
      const ping = encodeFrame(KIND_PING, 1, encodePing({ nonce: new Uint8Array(8) }));
      give({ type: 'linkEstablished', link, direction: 'inbound', address: 'x', publicKey: keyOf('peer'), capabilities: ['gossip/1'] });
      give({ type: 'plaintext', link, data: concatBytes(push, ping, push) });
      give({ type: 'plaintext', link, data: concatBytes(ping, push, encodeFrame(0, 0, new Uint8Array(0))) });
      for (let ticks = 0; ticks < 100 && node.deadline() === 0; ticks++) give({ type: 'tick' });
      return effects.filter((effect) => effect.type !== 'plaintext');
    });
    expect(plans[1]).toEqual(plans[0]);
    expect(plans[2]).toEqual(plans[0]);
    expect(plans[0]?.map((effect) => effect.type)).toEqual([
      'established',
      'verdict',
      'verdict',
      'verdict',
      'violation',
      'close',
      'sessionEnded',
    ]);
  });

  test('views are plain data, and SES-025: without secrets', () => {
    const node = withPeer();
    for (const name of ['peers', 'sessions', 'gossip']) {
      const text = JSON.stringify(node.view(name));
      expect(JSON.parse(text)).toEqual(node.view(name));
      expect(text).not.toContain(Buffer.from(seedOf('node')).toString('hex'));
    }
    expect(node.view('other')).toBeUndefined();
  });

  test('options of the wrong size are a bug of the program', () => {
    const made = makeParams('conformance');
    if (!made.ok) throw new Error(made.message);
    const good = {
      params: made.params,
      crypto: portableCrypto,
      seed: seedOf('x'),
      identitySeed: seedOf('n'),
      networkId: encodeUtf8('t'),
      stakes: new Map(),
    };
    expect(() => createNode({ ...good, identitySeed: new Uint8Array(31) })).toThrow('32 bytes');
    expect(() => createNode({ ...good, networkId: new Uint8Array(0) })).toThrow('network id');
    expect(() => createNode({ ...good, networkId: new Uint8Array(33) })).toThrow('network id');
  });
});
