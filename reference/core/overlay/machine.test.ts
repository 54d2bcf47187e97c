/** The machine on its own: what it says, asks and sends, input by input. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { AddressSchema, Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { encodeUtf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { makeParams } from '../params.ts';
import type { LinkService } from '../ports.ts';
import { createRng } from '../rng.ts';
import { type AskId, CAPABILITY_OVERLAY, type KnownContact, type LinkId, type MessageId, type PeerId } from '../types.ts';
import { KIND_ATTACH, KIND_ATTACHED, KIND_DETACH, KIND_ROLE, KIND_ROUTE } from '../wire/frame.ts';
import {
  decodeAttached,
  decodeDetach,
  decodeRole,
  decodeRoute,
  encodeAttach,
  encodeAttached,
  encodeDetach,
  encodeRole,
  encodeRoute,
  type RoleName,
} from '../wire/overlay-body.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import type { OverlayInput, OverlayOptions, OverlayOutput } from './contract.ts';
import { createOverlay } from './machine.ts';

const NETWORK = encodeUtf8('test');
const WALL_START = 1_700_000_000_000;
const seedOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const person = (number: number): PeerId => derivePeerId(portableCrypto, 1, portableCrypto.ed25519PublicKey(seedOf(number)));
const link = (number: number): LinkId => number as LinkId;
const address = (host: string) => create(AddressSchema, { host: { case: 'dns', value: host }, port: 80, transport: Transport.WS });

type Sent = Extract<OverlayOutput, { readonly type: 'sendFrame' }>;
type Asked = Extract<OverlayOutput, { readonly type: 'ask' }>;

/** A machine of person 1 on a clock of its own; links 2, 3, … lead to persons 2, 3, … */
function start(overrides: Readonly<Record<string, string>> = {}, more: Partial<OverlayOptions> = {}) {
  const made = makeParams('conformance', { 'overlay.strategy': 'supernode', ...overrides });
  if (!made.ok) throw new Error(made.message);
  const { identitySeed = seedOf(1) } = more;
  /** What gossip would say. */
  const own = { carriedBytes: 0, accepted: 0, answered: 0, missed: 0 };
  const services = new Map<LinkId, LinkService>();
  const machine = createOverlay({
    params: made.params,
    crypto: portableCrypto,
    rng: createRng(Uint8Array.of(7)),
    networkId: NETWORK,
    identitySeed,
    self: derivePeerId(portableCrypto, 1, portableCrypto.ed25519PublicKey(identitySeed)),
    networkSize: () => 0,
    contactOf: () => undefined,
    serviceOf: (id) => services.get(id),
    isPruned: () => false,
    ownService: () => own,
    ...more,
  });
  let nowMs = 0;
  const give = (input: OverlayInput): readonly OverlayOutput[] => machine.handle(input, { monoMs: nowMs, wallMs: WALL_START + nowMs });
  return {
    machine,
    own,
    services,
    give,
    up: (number: number, capabilities: readonly string[] = [CAPABILITY_OVERLAY]) =>
      give({
        type: 'sessionUp',
        link: link(number),
        peer: person(number),
        publicKey: new Uint8Array(32),
        address: `ws://198.18.0.${number}:1`,
        direction: 'inbound',
        capabilities: new Set(capabilities),
        roles: 1,
        listenAddresses: [],
      }),
    frame: (number: number, kind: number, body: Uint8Array, requestId = 0) =>
      give({ type: 'frame', link: link(number), kind, requestId, body }),
    says: (number: number, role: RoleName) =>
      give({ type: 'frame', link: link(number), kind: KIND_ROLE, requestId: 0, body: encodeRole({ role }) }),
    answers: ({ ask, link: id }: Asked, accepted: boolean, alternatives: readonly KnownContact[] = []) =>
      give({ type: 'answered', ask, link: id, kind: KIND_ATTACHED, body: encodeAttached({ accepted, alternatives }) }),
    /** Lets time pass in small steps, with so many bytes carried in each second. */
    pass(ms: number, bytesPerS = 0): readonly OverlayOutput[] {
      const outputs: OverlayOutput[] = [];
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        const stepMs = Math.min(250, endMs - nowMs);
        nowMs += stepMs;
        own.carriedBytes += (bytesPerS * stepMs) / 1000;
        outputs.push(...give({ type: 'tick' }));
      }
      return outputs;
    },
  };
}

