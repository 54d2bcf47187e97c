import { describe, expect, test } from 'vitest';
import { hex } from '../model/bytes.ts';
import { encodeFrame } from '../model/frame.ts';
import { goAwayFrame, OTHER_NONCE, pingFrame, pongFrame, TraceScript } from './session-trace.fixture.ts';
import { viewSessions } from './session-view.ts';

function outcomes(script: TraceScript): string[] {
  const [link] = viewSessions(script.end(1_000)).links;
  return (link?.inputs ?? []).map(({ outcome }) => ('clause' in outcome ? `${outcome.type} ${outcome.clause}` : outcome.type));
}

const alice = (): TraceScript => new TraceScript().session(1, 'alice');

describe('outcomes of what the kit sends', () => {
  test('Pings are answered, what follows a closing frame is behind it', () => {
    expect(outcomes(alice().send(1, pingFrame(1), pingFrame(2)))).toEqual(['answer', 'answer']);
    const bytes = Uint8Array.from([...pingFrame(1), ...encodeFrame(10, 0, new Uint8Array()), ...pingFrame(2)]);
    expect(outcomes(alice().plaintext(1, bytes).send(1, pingFrame(3)))).toEqual(['answer', 'close WIR-027', 'behind', 'behind']);
  });

  test('bytes that are no frame close after the frames before them', () => {
    expect(outcomes(alice().plaintext(1, Uint8Array.from([...pingFrame(1), 0x80])))).toEqual(['answer', 'close WIR-022']);
    expect(outcomes(alice().plaintext(1, new Uint8Array()))).toEqual(['close WIR-021']);
  });

  test('a GoAway ends the session', () => {
    expect(outcomes(alice().send(1, goAwayFrame(1), pingFrame(1)))).toEqual(['end', 'behind']);
  });

  test('a Pong belongs to a Ping of the node once, and only with its nonce', () => {
    const script = alice()
      .send(1, pongFrame(9))
      .gets(1, pingFrame(9))
      .send(1, pongFrame(9, OTHER_NONCE))
      .send(1, pongFrame(9))
      .send(1, pongFrame(9));
    expect(outcomes(script)).toEqual(['ignore WIR-032', 'ignore SES-055', 'pass', 'ignore WIR-032']);
  });

  test('overruns are ignored, malformed or not, and end the session in the end', () => {
    const script = alice();
    for (let id = 1; id <= 141; id++) script.send(1, id === 100 ? encodeFrame(2, id, new Uint8Array()) : pingFrame(id));
    const seen = outcomes(script);
    expect(seen.slice(0, 40)).toEqual(Array.from({ length: 40 }, () => 'answer'));
    expect(seen.slice(40, 140)).toEqual(Array.from({ length: 100 }, () => 'ignore SES-061'));
    expect(seen.slice(140)).toEqual(['close SES-063']);
  });

  test('raw messages close as text, empty, too long or undecryptable', () => {
    const raw = (bytes: string | { size: number }, text?: true) =>
      alice().step({ op: 'raw', link: 1, bytes, ...(text === undefined ? {} : { text }) });
    expect(outcomes(raw('00', true))).toEqual(['close WIR-007']);
    expect(outcomes(raw(''))).toEqual(['close WIR-010']);
    expect(outcomes(raw({ size: 65_536 }))).toEqual(['close WIR-008']);
    expect(outcomes(raw({ size: 65_535 }))).toEqual(['close SES-030']);
  });

  test('what is kept back spoils the message that overtakes it', () => {
    const script = alice().step({ op: 'plaintext', link: 1, bytes: hex(pingFrame(1)), spoil: { kind: 'hold' } });
    expect(outcomes(script)).toEqual([]);
    expect(outcomes(script.send(1, pingFrame(2)))).toEqual(['close SES-030']);
  });

  test('what was not sent is no input', () => {
    expect(outcomes(alice().closed(1).plaintext(1, new Uint8Array()).notSent(1))).toEqual([]);
  });
});
