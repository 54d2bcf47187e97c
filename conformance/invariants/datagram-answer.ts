/** How the node answers questions that come by datagram. Spec: chapter 03, WIR-100 to WIR-132 and WIR-152 */
import { Bucket } from '../model/rate.ts';
import type { Finding } from '../runner/check.ts';
import { type Admission, admissions } from './datagram-buckets.ts';
import {
  type DatagramRule,
  type DatagramView,
  fits,
  hasBody,
  hasToken,
  isQuestion,
  isReply,
  isRetry,
  type PlacedDatagram,
  type Standing,
} from './datagram-view.ts';
import { finding } from './session-judge.ts';

/** The cookie of a datagram of the kit, also where the rest cannot be read. */
function cookieOf({ seen }: PlacedDatagram): string {
  return seen.cookie ?? seen.bytes.slice(8, 24);
}

/** The kit's datagrams with this one's cookie and address, itself among them. */
function twinsOf(view: DatagramView, datagram: PlacedDatagram): readonly PlacedDatagram[] {
  return view.sent.filter((other) => cookieOf(other) === cookieOf(datagram) && other.endpoint === datagram.endpoint);
}

/** The node's replies that carry a cookie to an address. */
function repliesTo(view: DatagramView, datagram: PlacedDatagram): readonly PlacedDatagram[] {
  return view.received.filter(
    (reply) =>
      isReply(reply) && reply.event > datagram.event && reply.endpoint === datagram.endpoint && reply.seen.cookie === cookieOf(datagram),
  );
}

/** The question that a reply of the node is for. */
function questionOf(view: DatagramView, reply: PlacedDatagram): PlacedDatagram | undefined {
  return view.sent.findLast(
    (question) => question.event < reply.event && question.endpoint === reply.endpoint && isQuestion(question) && fits(reply, question),
  );
}

/** What every reply has to be, whatever it answers (WIR-116, WIR-121, WIR-126, WIR-127, WIR-132). */
export const repliesInOrder: DatagramRule = {
  clauses: ['WIR-116', 'WIR-121', 'WIR-126', 'WIR-127', 'WIR-132'],
  judge(view) {
    const findings: Finding[] = [];
    for (const datagram of view.received) {
      const { seen, event, bytes } = datagram;
      if (seen.fault !== undefined) {
        findings.push(finding('WIR-116', 'a datagram that a receiver takes', `one that breaks ${seen.fault.clause}`, event));
        continue;
      }
      if (!isReply(datagram)) continue;
      const question = questionOf(view, datagram);
      if (question === undefined) {
        findings.push(finding('WIR-121', 'cookie, request id and kind of a question from that address', 'none like it was put', event));
        continue;
      }
      if (isRetry(datagram) && (bytes > question.bytes || !hasToken(datagram))) {
        const observed = hasToken(datagram) ? `${bytes} bytes for ${question.bytes}` : 'no token';
        findings.push(finding('WIR-127', 'a Retry with a token, no longer than the question', observed, event));
      }
      if (!isRetry(datagram) && seen.proof?.peerId !== view.trace.nodePeerId) {
        findings.push(finding('WIR-132', "the node's own proof", "another's", event));
      }
      const asked = twinsOf(view, question).filter((twin) => twin.event < event).length;
      const answered = repliesTo(view, question).filter((reply) => reply.event <= event).length;
      if (answered > asked) findings.push(finding('WIR-126', `${asked} replies to ${asked} questions`, `${answered}`, event));
    }
    return { findings, exercised: view.received.some(isReply) };
  },
};

/** A single question of the kit, what it has to be taken as, and the replies to it. */
interface Exchange {
  readonly question: PlacedDatagram;
  readonly admission: Admission;
  readonly standing: Standing;
  readonly replies: readonly PlacedDatagram[];
  /** Whether the trace goes on for as long as the node may take. */
  readonly isOver: boolean;
}

/** Every question that was put once, and the datagrams that are to be dropped. */
function exchanges(view: DatagramView): readonly Exchange[] {
  const admitted = admissions(view);
  return view.sent.flatMap((question): readonly Exchange[] => {
    const admission = admitted.get(question.event);
    if (admission === undefined) return [];
    const twins = twinsOf(view, question);
    // Of several with one cookie it can only be said that nothing comes of them when nothing may come of any.
    if (twins.length !== 1 && !twins.every(({ event }) => admitted.get(event)?.type === 'dropped')) return [];
    if (admission.type !== 'dropped' && !isQuestion(question)) return [];
    const isOver = view.trace.endMs >= question.atMs + view.reactionMs;
    const replies = repliesTo(view, question);
    return [{ question, admission, standing: isQuestion(question) ? view.standingOf(question) : 'none', replies, isOver }];
  });
}

