/** Words from which the plans of chapters 01 to 04 are put together, and the stage on which a defect plays against its twin. */
import fc, { type Arbitrary } from 'fast-check';
import type { FrameSpec, HandshakeDefect, Hex, Label, Plan, Setup, Step } from '../driver/plan.ts';
import { hex } from '../model/bytes.ts';

export type OpenOptions = Partial<Pick<Extract<Step, { op: 'open' }>, 'direction' | 'address' | 'capabilities'>>;

/** A session with a peer. */
export function session(link: number, peer: Label, options: OpenOptions = {}): Step {
  return { op: 'open', link, peer, mode: 'session', ...options };
}

/** A bare connection. */
export function raw(link: number, peer: Label, options: OpenOptions = {}): Step {
  return { op: 'open', link, peer, mode: 'raw', ...options };
}

/** The kit's handshake on a raw link. */
export function handshake(link: number, defect?: HandshakeDefect, capabilities?: readonly string[]): Step {
  return { op: 'handshake', link, ...(defect === undefined ? {} : { defect }), ...(capabilities === undefined ? {} : { capabilities }) };
}

/** A connection with its handshake, over the transport that handshakes need. */
export function rawSession(link: number, peer: Label, options: OpenOptions = {}): readonly Step[] {
  return [raw(link, peer, options), handshake(link)];
}

/** The address at which a link's peer listens. */
export function listenAddress(link: number): string {
  return `ws://203.0.113.${link}:7000`;
}

/** Makes the node dial a peer and answers with a connection; the handshake is still to come. A second passes. */
export function dialled(link: number, peer: Label, expected?: Label, mode: 'session' | 'raw' = 'raw'): readonly Step[] {
  return [
    { op: 'connect', address: listenAddress(link), ...(expected === undefined ? {} : { expected }) },
    wait(1_000),
    { op: 'open', link, peer, mode, direction: 'outbound' },
  ];
}

/** Lets time pass. */
export function wait(ms: number, pongs?: boolean): Step {
  return { op: 'advance', ms, ...(pongs === undefined ? {} : { pongs }) };
}

/** Frames in one plaintext. */
export function frames(link: number, ...list: readonly FrameSpec[]): Step {
  return { op: 'frames', link, frames: list };
}

/** A Ping with a request id of the driver's. */
export function ping(link: number, nonce: Hex = '7061737365647061'): Step {
  return frames(link, { body: { type: 'Ping', nonce } });
}

/** A plaintext as it is. */
export function plaintext(link: number, bytes: Uint8Array): Step {
  return { op: 'plaintext', link, bytes: hex(bytes) };
}

export function plan(steps: readonly Step[], setup: Setup = {}): Plan {
  return { setup, steps };
}

/** 8 bytes in hexadecimal. */
export const nonces: Arbitrary<Hex> = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(hex);

/** What is done on a link. */
export type Act = (link: number) => readonly Step[];

/** A defect and the same input without it. */
export interface Scene {
  readonly bad: Act;
  readonly twin: Act;
  /** How the two links are opened; a session with the default capabilities if absent. */
  readonly openBad?: (link: number, peer: Label) => readonly Step[];
  readonly openTwin?: (link: number, peer: Label) => readonly Step[];
}

/** Orders in which a stage can be played. */
interface Staging {
  readonly twinFirst: boolean;
  readonly warmUp: boolean;
  readonly links: readonly [number, number, number];
}

const stagings: Arbitrary<Staging> = fc.record({
  twinFirst: fc.boolean(),
  warmUp: fc.boolean(),
  links: fc.constantFrom<[number, number, number]>([1, 2, 3], [3, 1, 2], [2, 3, 1]),
});

/** How long a stage waits: the reaction time twice, so that the wall clock's slack is in it. */
export const STAGE_MS = 2_000;

/**
 * Three peers: `mallory` brings the defect, `twin` the same without it, `bystander` nothing. Each of the
 * last two is pinged behind the defect; both have to be served.
 */
export function staged(scenes: Arbitrary<Scene>, setup: Setup = {}): Arbitrary<Plan> {
  return fc.tuple(scenes, stagings).map(([scene, staging]) => stage(scene, staging, setup));
}

function stage(scene: Scene, { twinFirst, warmUp, links }: Staging, setup: Setup): Plan {
  const [bad, twin, bystander] = links;
  const openPlain = (link: number, peer: Label): readonly Step[] => [session(link, peer)];
  const { openBad = openPlain, openTwin = openPlain } = scene;
  const acts = [scene.bad(bad), scene.twin(twin)];
  return plan(
    [
      session(bystander, 'bystander'),
      ...openBad(bad, 'mallory'),
      ...openTwin(twin, 'twin'),
      ...(warmUp ? [ping(bystander)] : []),
      ...(twinFirst ? acts.toReversed() : acts).flat(),
      ping(twin),
      ping(bystander),
      wait(STAGE_MS),
    ],
    setup,
  );
}

/** A stage for connections that have no session yet: what is done in place of message 1, beside a handshake in order. */
export function inPlaceOfMessage1(bads: Arbitrary<Act>): Arbitrary<Plan> {
  return staged(bads.map((bad): Scene => ({ ...bareLinks, bad, twin: (link) => [handshake(link)] })));
}

/** Opens both links of a scene without a handshake. */
export const bareLinks: Pick<Scene, 'openBad' | 'openTwin'> = {
  openBad: (link, peer) => [raw(link, peer)],
  openTwin: (link, peer) => [raw(link, peer)],
};
