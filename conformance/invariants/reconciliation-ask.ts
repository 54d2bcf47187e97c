/** How the node asks: when, whom, for what, and what it makes of answers. Spec: RCN-010 to RCN-019, RCN-025, RCN-033 to RCN-048, RCN-077 to RCN-081 */
import { envelopesIn, numberIn, seenMessage, textIn, textsIn } from '../driver/seen.ts';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { judgeEnvelope } from '../model/envelope.ts';
import { decodeTable, expectedInTable } from '../model/iblt.ts';
import { readRanges } from '../model/ranges.ts';
import { type CodedSymbol, type Decoding, decodeSketch, expectedInStream, readSymbols, shortId } from '../model/riblt.ts';
import type { Finding } from '../runner/check.ts';
import { digestOfRequest, isAllShown, ownIds, shownIds } from './reconciliation-own.ts';
import { type NodeExchange, nodeExchanges, type Question, type ReconciliationView } from './reconciliation-view.ts';
import type { Rule } from './rule.ts';

type ViewRule = Rule<ReconciliationView>;

function rule(clauses: readonly string[], judge: (view: ReconciliationView, findings: Finding[]) => boolean): ViewRule {
  return {
    clauses,
    judge(view) {
      const findings: Finding[] = [];
      const exercised = judge(view, findings);
      return { findings, exercised };
    },
  };
}

/**
 * Whether the node begins every exchange with ranges. No clause has it begin with sketches, and those on sketches do not bind it
 * then: it has been seen to do what it may.
 */
function usesRangesAlone(view: ReconciliationView): boolean {
  const exchanges = nodeExchanges(view);
  return exchanges.length > 1 && exchanges.every(({ beginning }) => beginning.message === 'RangeRequest');
}

function firstRequests(view: ReconciliationView): readonly Question[] {
  return view.asked.filter(({ message, fields }) => message === 'SketchRequest' && numberIn(fields, 'first') === 0);
}

/** Spec: RCN-010, RCN-011 */
export const beginsAfresh: ViewRule = rule(['RCN-010', 'RCN-011'], (view, findings) => {
  const salts = new Set<string>();
  const requests = firstRequests(view);
  for (const { fields, event: at } of requests) {
    const salt = textIn(fields, 'salt');
    if (salts.has(salt)) findings.push({ clause: 'RCN-010', at, expected: 'a salt of its own for each sketch', observed: `${salt} again` });
    salts.add(salt);
    const count = numberIn(fields, 'count');
    const least = view.number('reconcile.first_symbols');
    if (numberIn(fields, 'cells') === 0 && count < least) {
      findings.push({ clause: 'RCN-011', at, expected: `${least} symbols or more in a first request`, observed: `${count}` });
    }
    if (textIn(fields, 'digest').length !== 16) {
      findings.push({
        clause: 'RCN-011',
        at,
        expected: 'a digest of 8 bytes in a first request',
        observed: textIn(fields, 'digest') || 'none',
      });
    }
  }
  return requests.length > 1 || usesRangesAlone(view);
});

/** The digest is that of the ids that the node held: those that it gave when somebody pulled from it at the same time. Spec: RCN-011 */
export const digestFits: ViewRule = rule(['RCN-011'], (view, findings) => {
  let exercised = false;
  for (const { fields, event: at, atMs } of firstRequests(view)) {
    if (numberIn(fields, 'prefixBits') !== 0 || numberIn(fields, 'set') !== 1) continue;
    const pulled = view.posed.find((one) => one.message === 'FetchRequest' && one.reply !== undefined && Math.abs(one.atMs - atMs) <= 100);
    if (pulled?.reply === undefined) continue;
    exercised = true;
    const ids = envelopesIn(pulled.reply.fields, 'items').flatMap(({ id }) => (id === undefined ? [] : [unhex(id)]));
    const salt = unhex(textIn(fields, 'salt'));
    const digest = ids
      .map((id) => shortId(salt, id))
      .reduce((sum, short) => sum.map((byte, i) => byte ^ (short[i] ?? 0)), new Uint8Array(8));
    if (textIn(fields, 'digest') !== hex(digest)) {
      findings.push({
        clause: 'RCN-011',
        at,
        expected: `${hex(digest)}, the XOR of the node's short ids`,
        observed: textIn(fields, 'digest'),
      });
    }
  }
  return exercised || usesRangesAlone(view);
});

