/** How the node asks by datagram. Spec: chapter 03, WIR-140 to WIR-146 */
import type { Finding } from '../runner/check.ts';
import {
  type DatagramRule,
  type DatagramView,
  fits,
  hasToken,
  isQuestion,
  isReply,
  isRetry,
  type PlacedDatagram,
} from './datagram-view.ts';
import { finding } from './session-judge.ts';

/** The datagrams of one question of the node: its address and cookie, in order. */
interface Question {
  readonly first: PlacedDatagram;
  readonly all: readonly PlacedDatagram[];
}

function questionsOf(view: DatagramView): readonly Question[] {
  const byCookie = new Map<string, PlacedDatagram[]>();
  for (const datagram of view.received) {
    if (!isQuestion(datagram)) continue;
    const key = `${datagram.endpoint} ${datagram.seen.cookie ?? ''}`;
    byCookie.set(key, [...(byCookie.get(key) ?? []), datagram]);
  }
  return [...byCookie.values()].flatMap((all) => (all[0] === undefined ? [] : [{ first: all[0], all }]));
}

/** The kit's Retries that match a question, in order. */
function retriesFor(view: DatagramView, { first }: Question): readonly PlacedDatagram[] {
  return view.sent.filter(
    (reply) =>
      isRetry(reply) &&
      reply.event > first.event &&
      reply.endpoint === first.endpoint &&
      fits(reply, first) &&
      reply.seen.fault === undefined &&
      hasToken(reply),
  );
}

/** Closer than this two random cookies come with a chance below 2^-47. */
const NEAR = 2n ** 16n;

/** Each question has a cookie of its own, and no order in them (WIR-140). */
export const cookiesAreRandom: DatagramRule = {
  clauses: ['WIR-140'],
  judge(view) {
    const questions = questionsOf(view);
    const findings = questions.flatMap(({ first, all }, index): readonly Finding[] => {
      const value = BigInt(`0x${first.seen.cookie ?? '0'}`);
      const near = questions.slice(0, index).find((other) => {
        const gap = value - BigInt(`0x${other.first.seen.cookie ?? '0'}`);
        return (gap < 0n ? -gap : gap) < NEAR;
      });
      const other = all.find(({ frame }) => frame?.raw !== first.frame?.raw);
      if (near === undefined && other === undefined) return [];
      return [
        finding(
          'WIR-140',
          'a cookie at random for each question',
          `${first.seen.cookie} after ${near?.first.seen.cookie ?? 'itself'}`,
          first.event,
        ),
      ];
    });
    return { findings, exercised: questions.length >= 2 };
  },
};

/** A question is sent again no more often than it may be, as it was (WIR-142 to WIR-144). */
export const asksWithinBounds: DatagramRule = {
  clauses: ['WIR-142', 'WIR-143', 'WIR-144'],
  judge(view) {
    const repeats = view.number('datagram.retransmits_max');
    const findings = questionsOf(view).flatMap((question): readonly Finding[] => {
      const { first, all } = question;
      const retries = retriesFor(view, question);
      const most = 1 + repeats + Math.min(1, retries.length);
      const last = all.at(-1) ?? first;
      const found: Finding[] = [];
      const changed = all.find(({ frame }) => frame?.raw !== first.frame?.raw);
      if (changed !== undefined) found.push(finding('WIR-144', 'the frame of the question', 'another', changed.event));
      // The plans' nodes put a question anew when they try their hints again, long after the last.
      const again = questionsOf(view).find(
        (other) =>
          other.first.endpoint === first.endpoint &&
          other.first.event > first.event &&
          other.first.seen.cookie !== first.seen.cookie &&
          other.first.frame?.kind === first.frame?.kind &&
          other.first.atMs - last.atMs <= 2 * view.number('datagram.retransmit_ms') + view.slackMs,
      );
      if (again !== undefined) found.push(finding('WIR-144', 'the cookie of the question', 'another', again.first.event));
      // A repeat may well show the token of a later Retry (WIR-145), so only their number tells.
      if (all.length > most)
        found.push(finding(retries.length > 1 ? 'WIR-142' : 'WIR-143', `at most ${most} times`, `${all.length} times`, last.event));
      return found;
    });
    return { findings, exercised: view.received.some(isQuestion) };
  },
};

/** How long after its question a Retry leaves time enough for any node. */
const RETRY_SOON_MS = 300;

