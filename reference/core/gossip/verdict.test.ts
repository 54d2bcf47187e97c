import { describe, expect, test } from 'vitest';
import { encodeIhave, encodePush } from '../wire/body.ts';
import { hashEnvelope } from '../wire/envelope.ts';
import { KIND_DIRECT, KIND_IHAVE, KIND_PUSH } from '../wire/frame.ts';
import { Bench, gossipOptions, identity, message, spoil, testCrypto, WALL_START_MS } from './gossip.fixture.ts';
import { judgeItem, NOTHING_REMEMBERED } from './verdict.ts';

const alice = identity('alice');

function bench(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const made = new Bench(options);
  made.up(1);
  made.up(2);
  made.clear();
  return made;
}

describe('malformed bodies', () => {
  test('GSP-001 a topic of another form closes a Push and an Ihave', () => {
    for (const [kind, body] of [
      [KIND_PUSH, encodePush({ topic: 'App/x', items: [{ hops: 0, envelope: message(alice).envelope }] })],
      [KIND_IHAVE, encodeIhave({ topic: '', ids: [message(alice).id] })],
    ] as const) {
      const node = bench();
      node.frame(1, kind, body);
      expect(node.of('closeSession')).toMatchObject([{ link: 1, code: 'E_MALFORMED', clause: 'GSP-001' }]);
      expect(node.of('violation')).toMatchObject([{ link: 1, peer: identity('peer-1').peer, code: 'E_MALFORMED', clause: 'GSP-001' }]);
    }
  });

  test('CNV-014 nothing more is taken from a closed link, and the others go on', () => {
    const node = bench();
    node.frame(1, KIND_PUSH, Uint8Array.of(0xff));
    node.clear();
    const good = message(alice);
    node.push(1, good);
    expect(node.effects).toEqual([]);
    node.push(2, good);
    expect(node.delivered()).toEqual([good.id]);
    expect(node.pushedOn(good.id)).toEqual([]);
  });

  test('GSP-063 a Prune without origins closes', () => {
    const node = bench();
    node.prune(1, 1000);
    expect(node.of('closeSession')).toMatchObject([{ code: 'E_LIMIT', clause: 'GSP-063' }]);
  });

  test('GSP-104 a Direct on a gossip link has no meaning', () => {
    const node = bench();
    node.frame(1, KIND_DIRECT, Uint8Array.of(0xff));
    expect(node.effects).toEqual([]);
  });
});