/** The digest of a partition is that of its items alone, as far as the trace shows what the node held. Spec: RCN-011 */
export const digestFitsPart: ViewRule = rule(['RCN-011'], (view, findings) => {
  let exercised = false;
  for (const question of firstRequests(view)) {
    const { fields, event: at } = question;
    if (numberIn(fields, 'set') !== 1 || !isAllShown(view, question)) continue;
    exercised = true;
    const expected = digestOfRequest(question, shownIds(view, question));
    const observed = textIn(fields, 'digest');
    if (observed !== expected)
      findings.push({ clause: 'RCN-011', at, expected: `${expected}, the XOR of the short ids of the partition`, observed });
  }
  return exercised || usesRangesAlone(view);
});

/** Spec: RCN-013, RCN-033 */
export const goesOn: ViewRule = rule(['RCN-013', 'RCN-033'], (view, findings) => {
  let exercised = false;
  const cap = 3 * view.number('reconcile.differences_max') + 64;
  for (const { requests } of nodeExchanges(view)) {
    requests.forEach((request, position) => {
      const before = requests[position - 1];
      if (request.message !== 'SketchRequest') return;
      const [first, count] = [numberIn(request.fields, 'first'), numberIn(request.fields, 'count')];
      if (first + count > cap) {
        findings.push({
          clause: 'RCN-033',
          at: request.event,
          expected: `no symbol from ${cap} on`,
          observed: `${first} to ${first + count - 1}`,
        });
      }
      if (first === 0 || before === undefined) return;
      exercised = true;
      const same = ['set', 'salt', 'prefixBits', 'prefix'].every((field) => before.fields[field] === request.fields[field]);
      const end = numberIn(before.fields, 'first') + numberIn(before.fields, 'count');
      if (!same || before.message !== 'SketchRequest' || first !== end) {
        findings.push({
          clause: 'RCN-013',
          at: request.event,
          expected: `the same sketch from symbol ${end} on`,
          observed: `from ${first}${same ? '' : ', another sketch'}`,
        });
      }
    });
  }
  return exercised || usesRangesAlone(view);
});

/** Spec: RCN-014 to RCN-016 */
export const keepsPace: ViewRule = rule(['RCN-014', 'RCN-015', 'RCN-016'], (view, findings) => {
  const begun = nodeExchanges(view).map(({ beginning }) => beginning);
  const intervalMs = view.number('reconcile.interval_ms') - view.slackMs;
  const timeoutMs = view.number('reconcile.timeout_ms');
  begun.forEach((one, position) => {
    const within = begun.slice(position + 1).filter(({ atMs }) => atMs < one.atMs + intervalMs);
    const again = within.find(({ peer }) => peer === one.peer);
    if (again !== undefined) {
      findings.push({
        clause: 'RCN-014',
        at: again.event,
        expected: `${intervalMs} ms between exchanges with one peer`,
        observed: `${again.atMs - one.atMs} ms`,
      });
    }
    const peers = new Set([one.peer, ...within.map(({ peer }) => peer)]).size;
    const fanout = view.number('reconcile.fanout');
    if (peers > fanout) {
      findings.push({
        clause: 'RCN-016',
        at: one.event,
        expected: `exchanges with at most ${fanout} peers in an interval`,
        observed: `${peers}`,
      });
    }
    // A request that waits is an exchange that runs.
    const waiting = view.asked.filter(
      (other) =>
        other.event <= one.event &&
        (other.reply === undefined
          ? other.atMs + timeoutMs > one.atMs && (view.spanOf(other.link)?.toMs ?? 0) > one.atMs
          : other.reply.event > one.event),
    ).length;
    const running = view.number('reconcile.running_max');
    if (waiting > running) {
      findings.push({
        clause: 'RCN-015',
        at: one.event,
        expected: `at most ${running} exchanges at once`,
        observed: `${waiting} requests wait`,
      });
    }
  });
  return begun.length > 1;
});