const frames = (outputs: readonly OverlayOutput[], kind: number): readonly Sent[] =>
  outputs.filter((output): output is Sent => output.type === 'sendFrame' && output.kind === kind);
const asks = (outputs: readonly OverlayOutput[]): readonly Asked[] =>
  outputs.filter((output): output is Asked => output.type === 'ask' && output.kind === KIND_ATTACH);
const roles = (outputs: readonly OverlayOutput[]): readonly string[] =>
  frames(outputs, KIND_ROLE).flatMap(({ link: id, body }) => {
    const role = decodeRole(body);
    return role.ok ? [`${id} ${role.value.role}`] : [];
  });
const routes = (outputs: readonly OverlayOutput[]) =>
  frames(outputs, KIND_ROUTE).flatMap(({ link: id, body }) => {
    const route = decodeRoute(body);
    return route.ok ? [{ link: Number(id), ...route.value }] : [];
  });

/** The body of a Route that person `from` makes for person `to`, as it stands after so many hops. */
function routeFrom(from: number, to: number, data: string, hops = 0): Uint8Array {
  const node = start({}, { identitySeed: seedOf(from) });
  node.up(to);
  const request = { type: 'overlay.send', to: person(to), topic: 'app/chat', data: encodeUtf8(data) } as const;
  const [route] = routes(node.give({ type: 'local', token: 1, request }));
  if (route === undefined) throw new Error('there is a session with the target');
  return encodeRoute({ target: person(to), hops, envelope: route.envelope });
}

/** A node that has become a supernode, with sessions 2 to 6. */
function supernode(overrides: Readonly<Record<string, string>> = {}) {
  const node = start(overrides);
  for (let number = 2; number <= 6; number++) node.up(number);
  const outputs = node.pass(30_000, 5_000);
  return { node, outputs };
}

