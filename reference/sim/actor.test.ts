/** Nodes whose words are changed, and peers that are no nodes. */
import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import { encodePing } from '../core/wire/body.ts';
import { KIND_PING, KIND_PUSH } from '../core/wire/frame.ts';
import { framesOf, plaintextsOf, type SeenFrame, scriptedActor, tamperedActor } from './actor.ts';
import { simulatedCrypto } from './crypto.ts';
import { World, type WorldOptions } from './world.ts';

function worldWith(actor: WorldOptions['actor'] & {}): World {
  const world = new World({ nodes: 3, seed: 'actors', crypto: simulatedCrypto, actor });
  world.connect(0, 1);
  world.connect(1, 2);
  world.runUntil(1_000);
  return world;
}

describe('a tampered node', () => {
  test('swallows what it should pass on', () => {
    const world = worldWith((place) =>
      place.index === 1 ? tamperedActor(place.createNode(), { sent: (frame) => (frame.kind === KIND_PUSH ? [] : [frame]) }) : undefined,
    );
    const message = world.publish(0, 'app/x', encodeUtf8('hello'));
    world.runFor(100);
    expect(world.coverage(message).map((delivery) => delivery.node)).toEqual([1]);
  });

  test('changes what it hears, and the node sees the change', () => {
    const heard: number[] = [];
    const world = worldWith((place) =>
      place.index === 1
        ? tamperedActor(place.createNode(), {
            received: (frame) => {
              heard.push(frame.kind);
              return frame.kind === KIND_PUSH ? [] : [frame];
            },
          })
        : undefined,
    );
    const message = world.publish(0, 'app/x', encodeUtf8('hello'));
    world.runFor(100);
    expect(heard).toContain(KIND_PUSH);
    expect(world.coverage(message)).toEqual([]);
  });
});

describe('a scripted peer', () => {
  test('answers Pings, so that its sessions last, and says what it is told', () => {
    const kinds = new Set<number>();
    const world = worldWith((place) =>
      place.index === 1
        ? scriptedActor({
            established: () => [{ kind: KIND_PING, requestId: 7, body: encodePing({ nonce: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }) }],
            frame: (frame) => {
              kinds.add(frame.kind);
              return [];
            },
          })
        : undefined,
    );
    world.runFor(120_000);
    expect((world.view(0, 'peers') as readonly unknown[]).length).toBe(1);
    // The Pong that answers the scripted Ping.
    expect(kinds).toContain(4);
  });
});

test('frames survive being taken apart and put together', () => {
  const frames: SeenFrame[] = Array.from({ length: 5 }, (_, index) => ({ kind: 33, requestId: index, body: new Uint8Array(20_000) }));
  const plaintexts = plaintextsOf(frames);
  expect(plaintexts.map((data) => framesOf(data).length)).toEqual([3, 2]);
  expect(plaintexts.flatMap(framesOf)).toEqual(frames);
  expect(plaintextsOf([])).toEqual([]);
});