/** When the node has no reason to leave a peer alone: nothing of what it answered failed or was refused. */
function isTrustworthy(view: ReconciliationView, peer: string): boolean {
  return view.asked.every(
    (question) => question.peer !== peer || question.reply === undefined || faultOf(question, sizeBefore(view, question)) === undefined,
  );
}

/** Spec: RCN-017 */
export const comesToItsTurn: ViewRule = rule(['RCN-017'], (view, findings) => {
  const roundMs = view.number('reconcile.round_ms_max') + view.slackMs;
  const begun = nodeExchanges(view).map(({ beginning }) => beginning);
  let exercised = false;
  for (const span of view.spans) {
    const endMs = Math.min(span.toMs, view.trace.endMs);
    if (!span.has || !isTrustworthy(view, span.peer) || endMs - span.fromMs <= roundMs) continue;
    exercised = true;
    // Records, and transactions where the node says that it has a pool.
    for (const set of view.hasPool ? [1, 2] : [1]) {
      let lastMs = span.fromMs;
      for (const atMs of [
        ...begun.filter(({ fields, link }) => numberIn(fields, 'set') === set && view.spanOf(link)?.has).map((one) => one.atMs),
        endMs,
      ]) {
        if (atMs < span.fromMs || atMs > endMs) continue;
        if (atMs - lastMs > roundMs) {
          findings.push({
            clause: 'RCN-017',
            at: view.trace.events.length - 1,
            expected: `an exchange over set ${set} in each ${roundMs} ms`,
            observed: `none from ${lastMs} to ${atMs}`,
          });
          break;
        }
        lastMs = atMs;
      }
    }
  }
  return exercised;
});

/** Spec: RCN-018 */
export const turnsAway: ViewRule = rule(['RCN-018'], (view, findings) => {
  const timeoutMs = view.number('reconcile.timeout_ms');
  const exchanges = nodeExchanges(view);
  let exercised = false;
  for (const [position, { beginning, requests }] of exchanges.entries()) {
    const silent = requests.find((request) => request.reply === undefined);
    if (silent === undefined || view.trace.endMs < silent.atMs + timeoutMs) continue;
    const hasOther = view.spans.some(
      (span) =>
        span.has &&
        span.peer !== beginning.peer &&
        // There when the time for the answer was over.
        span.fromMs < silent.atMs + timeoutMs - 1_000 &&
        span.toMs > view.trace.endMs &&
        isTrustworthy(view, span.peer),
    );
    if (!hasOther) continue;
    exercised = true;
    const later = exchanges
      .slice(position + 1)
      .filter((one) => numberIn(one.beginning.fields, 'set') === numberIn(beginning.fields, 'set'));
    const next = later[0];
    const again = later.findIndex((one) => one.beginning.peer === beginning.peer);
    if (again === 0) {
      findings.push({
        clause: 'RCN-018',
        at: next?.beginning.event ?? 0,
        expected: 'another peer after one that did not answer',
        observed: 'the silent one again',
      });
    }
    if (next === undefined && view.trace.endMs > silent.atMs + timeoutMs + view.number('reconcile.pause_ms_max') + 2_000) {
      findings.push({ clause: 'RCN-018', at: silent.event, expected: 'an exchange with another peer', observed: 'none' });
    }
  }
  return exercised;
});

/** Spec: RCN-019 */
export const asksSmaller: ViewRule = rule(['RCN-019'], (view, findings) => {
  let exercised = false;
  const exchanges = nodeExchanges(view);
  for (const [position, { beginning }] of exchanges.entries()) {
    if (beginning.reply === undefined || beginning.message !== 'SketchRequest' || numberIn(beginning.reply.fields, 'outcome') !== 3)
      continue;
    const next = exchanges
      .slice(position + 1)
      .find((one) => one.beginning.link === beginning.link && numberIn(one.beginning.fields, 'set') === numberIn(beginning.fields, 'set'));
    if (next === undefined || next.beginning.message !== 'SketchRequest') continue;
    exercised = true;
    const [bits, before] = [next.beginning, beginning].map(({ fields }) => numberIn(fields, 'prefixBits')) as [number, number];
    if (bits <= before && before < 16) {
      findings.push({ clause: 'RCN-019', at: next.beginning.event, expected: `more than ${before} prefix bits`, observed: `${bits}` });
    }
  }
  return exercised || usesRangesAlone(view);
});