describe('the overlay machine', () => {
  test('OVL-010, OVL-060: a session with overlay/1 hears the role at once, one without hears nothing', () => {
    const node = start();
    expect(roles(node.up(2))).toEqual(['2 leaf']);
    expect(node.up(3, ['gossip/1'])).toEqual([]);
    expect(node.pass(5_000).filter((output) => 'link' in output && output.link === link(3))).toEqual([]);
  });

  test('OVL-022: a leaf refuses an Attach', () => {
    const node = start();
    node.up(2);
    const [answer] = node.frame(2, KIND_ATTACH, encodeAttach(), 9);
    expect(answer).toMatchObject({ type: 'answer', link: 2, requestId: 9, kind: KIND_ATTACHED });
    expect(answer?.type === 'answer' && decodeAttached(answer.body)).toEqual({ ok: true, value: { accepted: false, alternatives: [] } });
  });

  test('OVL-025, OVL-026: a leaf asks supernodes, and no more than it wants', () => {
    const node = start();
    for (let number = 2; number <= 6; number++) node.up(number);
    const asked = [2, 3, 4, 5, 6].flatMap((number) => asks(node.says(number, 'supernode')));
    expect(asked.map(({ link: id }) => Number(id))).toEqual([2, 3, 4]);
    for (const one of asked) node.answers(one, true);
    expect(asks(node.pass(5_000))).toEqual([]);
    expect(node.machine.place()).toEqual({ role: 'leaf', via: [2, 3, 4].map(person) });
  });

  test('OVL-028: who refused is not asked again for a while, and then is', () => {
    const node = start();
    node.up(2);
    const [asked] = asks(node.says(2, 'supernode'));
    if (asked === undefined) throw new Error('it is asked');
    expect(asks(node.answers(asked, false))).toEqual([]);
    expect(asks(node.pass(9_900))).toEqual([]);
    expect(asks(node.pass(12_000)).length).toBeGreaterThan(0);
  });

  test('OVL-028: who does not answer is set aside for another', () => {
    const node = start();
    node.up(2);
    const [asked] = asks(node.says(2, 'supernode'));
    expect(asks(node.give({ type: 'unanswered', ask: asked?.ask as AskId, kind: KIND_ATTACH }))).toEqual([]);
    node.up(3);
    expect(asks(node.says(3, 'supernode')).map(({ link: id }) => Number(id))).toEqual([3]);
  });

  test('OVL-029: a leaf with nobody to ask dials an alternative that was named', () => {
    const node = start();
    node.up(2);
    const [asked] = asks(node.says(2, 'supernode'));
    if (asked === undefined) throw new Error('it is asked');
    const outputs = [...node.answers(asked, false, [{ peer: person(9), addresses: [address('nine')] }]), ...node.pass(2_000)];
    expect(outputs).toContainEqual({ type: 'connect', address: 'ws://nine:80', expected: person(9) });
  });

  test('OVL-029, OVL-026: a Detach ends the attachment, and its alternatives are dialled', () => {
    const node = start();
    node.up(2);
    const [asked] = asks(node.says(2, 'supernode'));
    if (asked === undefined) throw new Error('it is asked');
    node.answers(asked, true);
    const body = encodeDetach({ alternatives: [{ peer: person(9), addresses: [address('nine')] }] });
    const outputs = [...node.frame(2, KIND_DETACH, body), ...node.pass(2_000)];
    expect(node.machine.place().via).toEqual([]);
    expect(outputs).toContainEqual({ type: 'connect', address: 'ws://nine:80', expected: person(9) });
  });

  test('OVL-039: a role that nobody knows is none, and ends the attachment', () => {
    const node = start();
    node.up(2);
    const [asked] = asks(node.says(2, 'supernode'));
    if (asked === undefined) throw new Error('it is asked');
    node.answers(asked, true);
    node.frame(2, KIND_ROLE, Uint8Array.of(0x08, 0x63));
    expect(node.machine.place().via).toEqual([]);
  });

  test('WIR-041: a body that cannot be read ends the session', () => {
    const node = start();
    node.up(2);
    expect(node.frame(2, KIND_ROUTE, Uint8Array.of(0x0a, 0x20))).toContainEqual(expect.objectContaining({ type: 'closeSession', link: 2 }));
  });

  test('OVL-014 to OVL-016: who is fit becomes a candidate, and a supernode when it has stood for its time', () => {
    const { outputs } = supernode();
    const told = outputs.flatMap((output) =>
      output.type === 'notice' && output.notice.type === 'overlay.role' ? [output.notice.role] : [],
    );
    expect(told).toEqual(['candidate', 'supernode']);
    expect(roles(outputs).filter((text) => text.endsWith('supernode'))).toEqual([2, 3, 4, 5, 6].map((id) => `${id} supernode`));
    const node = start();
    for (let number = 2; number <= 6; number++) node.up(number);
    const sinceMs = new Map<string, number>();
    for (let ms = 250; ms <= 30_000; ms += 250) for (const text of roles(node.pass(250, 5_000))) sinceMs.set(text, ms);
    expect((sinceMs.get('2 supernode') ?? 0) - (sinceMs.get('2 candidate') ?? 0)).toBeGreaterThanOrEqual(5_000);
  });

  test('OVL-013: who carries nothing stays a leaf', () => {
    const node = start();
    for (let number = 2; number <= 6; number++) node.up(number);
    node.pass(60_000);
    expect(node.machine.place().role).toBe('leaf');
  });

  test('OVL-020, OVL-021: a supernode takes as many leaves as it has places for', () => {
    const { node } = supernode({ 'overlay.leaves_max': '2' });
    const accepted = [2, 3, 4, 2].map((number) => {
      const [answer] = node.frame(number, KIND_ATTACH, encodeAttach(), 9);
      const read = answer?.type === 'answer' ? decodeAttached(answer.body) : undefined;
      return read?.ok === true && read.value.accepted;
    });
    expect(accepted).toEqual([true, true, false, true]);
  });

  test('OVL-017, OVL-019: a supernode that has lost its sessions lets its leaves go', () => {
    const { node } = supernode();
    node.frame(2, KIND_ATTACH, encodeAttach(), 9);
    for (const number of [3, 4, 5, 6]) node.give({ type: 'sessionDown', link: link(number), peer: person(number) });
    const outputs = node.pass(8_000);
    expect(frames(outputs, KIND_DETACH).map(({ link: id, body }) => [Number(id), decodeDetach(body).ok])).toEqual([[2, true]]);
    expect(node.machine.place().role).toBe('leaf');
  });

  test('OVL-027: a supernode that brings nothing while others do is left', () => {
    const node = start();
    node.up(2);
    const [asked] = asks(node.says(2, 'supernode'));
    if (asked === undefined) throw new Error('it is asked');
    node.answers(asked, true);
    expect(frames(node.pass(20_000), KIND_DETACH)).toEqual([]);
    node.own.accepted += 3;
    expect(frames(node.pass(7_000), KIND_DETACH).map(({ link: id }) => Number(id))).toEqual([2]);
  });

  test('OVL-048, OVL-044: a Route for this node is delivered once', () => {
    const node = start();
    node.up(2);
    const body = routeFrom(2, 1, 'hello');
    const received = [node.frame(2, KIND_ROUTE, body), node.frame(2, KIND_ROUTE, body)].map(
      (outputs) => outputs.filter((output) => output.type === 'notice').length,
    );
    expect(received).toEqual([1, 0]);
  });

  test('OVL-050, OVL-053, OVL-049: a Route for another goes on once, one hop further, and not beyond the limit', () => {
    const node = start();
    node.up(2);
    node.up(3);
    const sent = routes(node.frame(2, KIND_ROUTE, routeFrom(2, 3, 'onwards', 4)));
    expect(sent.map(({ link: id, hops }) => [id, hops])).toEqual([[3, 5]]);
    expect(routes(node.frame(2, KIND_ROUTE, routeFrom(2, 3, 'too far', 10)))).toEqual([]);
  });

  test('OVL-061, OVL-059: a target that nothing is known of is looked up, dialled, and sent the message', () => {
    const node = start();
    const request = { type: 'overlay.send', to: person(9), topic: 'app/chat', data: encodeUtf8('hi') } as const;
    expect(node.give({ type: 'local', token: 5, request })).toEqual([{ type: 'wantContact', peer: person(9) }]);
    const found = node.give({ type: 'contactFound', peer: person(9), addresses: [address('nine')] });
    expect(found).toEqual([{ type: 'connect', address: 'ws://nine:80', expected: person(9) }]);
    const outputs = node.up(9);
    expect(routes(outputs).map(({ link: id, hops, target }) => [id, hops, target])).toEqual([[9, 0, person(9)]]);
    expect(outputs).toContainEqual({ type: 'outcome', token: 5, outcome: { type: 'overlay.sent' } });
  });

  test('OVL-058: a message that finds no way is refused in time', () => {
    const node = start();
    node.give({ type: 'local', token: 5, request: { type: 'overlay.send', to: person(9), topic: 'app/chat', data: encodeUtf8('hi') } });
    expect(node.pass(2_900)).toEqual([]);
    expect(node.pass(300)).toMatchObject([{ type: 'outcome', token: 5, outcome: { type: 'overlay.refused', code: 'E_NO_ROUTE' } }]);
  });

  test('OVL-001, OVL-002, OVL-034: the strategy chooses the links', () => {
    const message = { id: 'ab'.repeat(32) as MessageId, origin: person(8), from: undefined, hops: 0 };
    const choice = (strategy: string) => {
      const node = start({ 'overlay.strategy': strategy });
      for (const number of [2, 3, 4]) node.up(number);
      return node.machine.eagerLinks(message, [2, 3, 4].map(link));
    };
    expect(choice('off')).toBeUndefined();
    expect(choice('naive')).toEqual([2, 3, 4]);
    expect(choice('supernode')).toBeUndefined();
  });

  test('OVL-005, OVL-006: strategy auto follows the size of the network, with time between', () => {
    let size = 10;
    const node = start({ 'overlay.strategy': 'auto' }, { networkSize: () => size });
    node.up(2);
    const told = (outputs: readonly OverlayOutput[]) =>
      outputs.flatMap((output) => (output.type === 'notice' && output.notice.type === 'overlay.strategy' ? [output.notice.strategy] : []));
    expect(told(node.pass(12_000))).toEqual([]);
    size = 60;
    expect(told(node.pass(2_000))).toEqual(['kademlia']);
    size = 500;
    expect(told(node.pass(7_000))).toEqual([]);
    expect(told(node.pass(4_000))).toEqual(['supernode']);
  });
});