/** Nothing comes of a datagram that one of these clauses drops (WIR-113 as well). Exercised by each of them. */
export function dropsSilently(...clauses: readonly string[]): DatagramRule {
  return {
    clauses: [...clauses, 'WIR-113'],
    judge(view) {
      const dropped = exchanges(view).filter(({ admission }) => admission.type === 'dropped' && clauses.includes(admission.clause));
      const findings = dropped.flatMap(({ question, admission, replies }): readonly Finding[] => {
        const [first] = replies;
        if (first === undefined || admission.type !== 'dropped') return [];
        const observed = `a ${first.rule?.name ?? 'datagram'} at ${first.atMs} ms`;
        return [admission.clause, 'WIR-113'].map((clause) => finding(clause, 'silence', observed, question.event));
      });
      const isSeen = (clause: string): boolean =>
        dropped.some(({ admission }) => admission.type === 'dropped' && admission.clause === clause);
      return { findings, exercised: clauses.every(isSeen) };
    },
  };
}

/** A question from a proven address gets its answer (WIR-120, WIR-129). */
export const answersProven: DatagramRule = {
  clauses: ['WIR-120', 'WIR-129'],
  judge(view) {
    const proven = exchanges(view).filter(
      ({ admission, isOver, replies }) => admission.type === 'admitted' && admission.proven && (isOver || replies.length > 0),
    );
    const findings = proven.flatMap(({ question, replies }): readonly Finding[] => {
      const [first] = replies;
      const what = `an answer to the ${question.rule?.name} at ${question.atMs} ms`;
      if (first === undefined || first.atMs > question.atMs + view.reactionMs) {
        return [finding('WIR-120', `${what} within ${view.reactionMs} ms`, 'none', question.event)];
      }
      // Only WIR-122 to WIR-125 let a Retry stand for an answer, and none of them speaks of proven addresses.
      const broken = isRetry(first) ? ['WIR-120', 'WIR-129'] : [];
      return broken.map((clause) => finding(clause, `${what}: its token is valid`, 'a Retry', question.event));
    });
    return { findings, exercised: proven.length > 0 };
  },
};

/** A question with a token is answered although others have used up the buckets of those without (WIR-151). */
export const provenAreApart: DatagramRule = {
  clauses: ['WIR-151'],
  judge(view) {
    const all = exchanges(view);
    const dropped = all.find(({ admission }) => admission.type === 'dropped' && admission.clause === 'WIR-109');
    const proven = all.filter(
      ({ question, admission, isOver }) =>
        admission.type === 'admitted' && admission.proven && isOver && dropped !== undefined && question.event > dropped.question.event,
    );
    const findings = proven
      .filter(({ replies }) => replies.length === 0)
      .map(({ question }) =>
        finding('WIR-151', 'an answer: its address is proven', 'silence, as for those whose buckets are empty', question.event),
      );
    return { findings, exercised: proven.length > 0 };
  },
};

/** Of questions in a flood those get their reply for which the buckets hold the cost, and no others: what is dropped costs nothing (WIR-150). */
export const bucketsAsWritten: DatagramRule = {
  clauses: ['WIR-150'],
  judge(view) {
    const asked = exchanges(view).filter(({ question, isOver }) => isQuestion(question) && isOver && question.seen.fault === undefined);
    const dropped = asked.filter(({ admission }) => admission.type === 'dropped' && admission.clause === 'WIR-109');
    const [first] = dropped;
    const after = asked.filter(
      ({ question, admission }) => admission.type === 'admitted' && first !== undefined && question.event > first.question.event,
    );
    const silent = after.filter(({ replies }) => replies.length === 0);
    const findings = [
      ...dropped
        .filter(({ replies }) => replies.length > 0)
        .map(({ question }) => finding('WIR-150', 'silence', 'a reply', question.event)),
      ...silent.map(({ question }) => finding('WIR-150', 'a reply: the buckets hold the cost', 'silence', question.event)),
    ];
    return { findings, exercised: after.length > 0 };
  },
};

const CLAUSE_OF_STANDING: Readonly<Record<Standing, string | undefined>> = {
  none: undefined,
  valid: undefined,
  open: undefined,
  foreign: 'WIR-128',
  expired: 'WIR-130',
};

/** A question without a valid token gets a Retry, or an answer that is no longer (WIR-112, WIR-122 to WIR-124, WIR-128, WIR-130, WIR-152). Exercised by questions of this standing. */
export function gatesUnproven(standing: Standing): DatagramRule {
  const own = CLAUSE_OF_STANDING[standing];
  return {
    clauses: [...(own === undefined ? [] : [own]), 'WIR-112', 'WIR-122', 'WIR-123', 'WIR-124', 'WIR-152'],
    judge(view) {
      const proofs = new Bucket(view.number('datagram.unproven_proofs_per_s'), 0);
      const unproven = exchanges(view).filter(({ admission }) => admission.type === 'admitted' && !admission.proven);
      const findings = unproven.flatMap((exchange): readonly Finding[] => {
        const { question, replies, isOver } = exchange;
        const isGated = question.rule?.datagram === 'proven';
        const told = CLAUSE_OF_STANDING[exchange.standing];
        const [first] = replies;
        if (first === undefined) {
          const isDue = isOver && (isGated || hasBody(question));
          const clause = isGated ? 'WIR-124' : 'WIR-123';
          return isDue
            ? [finding(clause, `a Retry, or an answer that may be, to the ${question.rule?.name}`, 'silence', question.event)]
            : [];
        }
        if (isRetry(first)) return [];
        const observed = `a ${first.rule?.name} of ${first.bytes} bytes for ${question.bytes}`;
        if (isGated) return [finding(told ?? 'WIR-124', 'a Retry', observed, question.event)];
        if (first.bytes > question.bytes) return [finding(told ?? 'WIR-122', 'a Retry', observed, question.event)];
        if (!hasBody(question)) return [finding('WIR-112', 'silence or a Retry', observed, question.event)];
        const nowMs = Math.floor(first.atMs);
        if (!proofs.holds(nowMs, 1)) return [finding('WIR-152', 'a Retry: the bucket of such answers is empty', observed, question.event)];
        proofs.charge(nowMs, 1);
        return [];
      });
      return { findings, exercised: unproven.some((exchange) => exchange.standing === standing) };
    },
  };
}