/** The clause that a reply of the kit breaks so that the node closes, or undefined; `before` is the size that the sketch began with. */
export function faultOf(question: Question, before?: number): string | undefined {
  const { reply, fields } = question;
  if (reply === undefined || numberIn(reply.fields, 'outcome') !== 0) return undefined;
  if (reply.message === 'SketchReply') {
    const cells = numberIn(fields, 'cells');
    const size = numberIn(reply.fields, 'size');
    if (before !== undefined && before !== size) return 'RCN-025';
    const expected = cells > 0 ? expectedInTable(size, cells) : expectedInStream(size, numberIn(fields, 'first'));
    const symbols = readSymbols(unhex(textIn(reply.fields, 'symbols')), cells > 0 ? cells : numberIn(fields, 'count'), size, expected);
    return symbols === undefined ? 'RCN-025' : undefined;
  }
  if (reply.message === 'RangeReply') {
    const read = readRanges(unhex(textIn(reply.fields, 'message')));
    return 'clause' in read ? read.clause : undefined;
  }
  return undefined;
}

/** The clause that a reply with items breaks, given the salt under which short ids were asked for. */
function itemFault(view: ReconciliationView, question: Question): string | undefined {
  if (question.reply?.message !== 'FetchReply') return undefined;
  const salt = saltOf(view, question);
  const asked = new Set([...textsIn(question.fields, 'shortIds'), ...textsIn(question.fields, 'ids')]);
  for (const { id } of envelopesIn(question.reply.fields, 'items')) {
    const name = id === undefined ? undefined : asked.has(id) ? id : salt === undefined ? undefined : hex(shortId(unhex(salt), unhex(id)));
    if (name === undefined || !asked.delete(name)) return 'RCN-045';
  }
  return undefined;
}

/** The size with which the sketch began that a request goes on with. */
function sizeBefore(view: ReconciliationView, { message, fields, link, event }: Question): number | undefined {
  if (message !== 'SketchRequest' || numberIn(fields, 'first') === 0) return undefined;
  const beginning = view.asked.findLast(
    (one) => one.link === link && one.event < event && one.message === 'SketchRequest' && numberIn(one.fields, 'first') === 0,
  );
  return beginning?.reply === undefined ? undefined : numberIn(beginning.reply.fields, 'size');
}

function saltOf(view: ReconciliationView, question: Question): string | undefined {
  const sketch = view.asked.findLast((one) => one.link === question.link && one.event < question.event && one.message === 'SketchRequest');
  return sketch && textIn(sketch.fields, 'salt');
}

/** The node closes on replies that no honest peer gives, and on no others. Spec: RCN-025, RCN-045, RCN-078, RCN-079 */
export const closesOnFaults: ViewRule = rule(['RCN-025', 'RCN-045', 'RCN-078', 'RCN-079'], (view, findings) => {
  const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
  let exercised = false;
  for (const question of view.asked) {
    const { reply, link } = question;
    if (reply === undefined) continue;
    const span = view.spans.find((one) => one.link === link && one.fromMs <= reply.atMs && reply.atMs <= one.toMs);
    if (span === undefined) continue;
    exercised = true;
    const fault = faultOf(question, sizeBefore(view, question)) ?? itemFault(view, question);
    const isClosed = span.closedBy === 'node' && span.toMs >= reply.atMs && span.toMs <= reply.atMs + withinMs;
    if (fault !== undefined && !isClosed && view.trace.endMs > reply.atMs + withinMs) {
      findings.push({ clause: fault, at: reply.event, expected: 'the session is closed', observed: 'it goes on' });
    }
    if (fault !== undefined && isClosed && span.code !== undefined && span.code !== 'E_MALFORMED' && span.code !== '') {
      findings.push({ clause: fault, at: reply.event, expected: 'E_MALFORMED', observed: span.code });
    }
    const nothingElse = view.asked.every(
      (other) => other.link !== link || (faultOf(other, sizeBefore(view, other)) ?? itemFault(view, other)) === undefined,
    );
    if (fault === undefined && nothingElse && isClosed) {
      const clause = reply.message === 'FetchReply' ? 'RCN-045' : reply.message === 'RangeReply' ? 'RCN-078' : 'RCN-025';
      findings.push({
        clause,
        at: reply.event,
        expected: 'a reply in order does not end the session',
        observed: `closed ${span.code ?? ''}`,
      });
    }
  }
  return exercised;
});