describe('verdicts in their order', () => {
  test('GSP-010 an envelope longer than the limit is rejected, one at the limit is accepted', () => {
    const node = bench({ overrides: { 'gossip.message_bytes_max': '1024' } });
    const overhead = message(alice, { size: 800 }).envelope.length - 800;
    const fits = message(alice, { size: 1024 - overhead });
    expect(fits.envelope.length).toBe(1024);
    node.push(1, fits);
    node.push(1, message(alice, { size: 1025 - overhead }));
    expect(node.verdicts()).toEqual(['accept', 'reject E_SIZE GSP-010']);
  });

  test('GSP-011 hops above the limit are ignored, hops at the limit are taken', () => {
    const node = bench();
    const late = message(alice);
    node.pushHops(1, 33, late);
    node.pushHops(1, 32, late);
    expect(node.verdicts()).toEqual(['ignore E_STRUCTURE GSP-011', 'accept']);
  });

  test('GSP-012 a topic that is not served is ignored', () => {
    const node = bench();
    for (const topic of ['vote', 'app/', 'app/a/b', `app/${'a'.repeat(33)}`]) node.push(1, message(alice, { topic }));
    node.push(1, message(alice, { topic: `app/${'a'.repeat(32)}` }));
    expect(node.verdicts()).toEqual([...Array(4).fill('ignore E_TOPIC GSP-012'), 'accept']);
  });

  test('GSP-013 structure is judged as chapter 02 says', () => {
    const node = bench();
    const good = message(alice);
    node.push(1, { ...good, envelope: Uint8Array.of(...good.envelope, 0) });
    expect(node.verdicts()).toEqual(['reject E_STRUCTURE IDN-032']);
  });

  test('GSP-014 a payload of another topic is rejected', () => {
    const node = bench();
    node.push(1, message(alice, { payloadTopic: 'app/other' }));
    expect(node.verdicts()).toEqual(['reject E_TOPIC GSP-014']);
  });

  test('GSP-015, GSP-022 copies are ignored and the message is delivered once, within one Push too', () => {
    const node = bench();
    const good = message(alice);
    node.push(1, good, good);
    node.push(2, good);
    expect(node.verdicts()).toEqual(['accept', 'ignore E_DUPLICATE GSP-015', 'ignore E_DUPLICATE GSP-015']);
    expect(node.delivered()).toEqual([good.id]);
  });

  test('GSP-015 an id is remembered up to its last millisecond', () => {
    const overrides = { 'gossip.seen_ttl_ms': '70000', 'clock.past_ms_max': '69000' };
    for (const [passed, verdict] of [
      [70_000, 'ignore E_DUPLICATE GSP-015'],
      [70_001, 'ignore E_TIME GSP-016'],
    ] as const) {
      const node = bench({ overrides });
      const good = message(alice);
      node.push(1, good);
      node.advance(passed);
      node.push(1, good);
      expect(node.verdicts()).toEqual(['accept', verdict]);
    }
  });

  test('GSP-016, GSP-017 both ends of the time window belong to it', () => {
    const node = bench();
    node.advance(100_000);
    for (const atMs of [39_999, 40_000, 100_500, 100_501]) node.push(1, message(alice, { atMs }));
    expect(node.verdicts()).toEqual(['ignore E_TIME GSP-016', 'accept', 'accept', 'ignore E_TIME GSP-017']);
  });

  test('GSP-018, GSP-024 a copy with a bad signature shadows no good one', () => {
    const node = bench();
    const good = message(alice);
    node.push(1, spoil(good), spoil(good));
    expect(node.view().rejected).toBe(1);
    node.push(2, good);
    node.push(1, spoil(good));
    expect(node.verdicts()).toEqual(['reject E_SIGNATURE GSP-018', 'reject E_SIGNATURE GSP-018', 'accept', 'ignore E_DUPLICATE GSP-015']);
    // The spoiler does not have the message, so it is told (GSP-040).
    expect(node.pushedOn(good.id)).toEqual([1]);
  });

  test('WIR-051 a rejected envelope is not verified again, and time still comes before', () => {
    let checks = 0;
    const options = gossipOptions();
    const crypto = {
      ...testCrypto,
      ed25519VerifyEquation: (...args: Parameters<typeof testCrypto.ed25519VerifyEquation>) => {
        checks += 1;
        return testCrypto.ed25519VerifyEquation(...args);
      },
    };
    const bad = spoil(message(alice));
    const item = { topic: bad.topic, hops: 0, envelope: bad.envelope, hash: bad.hash };
    const memory = { ...NOTHING_REMEMBERED, knownSignature: () => false };
    const context = { ...options, crypto };
    expect(judgeItem(context, memory, item, { monoMs: 0, wallMs: WALL_START_MS })).toMatchObject({ clause: 'GSP-018' });
    expect(judgeItem(context, memory, item, { monoMs: 0, wallMs: 0 })).toMatchObject({ clause: 'GSP-017' });
    expect(checks).toBe(0);
  });

  test('GSP-019 an envelope of the node itself is ignored, published or not, and only if it is in order', () => {
    const node = bench();
    const own = message(identity('node'));
    node.push(1, own);
    node.push(1, spoil(own));
    expect(node.verdicts()).toEqual(['ignore E_DUPLICATE GSP-019', 'reject E_SIGNATURE GSP-018']);
    expect(node.delivered()).toEqual([]);
  });

  test('GSP-020, GSP-085 an origin has one bucket whatever links it uses', () => {
    const stakes = new Map([[alice.peer, 5n]]);
    const node = bench({ stakes });
    for (let count = 0; count < 22; count++) node.push(1 + (count % 2), message(alice));
    expect(node.delivered()).toHaveLength(20);
    expect(node.verdicts().slice(20)).toEqual(Array(2).fill('ignore E_ORIGIN_RATE GSP-020'));
    node.advance(99);
    node.push(1, message(alice));
    node.advance(1);
    node.push(1, message(alice));
    expect(node.verdicts().slice(22)).toEqual(['ignore E_ORIGIN_RATE GSP-020', 'accept']);
  });

  test('GSP-020 origins without stake share a bucket, origins with stake do not use it', () => {
    const rich = identity('rich');
    const node = bench({ stakes: new Map([[rich.peer, 1n]]) });
    let accepted = 0;
    for (let origin = 0; accepted < 80; origin++) {
      for (let count = 0; count < 20; count++, accepted++) node.push(1, message(identity(`poor-${origin}`)));
    }
    node.push(1, message(identity('poor-last')));
    node.push(1, message(rich));
    expect(node.verdicts().slice(80)).toEqual(['ignore E_ORIGIN_RATE GSP-020', 'accept']);
  });

  test('GSP-086 a failed signature costs the origin nothing', () => {
    const node = bench();
    const good = message(alice);
    for (let count = 0; count < 5; count++) node.push(1, spoil(message(alice)));
    for (let count = 0; count < 19; count++) node.push(2, message(alice));
    node.push(2, good);
    expect(node.verdicts().slice(5)).toEqual(Array(20).fill('accept'));
  });

  test('GSP-025 what was ignored is judged anew', () => {
    const node = bench();
    const early = message(alice, { atMs: 501 });
    node.push(1, early);
    node.advance(1);
    node.push(1, early);
    expect(node.verdicts()).toEqual(['ignore E_TIME GSP-017', 'accept']);
  });

  test('GSP-029 an id is found however many messages of other origins follow', () => {
    const stakes = new Map([[alice.peer, 5n]]);
    const node = bench({ stakes });
    const first = message(alice);
    node.push(1, first);
    for (let count = 0; count < 400; count++) {
      node.push(1, message(identity(`crowd-${count % 40}`), { atMs: node.nowMs }));
      node.advance(25);
    }
    node.push(2, first);
    expect(node.verdicts().at(-1)).toBe('ignore E_DUPLICATE GSP-015');
  });

  test('each envelope of a Push is judged by itself', () => {
    const node = bench();
    const good = message(alice);
    const bad = spoil(message(alice));
    const late = message(alice, { atMs: -60_001 });
    node.push(1, bad, good, late);
    expect(node.of('verdict').map(({ envelopeHash, verdict }) => [envelopeHash, verdict])).toEqual([
      [bad.hash, 'reject'],
      [good.hash, 'accept'],
      [late.hash, 'ignore'],
    ]);
    expect(hashEnvelope(testCrypto, good.envelope)).toBe(good.hash);
  });
});