/** Whether a question was answered without a token, which is a node's own choice. */
export function answersAtOnce(view: DatagramView): boolean {
  return exchanges(view).some(
    ({ admission, replies }) => admission.type === 'admitted' && !admission.proven && replies.some((reply) => !isRetry(reply)),
  );
}

/** A node that takes no part in datagrams sends none (WIR-117). */
export const staysSilent: DatagramRule = {
  clauses: ['WIR-117'],
  judge(view) {
    const findings = view.received.map(({ event, rule }) =>
      finding('WIR-117', 'no datagram at all', `a ${rule?.name ?? 'datagram'}`, event),
    );
    return { findings, exercised: view.sent.some(({ seen }) => seen.fault === undefined) };
  },
};

/** What a question without a token asked for was not done, what one with a token asked for was: of two contents that were to be stored (WIR-125). */
export function doesNothingForStrangers(strange: string, proven: string): DatagramRule {
  return {
    clauses: ['WIR-125'],
    judge(view) {
      const holds = (content: string): PlacedDatagram | undefined =>
        view.received.find(({ rule, frame }) => rule?.name === 'GetValueReply' && frame?.raw.includes(content) === true);
      const stored = holds(strange);
      const findings = stored === undefined ? [] : [finding('WIR-125', 'nothing but a Retry', 'the content is stored', stored.event)];
      return { findings, exercised: holds(proven) !== undefined };
    },
  };
}

/** Answers by datagram whose bodies are malformed cost their sender no session, however many they are (WIR-115). */
export const malformedAnswersCostNothing: DatagramRule = {
  clauses: ['WIR-115'],
  judge(view) {
    const malformed = view.sent.filter((datagram) => isReply(datagram) && !isRetry(datagram) && !hasBody(datagram));
    const closed = view.trace.events.findIndex((event) => event.type === 'closed' && event.by === 'node');
    const findings =
      closed < 0
        ? []
        : [finding('WIR-115', 'a session that goes on', `it was closed after ${malformed.length} answers by datagram`, closed)];
    return { findings, exercised: malformed.length >= 6 };
  },
};

/** After datagrams that are wrong the sessions are as they were (WIR-115). */
export const sessionsGoOn: DatagramRule = {
  clauses: ['WIR-115'],
  judge(view) {
    const { events } = view.trace;
    const last = view.sent.findLast(({ seen }) => seen.fault !== undefined);
    if (last === undefined) return { findings: [], exercised: false };
    const ping = events.findIndex((event, index) => index > last.event && event.type === 'sentFrame' && event.frame.body?.type === 'Ping');
    const asked = events[ping];
    if (asked?.type !== 'sentFrame') return { findings: [], exercised: false };
    const isAnswered = events.some(
      (event, index) =>
        index > ping &&
        event.type === 'frame' &&
        event.link === asked.link &&
        event.frame.kind === 4 &&
        event.frame.requestId === asked.frame.requestId,
    );
    const findings = isAnswered ? [] : [finding('WIR-115', `a session that goes on after ${view.sent.length} datagrams`, 'no Pong', ping)];
    return { findings, exercised: true };
  },
};

/** By the capability that a kind needs: the parameter that decides whether a node offers it. */
const MODES: Readonly<Record<string, string>> = { 'dht/1': 'dht.mode', 'records/1': 'records.mode' };

/** Nothing comes of questions of a kind whose capability the node does not offer (WIR-105). */
export const offersWhatItAnswers: DatagramRule = {
  clauses: ['WIR-105', 'WIR-113'],
  judge(view) {
    const asked = exchanges(view).filter(
      ({ question, admission }) =>
        admission.type === 'admitted' && view.trace.parameters[MODES[question.rule?.needs ?? ''] ?? ''] === 'off',
    );
    const findings = asked.flatMap(({ question, replies }): readonly Finding[] => {
      const [first] = replies;
      if (first === undefined) return [];
      return ['WIR-105', 'WIR-113'].map((clause) =>
        finding(clause, `silence: ${question.rule?.needs} is off`, `a ${first.rule?.name}`, question.event),
      );
    });
    return { findings, exercised: asked.length > 0 };
  },
};