/** Symbols of an exchange as they came, up to the first reply without any; undefined when one is out of form. */
function symbolsOf(requests: readonly Question[]): readonly CodedSymbol[] | undefined {
  const symbols: CodedSymbol[] = [];
  for (const { message, reply, fields } of requests) {
    if (message !== 'SketchRequest' || reply === undefined || numberIn(reply.fields, 'outcome') !== 0) break;
    const size = numberIn(reply.fields, 'size');
    const read = readSymbols(
      unhex(textIn(reply.fields, 'symbols')),
      numberIn(fields, 'count'),
      size,
      expectedInStream(size, numberIn(fields, 'first')),
    );
    if (read === undefined) return undefined;
    symbols.push(...read);
  }
  return symbols;
}

/** How an exchange ended, as far as the trace alone decides: whatever the node holds, such symbols fail. */
function failed(view: ReconciliationView, { requests }: NodeExchange): boolean {
  const last = requests.at(-1);
  if (last === undefined || last.reply === undefined) return false;
  if (last.message === 'RangeRequest') {
    const read = readRanges(unhex(textIn(last.reply.fields, 'message')));
    if ('clause' in read || numberIn(last.reply.fields, 'outcome') !== 0) return false;
    return read.ranges.some(({ mode }) => mode === 'fingerprint');
  }
  if (last.message !== 'SketchRequest' || numberIn(last.reply.fields, 'outcome') !== 0 || numberIn(last.fields, 'cells') > 0) return false;
  const cap = 3 * view.number('reconcile.differences_max') + 64;
  return numberIn(last.fields, 'first') + numberIn(last.fields, 'count') >= cap;
}

/** Spec: RCN-036, RCN-037 */
export const givesUp: ViewRule = judgesFailures((view) =>
  view.spans.map(({ peer, link }) => ({ peer, exchanges: nodeExchanges(view).filter(({ beginning }) => beginning.link === link) })),
);

/** The same for peers that come again and again. Spec: RCN-036, RCN-037 */
export const givesUpPeers: ViewRule = judgesFailures((view) =>
  [...new Set(view.spans.map(({ peer }) => peer))].map((peer) => ({
    peer,
    exchanges: nodeExchanges(view).filter(({ beginning }) => beginning.peer === peer),
  })),
);

interface Course {
  readonly peer: string;
  readonly exchanges: readonly NodeExchange[];
}

function judgesFailures(coursesOf: (view: ReconciliationView) => readonly Course[]): ViewRule {
  return rule(['RCN-036', 'RCN-037'], (view, findings) => judgeFailures(view, coursesOf(view), findings));
}

function judgeFailures(view: ReconciliationView, courses: readonly Course[], findings: Finding[]): boolean {
  let exercised = false;
  const most = view.number('reconcile.failures_max');
  for (const { peer: failing, exchanges } of courses) {
    const own = exchanges.filter(({ beginning }) => numberIn(beginning.fields, 'set') === 1);
    let failures = 0;
    own.forEach((exchange, position) => {
      const next = own[position + 1];
      const hasFailed = failed(view, exchange);
      // An exchange that ended with its session tells nothing.
      const isTold = exchange.requests.at(-1)?.reply !== undefined;
      failures = hasFailed ? failures + 1 : isTold ? 0 : failures;
      if (!hasFailed) return;
      exercised = true;
      if (exchange.beginning.message === 'SketchRequest' && next !== undefined && next.beginning.message !== 'RangeRequest') {
        findings.push({
          clause: 'RCN-036',
          at: next.beginning.event,
          expected: 'ranges after a sketch that did not decode',
          observed: next.beginning.message,
        });
      }
      const endMs = exchange.requests.at(-1)?.reply?.atMs ?? exchange.beginning.atMs;
      const restMs = view.number('reconcile.distrust_ms') - view.slackMs - 1;
      if (failures >= most) {
        const early = view.asked.find(
          ({ peer, atMs, event }) => peer === failing && atMs > endMs && atMs < endMs + restMs && event > exchange.beginning.event,
        );
        if (early !== undefined) {
          findings.push({
            clause: 'RCN-037',
            at: early.event,
            expected: `nothing is asked for ${restMs} ms`,
            observed: `${early.message} after ${early.atMs - endMs} ms`,
          });
        }
        failures = 0;
      }
    });
  }
  return exercised;
}