/** The first Retry to a question is followed (WIR-141). */
export const followsRetry: DatagramRule = {
  clauses: ['WIR-141', 'WIR-144'],
  judge(view) {
    let exercised = false;
    const findings = questionsOf(view).flatMap((question): readonly Finding[] => {
      const [retry] = retriesFor(view, question);
      if (retry === undefined || retry.atMs - question.first.atMs > RETRY_SOON_MS) return [];
      if (view.trace.endMs < retry.atMs + view.reactionMs) return [];
      exercised = true;
      const later = view.received.filter(
        (datagram) =>
          isQuestion(datagram) &&
          datagram.event > retry.event &&
          datagram.endpoint === retry.endpoint &&
          datagram.seen.token === retry.seen.token,
      );
      if (question.all.some((datagram) => later.includes(datagram))) return [];
      const same = later.find(({ frame }) => frame?.kind === question.first.frame?.kind && frame?.requestId !== undefined);
      const clause = same !== undefined && same.atMs - retry.atMs <= RETRY_SOON_MS ? 'WIR-144' : 'WIR-141';
      return [finding(clause, 'the question again, with the token of the Retry', 'it was not', retry.event)];
    });
    return { findings, exercised };
  },
};

/** A token in a question is one that its address gave (WIR-146). */
export const showsOwnTokens: DatagramRule = {
  clauses: ['WIR-146'],
  judge(view) {
    const gave = (question: PlacedDatagram): boolean =>
      view.sent.some(
        (reply) =>
          isReply(reply) &&
          reply.event < question.event &&
          reply.endpoint === question.endpoint &&
          reply.seen.token === question.seen.token,
      );
    const shown = view.received.filter((question) => isQuestion(question) && hasToken(question));
    const findings = shown
      .filter((question) => !gave(question))
      .map((question) => finding('WIR-146', `a token that ${question.endpoint} gave, or zeros`, question.seen.token ?? '', question.event));
    const tokens = new Set(view.sent.filter((reply) => isReply(reply) && hasToken(reply)).map(({ endpoint }) => endpoint));
    const asked = new Set(view.received.filter(isQuestion).map(({ endpoint }) => endpoint));
    return { findings, exercised: tokens.size > 0 && asked.size >= 2 };
  },
};

/** A later question to an address shows the newest token that it gave (WIR-145). */
export const remembersTokens: DatagramRule = {
  clauses: ['WIR-145'],
  judge(view) {
    let exercised = false;
    const questions = questionsOf(view);
    const findings = questions.flatMap(({ first }, index): readonly Finding[] => {
      const earlier = questions.slice(0, index).filter((other) => other.first.endpoint === first.endpoint);
      // A Retry that comes late may find that nobody waits for it any more.
      const given = earlier.flatMap((other) =>
        retriesFor(view, other).filter((retry) => retry.event < first.event && retry.atMs - other.first.atMs <= RETRY_SOON_MS),
      );
      if (earlier.some((other) => retriesFor(view, other).some((retry) => retry.event < first.event && !given.includes(retry)))) return [];
      const [newest] = given.toSorted((a, b) => b.event - a.event);
      if (newest === undefined || first.atMs - newest.atMs > view.number('datagram.token_ms')) return [];
      exercised = true;
      if (first.seen.token === newest.seen.token) return [];
      return [finding('WIR-145', `the token ${newest.seen.token}`, first.seen.token ?? 'none', first.event)];
    });
    return { findings, exercised };
  },
};

/** Whose answers counted shows in whom the node names: not `wrong`, whose answers `clause` drops, but `right`, who answered as well (WIR-118). */
export function rightAnswersCount(clause: string, wrong: string, right: string): DatagramRule {
  return {
    clauses: [clause, 'WIR-118'],
    judge(view) {
      const named = view.received.filter(({ rule }) => rule?.name === 'FindNodeReply').at(-1);
      const [wrongId, rightId] = [view.trace.peerIds[wrong], view.trace.peerIds[right]];
      if (named?.frame === undefined || wrongId === undefined || rightId === undefined) return { findings: [], exercised: false };
      const { raw } = named.frame;
      const isTold = (peer: string): boolean => view.sent.some(({ seen }) => seen.proof?.peerId === peer);
      const findings: Finding[] = [];
      if (raw.includes(wrongId))
        findings.push(finding(clause, `an answer of ${wrong} that is dropped`, 'the node names it as one that answered', named.event));
      if (isTold(rightId) && !raw.includes(rightId)) {
        const told = [clause, 'WIR-118'].map((broken) =>
          finding(broken, `the answer of ${right} is taken`, 'the node does not name it', named.event),
        );
        findings.push(...told);
      }
      return { findings, exercised: isTold(wrongId) && isTold(rightId) };
    },
  };
}
