import { describe, expect, test } from 'vitest';
import { utf8 } from '../../model/bytes.ts';
import { BehaviourHost, type Listener } from '../behaviour-host.ts';
import { createIdentities } from '../identities.ts';
import type { SeenFrame } from '../trace.ts';
import type { Behaviour, BehaviourKit, Heard } from './behaviour.ts';
import { makeBehaviour } from './index.ts';

const identities = createIdentities({ seed: 's', runId: 'r', networkId: 'n' });
const kit: BehaviourKit = {
  self: identities.of('alice'),
  identities,
  networkId: utf8('n'),
  nowMs: () => 0,
  wallMs: () => 0,
  parameter: () => 0,
};

function listenerOf(behaviour: Behaviour): Listener {
  return { behaviour, peer: kit.self, capabilities: undefined, roles: undefined, listenAddresses: undefined };
}

const FIND: SeenFrame = { kind: 70, requestId: 9, raw: '', body: { type: 'message', message: 'FindNode', fields: {} } };

describe('the host', () => {
  test('does things in the order of their times, then of their making', () => {
    const host = new BehaviourHost();
    const heard: Heard[] = [];
    host.listenOnLink(
      1,
      listenerOf({
        hear: (event) => {
          heard.push(event);
          if (event.type !== 'sessionUp') return [];
          return [{ wake: 'later', afterMs: 20 }, { close: 1, afterMs: 10 }, { close: 2, afterMs: 20 }, { close: 3 }];
        },
      }),
    );
    host.tell({ type: 'sessionUp', link: 1, capabilities: [] }, 100);
    host.tell({ type: 'sessionUp', link: 2, capabilities: [] }, 100);
    expect(host.nextMs).toBe(100);
    expect(host.take(100)?.said).toMatchObject({ close: 3 });
    expect(host.take(109)).toBeUndefined();
    expect(host.take(110)?.said).toMatchObject({ close: 1 });
    expect(host.nextMs).toBe(120);
    expect(host.take(120)?.said).toMatchObject({ close: 2 });
    expect(heard).toEqual([
      { type: 'sessionUp', link: 1, capabilities: [] },
      { type: 'due', wake: 'later' },
    ]);
  });
});

describe('answers', () => {
  const answers = makeBehaviour('answers', { FindNode: { message: 'Nodes', fields: { contacts: [] }, afterMs: 5 } }, kit);

  test('reply on links with the request id, and by datagram with the cookie', () => {
    const frame = { requestId: 9, body: { type: 'message', message: 'Nodes', fields: { contacts: [] } } };
    expect(answers.hear({ type: 'frame', link: 4, frame: FIND })).toEqual([{ link: 4, frames: [frame], afterMs: 5 }]);
    const datagram = { bytes: '', fault: undefined, cookie: '01'.repeat(8), frame: FIND };
    expect(answers.hear({ type: 'datagram', at: '1.2.3.4:5', datagram })).toEqual([
      { datagram: { from: '1.2.3.4:5', frame, cookie: '01'.repeat(8) }, afterMs: 5 },
    ]);
  });

  test('say nothing to what they have no answer for', () => {
    expect(answers.hear({ type: 'frame', link: 4, frame: { ...FIND, body: undefined } })).toEqual([]);
    expect(answers.hear({ type: 'closed', link: 4 })).toEqual([]);
    expect(() => makeBehaviour('answers', undefined, kit)).toThrow('needs');
  });
});