/** Spec: RCN-048 */
export const leavesLiarsAlone: ViewRule = rule(['RCN-048'], (view, findings) => {
  let exercised = false;
  const restMs = view.number('reconcile.distrust_ms') - view.slackMs - 1;
  for (const question of view.asked) {
    const fault = faultOf(question) ?? itemFault(view, question);
    if ((fault !== 'RCN-025' && fault !== 'RCN-045') || question.reply === undefined) continue;
    const { atMs } = question.reply;
    const again = view.spans.find(
      (span) =>
        span.peer === question.peer &&
        span.has &&
        span.fromMs > atMs &&
        span.toMs > span.fromMs + 5_000 &&
        span.fromMs < atMs + restMs - 5_000,
    );
    if (again === undefined) continue;
    exercised = true;
    const early = view.asked.find((one) => one.peer === question.peer && one.atMs > atMs && one.atMs < atMs + restMs);
    if (early !== undefined) {
      findings.push({
        clause: 'RCN-048',
        at: early.event,
        expected: `nothing is asked of the peer for ${restMs} ms`,
        observed: `${early.message} after ${early.atMs - atMs} ms`,
      });
    }
  }
  return exercised;
});

/** What the answerer has and the node, which was shown none of it, has not is asked for, all of it. Spec: RCN-040, RCN-047 */
export const fetchesAll: ViewRule = rule(['RCN-040', 'RCN-047'], (view, findings) => {
  let exercised = false;
  const shown = new Set<string>();
  const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
  for (const exchange of nodeExchanges(view)) {
    const lacking = lackingOf(view, exchange, shown);
    const fetches = exchange.requests.filter(({ message }) => message === 'FetchRequest');
    const last = exchange.requests.at(-1);
    for (const fetch of fetches) for (const { id } of envelopesIn(fetch.reply?.fields ?? {}, 'items')) if (id !== undefined) shown.add(id);
    if (lacking === undefined || lacking.length === 0 || last?.reply === undefined || view.trace.endMs < last.reply.atMs + withinMs)
      continue;
    exercised = true;
    const named = new Set(fetches.flatMap(({ fields }) => [...textsIn(fields, 'shortIds'), ...textsIn(fields, 'ids')]));
    const missing = lacking.find((name) => !named.has(name));
    if (missing !== undefined) {
      findings.push({
        clause: 'RCN-040',
        at: exchange.beginning.event,
        expected: `${missing} is asked for`,
        observed: `${named.size} others`,
      });
      continue;
    }
    const foreign = [...named].find((name) => !lacking.includes(name));
    if (foreign !== undefined)
      findings.push({ clause: 'RCN-040', at: exchange.beginning.event, expected: 'only what lacks is asked for', observed: foreign });
    // As long as replies bring an item, the rest is asked for again.
    const came = fetches.reduce((sum, { reply }) => sum + envelopesIn(reply?.fields ?? {}, 'items').length, 0);
    const lastCount = envelopesIn(last.reply.fields, 'items').length;
    const span = view.spanOf(exchange.beginning.link);
    if (last.message === 'FetchRequest' && lastCount > 0 && came < lacking.length && (span?.toMs ?? 0) > last.reply.atMs + withinMs) {
      findings.push({
        clause: 'RCN-047',
        at: last.reply.event,
        expected: 'what a reply left out is asked for again',
        observed: `${came} of ${lacking.length} came`,
      });
    }
  }
  return exercised;
});