describe('application validation', () => {
  const validating = (overrides: Record<string, string> = {}): Bench => bench({ validation: true, overrides });

  test('GSP-023, GSP-026, GSP-027 one question for all copies, nothing sent before the answer, then pushed', () => {
    const node = validating();
    node.up(3);
    const good = message(alice, { size: 2000 });
    node.push(1, good);
    node.push(2, good);
    node.push(2, good);
    node.advance(3000);
    expect(node.of('validate')).toMatchObject([{ token: 1, id: good.id, origin: alice.peer }]);
    expect(node.sent).toEqual([]);
    expect(node.delivered()).toEqual([]);
    expect(node.verdicts()).toEqual(['ignore E_DUPLICATE GSP-027']);
    node.validated(1, 'accept');
    expect(node.delivered()).toEqual([good.id]);
    expect(node.pushedOn(good.id)).toEqual([3]);
    expect(node.verdicts().slice(1)).toEqual(['accept', 'ignore E_DUPLICATE GSP-015']);
    node.validated(1, 'reject');
    expect(node.delivered()).toEqual([good.id]);
  });

  test('GSP-026 a reject falls on everybody who sent a copy, and the application is asked about the next one', () => {
    const node = validating();
    const bad = message(alice);
    node.push(1, bad);
    node.push(2, bad);
    node.validated(1, 'reject');
    expect(node.verdicts()).toEqual(Array(2).fill('reject E_APPLICATION GSP-026'));
    expect(node.machine.scoreOf(identity('peer-2').peer)).toBe(-1);
    node.push(1, bad);
    expect(node.of('validate')).toHaveLength(2);
  });

  test('GSP-018 a spoiled copy of a pending message is rejected, and the good one still gets its verdict', () => {
    const node = validating();
    const good = message(alice);
    node.push(1, good);
    node.push(2, spoil(good));
    node.validated(1, 'accept');
    expect(node.verdicts()).toEqual(['reject E_SIGNATURE GSP-018', 'accept']);
  });

  test('GSP-028 no answer in time is an ignore, and the message is asked about anew', () => {
    const node = validating();
    const slow = message(alice);
    node.push(1, slow);
    node.advance(4999);
    expect(node.verdicts()).toEqual([]);
    node.advance(1);
    expect(node.verdicts()).toEqual(['ignore E_APPLICATION GSP-028']);
    node.validated(1, 'accept');
    expect(node.delivered()).toEqual([]);
    node.push(1, slow);
    node.validated(2, 'ignore');
    expect(node.verdicts().at(-1)).toBe('ignore E_APPLICATION GSP-026');
  });

  test('GSP-026 a verdict is given for copies whose links have gone, and leaves nothing of them', () => {
    const node = validating();
    node.up(3);
    const good = message(alice);
    node.push(1, good);
    node.push(2, good);
    node.down(1);
    node.validated(1, 'accept');
    expect(node.of('verdict').map(({ link, verdict }) => [link, verdict])).toEqual([
      [1, 'accept'],
      [2, 'ignore'],
    ]);
    expect(node.pushedOn(good.id)).toEqual([3]);
  });

  test('gossip.pending_max further messages are ignored while the application has all that it may', () => {
    const node = validating({ 'gossip.pending_max': '2' });
    for (let count = 0; count < 3; count++) node.push(1, message(alice));
    expect(node.verdicts()).toEqual(['ignore E_APPLICATION GSP-026']);
    expect(node.view().pending).toBe(2);
  });

  test('GSP-020 only accepted messages are charged in the end', () => {
    const node = validating();
    for (let count = 1; count <= 30; count++) {
      node.push(1, message(alice));
      node.validated(count, 'ignore');
    }
    expect(node.of('validate')).toHaveLength(30);
    for (let count = 0; count < 21; count++) node.push(1, message(alice));
    expect(node.verdicts().at(-1)).toBe('ignore E_ORIGIN_RATE GSP-020');
  });
});
