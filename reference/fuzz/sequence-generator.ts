/** Everything in any order: links that come and go, answers to nothing, clocks that leap, and an application that is wrong. */
import type { NodeInput } from '../core/machine.ts';
import type { LinkId } from '../core/types.ts';
import type { Arena } from './arena.ts';
import type { MakePlaintext } from './generators.ts';
import { createHandshakeGenerator } from './handshake-generator.ts';
import { oneIn, pick, sizeUpTo } from './mutation.ts';
import { BYSTANDER_LINK } from './subject.ts';

const LEAPS_MS = [0, 1, 499, 3_000, 10_001, 61_000, 125_000, 3_600_001, 30 * 86_400_000] as const;

/** Wall clocks of machines that do not know the time. */
const WALLS_MS = [0, -1, 2 ** 43, 1_700_000_000_000.5, 253_402_300_800_000] as const;

const TOPICS = ['app/chat', 'app/x', 'tx', '', 'app/', 'APP/x', `app/${'n'.repeat(33)}`, '\u0000', '\ud800'] as const;

/** Links open at once; the node has room for fewer. */
const LINKS_MAX = 60;

/** A link that may never have been, or is long gone, but is not the bystander's. */
function someLink(arena: Arena): LinkId {
  const { rng, plainLinks, rawLinks } = arena;
  const known = [...plainLinks, ...rawLinks];
  if (known.length > 0 && !oneIn(rng, 8)) return pick(rng, known);
  return (BYSTANDER_LINK + 1 + rng.below(400)) as LinkId;
}

/** A generator of sequences for one node; `plaintext` makes what travels. */
export function createSequenceGenerator(arena: Arena, plaintext: MakePlaintext): () => void {
  const { rng, subject } = arena;
  const shake = createHandshakeGenerator(arena);
  const dials: number[] = [];
  let token = 0;

  function feed(input: NodeInput, wallMs?: number): void {
    for (const effect of arena.feed(input, wallMs)) {
      if (effect.type === 'dial') dials.push(effect.dial);
      if (effect.type === 'validate') token = effect.token;
    }
    dials.splice(0, Math.max(0, dials.length - 16));
  }

  function open(): void {
    const opening = arena.openingPlain();
    if (opening.type !== 'linkEstablished') return;
    const dial = oneIn(rng, 3) ? (dials.pop() ?? rng.below(40)) : undefined;
    feed(dial === undefined ? opening : { ...opening, direction: 'outbound', dial });
  }

  /** Time without a tick, with one too many, or with a wall clock gone astray. */
  function disturbTime(): void {
    if (oneIn(rng, 3)) subject.jump(pick(rng, LEAPS_MS) + (oneIn(rng, 4) ? 0.25 : 0));
    else arena.wait(pick(rng, [1, 333, 1_000, 5_000, 15_000]));
    feed({ type: 'tick' }, oneIn(rng, 4) ? pick(rng, WALLS_MS) : undefined);
  }

  function applicationInput(): NodeInput {
    if (oneIn(rng, 2)) {
      const chosen = oneIn(rng, 2) ? token - rng.below(4) : pick(rng, [0, -1, 1.5, 2 ** 53, rng.below(100)]);
      return { type: 'validated', token: chosen, verdict: pick(rng, ['accept', 'ignore', 'reject']) };
    }
    const size = oneIn(rng, 20) ? 32_000 + rng.below(2_000) : sizeUpTo(rng, 2_000);
    return { type: 'publish', topic: pick(rng, TOPICS), data: rng.bytes(size) };
  }

  return () => {
    const die = rng.below(40);
    const link = someLink(arena);
    if (die < 20) feed({ type: 'plaintext', link, data: plaintext(arena, arena.capabilitiesOf(link)) });
    else if (die < 24 && arena.plainLinks.length < LINKS_MAX) open();
    else if (die < 26) feed({ type: 'linkClosed', link });
    else if (die < 29) disturbTime();
    else if (die < 33) feed(applicationInput());
    else if (die < 34) feed({ type: 'connect', address: pick(rng, ['', '10.0.0.9:1', 'host.example:7600', '[::1]:1', 'x'.repeat(500)]) });
    else if (die < 35) feed({ type: 'dialFailed', dial: dials.pop() ?? rng.below(40) });
    else if (die < 36) feed({ type: 'message', link, data: rng.bytes(sizeUpTo(rng, 300)), text: oneIn(rng, 4) });
    else if (die < 39) shake();
    else if (oneIn(rng, 150)) feed({ type: 'shutdown' });
    else feed({ type: 'tick' });
  };
}