/** Short ids or ids that a decoded exchange shows the node to lack. */
function lackingOf(view: ReconciliationView, { requests }: NodeExchange, shown: ReadonlySet<string>): readonly string[] | undefined {
  const [beginning] = requests;
  if (beginning === undefined) return undefined;
  if (beginning.message === 'RangeRequest') {
    const ids = requests.flatMap(({ message, reply }) => {
      const read = message === 'RangeRequest' && reply !== undefined ? readRanges(unhex(textIn(reply.fields, 'message'))) : { ranges: [] };
      return 'clause' in read ? [] : read.ranges.flatMap((range) => (range.mode === 'ids' ? range.ids.map(hex) : []));
    });
    const mine = new Set(
      requests.flatMap(({ message, fields }) => {
        const read = message === 'RangeRequest' ? readRanges(unhex(textIn(fields, 'message'))) : { ranges: [] };
        return 'clause' in read ? [] : read.ranges.flatMap((range) => (range.mode === 'ids' ? range.ids.map(hex) : []));
      }),
    );
    return ids.filter((id) => !mine.has(id) && !shown.has(id));
  }
  const decoding = numberIn(beginning.fields, 'cells') > 0 ? decodedTable(view, beginning) : decodedSketch(view, requests);
  if (decoding?.outcome !== 'decoded') return undefined;
  const salt = unhex(textIn(beginning.fields, 'salt'));
  const known = new Set([...shown].map((id) => hex(shortId(salt, unhex(id)))));
  return decoding.theirs.filter((short) => !known.has(short));
}

/** What a sketch shows against what the node held; undefined when the trace does not show that, or a symbol is out of form. */
function decodedSketch(view: ReconciliationView, requests: readonly Question[]): Decoding | undefined {
  const [beginning] = requests;
  const symbols = symbolsOf(requests);
  if (beginning === undefined || symbols === undefined || symbols.length === 0) return undefined;
  const own = ownIds(view, beginning);
  return own && decodeSketch(unhex(textIn(beginning.fields, 'salt')), own, symbols);
}

/** Fetched records that chapter 06 accepts are held, and those that it rejects are not: a RecordRequest shows which. Spec: RCN-046 */
export const holdsWhatIsGood: ViewRule = rule(['RCN-046'], (view, findings) => {
  const came = new Map<string, { readonly isGood: boolean; readonly event: number }>();
  for (const { reply, message } of view.asked) {
    if (message !== 'FetchRequest' || reply === undefined) continue;
    for (const { id, bytes } of envelopesIn(reply.fields, 'items')) {
      const judged = judgeEnvelope(utf8(view.trace.networkId), 'record', unhex(bytes));
      if (id !== undefined) came.set(id, { isGood: judged.verdict === 'accept', event: reply.event });
    }
  }
  let exercised = false;
  view.trace.events.forEach((event, at) => {
    const reply = event.type === 'frame' ? seenMessage(event.frame, 'RecordReply') : undefined;
    if (reply === undefined) return;
    const held = new Set(envelopesIn(reply, 'records').map(({ id }) => id));
    for (const [id, { isGood, event: since }] of came) {
      if (since > at) continue;
      exercised = true;
      if (held.has(id) !== isGood) {
        findings.push({
          clause: 'RCN-046',
          at,
          expected: `record ${id.slice(0, 8)} is ${isGood ? '' : 'not '}held`,
          observed: isGood ? 'it is not' : 'it is',
        });
      }
    }
  });
  return exercised;
});

/** Spec: RCN-077, RCN-081 */
export const endsRanges: ViewRule = rule(['RCN-077', 'RCN-081'], (view, findings) => {
  let exercised = false;
  const most = view.number('reconcile.range_rounds_max');
  for (const { requests, beginning } of nodeExchanges(view)) {
    if (beginning.message !== 'RangeRequest') continue;
    exercised = true;
    const messages = requests.filter(({ message }) => message === 'RangeRequest');
    if (messages.length > most) {
      findings.push({ clause: 'RCN-081', at: beginning.event, expected: `at most ${most} messages`, observed: `${messages.length}` });
    }
    messages.forEach(({ reply, fields, event }, position) => {
      const [said, got] = [fields, reply?.fields].map((body) =>
        body === undefined ? undefined : readRanges(unhex(textIn(body, 'message'))),
      );
      if (said === undefined || got === undefined || 'clause' in said || 'clause' in got) return;
      const isEcho = got.ranges.length === 1 && got.ranges[0]?.mode === 'fingerprint';
      const wasSingle = said.ranges.length === 1 && said.ranges[0]?.mode === 'fingerprint';
      if (isEcho && !wasSingle && messages[position + 1] !== undefined) {
        findings.push({ clause: 'RCN-077', at: event, expected: 'the exchange is given up', observed: 'another message' });
      }
    });
  }
  return exercised;
});

