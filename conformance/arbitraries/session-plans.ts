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

/** Makes the node dial a peer and answers with a connection; the handshake is still to come. 200 ms pass. */
export function dialled(link: number, peer: Label, expected?: Label, mode: 'session' | 'raw' = 'raw'): readonly Step[] {
  return [
    { op: 'connect', address: listenAddress(link), ...(expected === undefined ? {} : { expected }) },
    wait(200),
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

/** A defect and, on another link, the same input without it. */
export interface Scene {
  readonly bad: Act;
  /** Absent where another scene of the stage has the same. */
  readonly twin?: Act;
  /** How the two links are opened; a session with the default capabilities if absent. */
  readonly openBad?: (link: number, peer: Label) => readonly Step[];
  readonly openTwin?: (link: number, peer: Label) => readonly Step[];
}

/** How a stage is played. */
interface Staging {
  readonly order: 'badFirst' | 'twinsFirst' | 'mixed';
  readonly warmUp: boolean;
}

const stagings: Arbitrary<Staging> = fc.record({
  order: fc.constantFrom<Staging['order'][]>('badFirst', 'twinsFirst', 'mixed'),
  warmUp: fc.boolean(),
});

/** How long a stage waits: the reaction time twice, so that the wall clock's slack is in it. */
export const STAGE_MS = 2_000;

/** Links of a stage: its scenes' defects from 1 on, their twins from 41 on. */
const TWIN_LINKS = 40;
const BYSTANDER_LINK = 100;

/**
 * The peers `mallory-…` bring defects, the peers `twin-…` the same without them, `bystander` nothing.
 * The last two are pinged behind the defects and have to be served.
 */
export function staged(scenes: Arbitrary<readonly Scene[]>, setup: Setup = {}): Arbitrary<Plan> {
  return fc.tuple(scenes, stagings).map(([list, staging]) => stage(list, staging, setup));
}

/** One scene, or some of the same kind. */
export function some(scenes: Arbitrary<Scene>, count = 1): Arbitrary<readonly Scene[]> {
  return fc.array(scenes, { minLength: count, maxLength: count });
}

/** All values, in any order. */
export function shuffled<Value>(values: readonly Value[]): Arbitrary<readonly Value[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length });
}

/** A scene for each of the values, in any order. */
export function every<Value>(values: readonly Value[], scene: (value: Value) => Scene): Arbitrary<readonly Scene[]> {
  return shuffled(values).map((list) => list.map(scene));
}

function stage(scenes: readonly Scene[], { order, warmUp }: Staging, setup: Setup): Plan {
  const openPlain = (link: number, peer: Label): readonly Step[] => [session(link, peer)];
  const parts = scenes.map((scene, index) => {
    const [bad, twin] = [index + 1, TWIN_LINKS + index + 1];
    // Each link is opened right before it acts: on a real clock a bare connection must not wait for the others' turns.
    const twinSteps = scene.twin === undefined ? [] : [...(scene.openTwin ?? openPlain)(twin, `twin-${index}`), ...scene.twin(twin)];
    return {
      bad: [...(scene.openBad ?? openPlain)(bad, `mallory-${index}`), ...scene.bad(bad)],
      twin: twinSteps,
      ping: scene.twin === undefined ? [] : [ping(twin)],
    };
  });
  const bads = parts.map((part) => part.bad);
  const twins = parts.map((part) => part.twin);
  const acts = { badFirst: [...bads, ...twins], twinsFirst: [...twins, ...bads], mixed: parts.flatMap((part) => [part.bad, part.twin]) };
  return plan(
    [
      session(BYSTANDER_LINK, 'bystander'),
      ...(warmUp ? [ping(BYSTANDER_LINK)] : []),
      ...acts[order].flat(),
      ...parts.flatMap((part) => part.ping),
      ping(BYSTANDER_LINK),
      wait(STAGE_MS),
    ],
    setup,
  );
}

/** A stage for connections that have no session yet: what is done in place of message 1, beside a handshake in order. */
export function inPlaceOfMessage1(bads: readonly Act[]): Arbitrary<Plan> {
  return staged(
    every(bads, (bad) => bare(bad)).map((list) =>
      list.map((scene, index) => (index === 0 ? { ...scene, twin: (link) => [handshake(link)] } : scene)),
    ),
  );
}

/** A scene on links that are opened without a handshake. */
export function bare(bad: Act, twin?: Act): Scene {
  return { ...bareLinks, bad, ...(twin === undefined ? {} : { twin }) };
}

const bareLinks: Pick<Scene, 'openBad' | 'openTwin'> = {
  openBad: (link, peer) => [raw(link, peer)],
  openTwin: (link, peer) => [raw(link, peer)],
};