/** Whether the table of an exchange came out; undefined when it is no table, or nobody can tell. */
function isTableDecoded(view: ReconciliationView, beginning: Question): boolean | undefined {
  const decoding = decodedTable(view, beginning);
  return decoding && decoding.outcome === 'decoded';
}

/** What a table shows against what the node held; undefined when it is no table, or the trace does not show what it held. */
function decodedTable(view: ReconciliationView, beginning: Question): Decoding | undefined {
  const { fields, reply } = beginning;
  const [cells, size] = [numberIn(fields, 'cells'), numberIn(reply?.fields ?? {}, 'size')];
  if (cells === 0 || reply === undefined || numberIn(reply.fields, 'outcome') !== 0) return undefined;
  const table = readSymbols(unhex(textIn(reply.fields, 'symbols')), cells, size, expectedInTable(size, cells));
  const own = ownIds(view, beginning);
  return table && own && decodeTable(unhex(textIn(fields, 'salt')), own, table);
}

/** A table that did not decode is followed by one of twice the cells, three at most. Spec: RCN-064 */
export const doublesTables: ViewRule = rule(['RCN-064'], (view, findings) => {
  let exercised = false;
  for (const span of view.spans) {
    const own = nodeExchanges(view).filter(({ beginning }) => beginning.link === span.link && numberIn(beginning.fields, 'set') === 1);
    // In succession; undefined when one is among them of which nobody can tell.
    let tables: number | undefined = 0;
    own.forEach(({ beginning, requests }, position) => {
      const cells = numberIn(beginning.fields, 'cells');
      const isDecoded = requests.length > 1 || isTableDecoded(view, beginning);
      if (isDecoded !== false) {
        tables = isDecoded || cells === 0 ? 0 : undefined;
        return;
      }
      if (tables === undefined) return;
      tables += 1;
      const next = own[position + 1]?.beginning;
      if (next === undefined) return;
      exercised = true;
      const isLast = tables === 3 || 2 * cells > view.number('reconcile.batch_symbols_max');
      const expected = isLast ? 'ranges' : `${2 * cells} cells`;
      const observed = next.message === 'RangeRequest' ? 'ranges' : `${numberIn(next.fields, 'cells')} cells`;
      if (expected !== observed) findings.push({ clause: 'RCN-064', at: next.event, expected, observed });
      if (isLast) tables = 0;
    });
  }
  return exercised || usesRangesAlone(view) || asksForNoTable(view);
});

/** Whether the node compares by symbols with peers that would give it tables: RCN-064 binds those that ask for tables. */
function asksForNoTable(view: ReconciliationView): boolean {
  const begun = firstRequests(view).filter(({ link }) => view.spanOf(link)?.hasTables);
  return begun.length > 1 && begun.every(({ fields }) => numberIn(fields, 'cells') === 0);
}

/** Replies that nobody asked for bring nothing about. Spec: RCN-035 */
export const ignoresUnasked: ViewRule = rule(['RCN-035'], (view, findings) => {
  let exercised = false;
  const answered = new Set(view.asked.map(({ reply }) => reply?.event));
  const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
  view.trace.events.forEach((event, index) => {
    if (event.type !== 'sentFrame' || answered.has(index)) return;
    const isReply = ['SketchReply', 'RangeReply', 'FetchReply'].some((message) => seenMessage(event.frame, message) !== undefined);
    if (!isReply) return;
    exercised = true;
    const span = view.spans.find((one) => one.link === event.link && one.fromMs <= event.atMs);
    if (span?.closedBy === 'node' && span.toMs <= event.atMs + withinMs) {
      findings.push({ clause: 'RCN-035', at: index, expected: 'a reply to nothing is left aside', observed: 'the session was closed' });
    }
    const fetch = view.asked.find((one) => one.link === event.link && one.message === 'FetchRequest' && one.event > index);
    if (fetch !== undefined)
      findings.push({ clause: 'RCN-035', at: fetch.event, expected: 'nothing is fetched for it', observed: 'a FetchRequest' });
  });
  return exercised;
});
