/** How the node answers: with its set as it stands, within its limits, and nothing for what no node asks. Spec: RCN-020 to RCN-029, RCN-042 to RCN-044, RCN-065, RCN-075 */
import { envelopesIn, numberIn, textIn, textsIn } from '../driver/seen.ts';
import type { SeenEnvelope, SeenFields } from '../driver/trace.ts';
import { hex, unhex } from '../model/bytes.ts';
import { expectedInTable, tableOf } from '../model/iblt.ts';
import { readRanges } from '../model/ranges.ts';
import {
  type CodedSymbol,
  decodeSketch,
  digestOf,
  expectedInStream,
  isInPartition,
  readSymbols,
  shortId,
  symbolsOf,
  writeSymbols,
} from '../model/riblt.ts';
import type { Finding } from '../runner/check.ts';
import type { Question, ReconciliationView } from './reconciliation-view.ts';
import type { Rule } from './rule.ts';

type ViewRule = Rule<ReconciliationView>;

const OK = 0;
const SAME = 1;
const BUSY = 2;
const TOO_LARGE = 3;
const GONE = 4;
const NO_SET = 5;

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

function outcomeOf(fields: SeenFields | undefined): number | undefined {
  return fields === undefined ? undefined : numberIn(fields, 'outcome');
}

/** What no node asks: the clause that it breaks with its code. */
export function requestFault(
  view: ReconciliationView,
  { message, fields, link }: Question,
): { readonly clause: string; readonly code: string } | undefined {
  if (message === 'FetchRequest') {
    const count = textsIn(fields, 'shortIds').length + textsIn(fields, 'ids').length;
    return count < 1 || count > view.number('reconcile.items_max') ? { clause: 'RCN-042', code: 'E_LIMIT' } : undefined;
  }
  if (message === 'RangeRequest') {
    const read = readRanges(unhex(textIn(fields, 'message')));
    return 'clause' in read ? { clause: read.clause, code: 'E_MALFORMED' } : undefined;
  }
  const [cells, count, first] = [numberIn(fields, 'cells'), numberIn(fields, 'count'), numberIn(fields, 'first')];
  const most = view.number('reconcile.batch_symbols_max');
  if (cells > 0) {
    const isTable = view.spanOf(link)?.hasTables === true && cells >= 8 && cells <= most && cells % 4 === 0;
    if (!isTable) return { clause: 'RCN-065', code: 'E_LIMIT' };
  } else if (count < 1 || count > most || first + count > 2 ** 31) {
    return { clause: 'RCN-028', code: 'E_LIMIT' };
  }
  const bits = numberIn(fields, 'prefixBits');
  return bits > 16 || numberIn(fields, 'prefix') >= 2 ** bits ? { clause: 'RCN-029', code: 'E_MALFORMED' } : undefined;
}

/** The node closes on what no node asks, and on nothing else; what is in order it answers. Spec: RCN-020, RCN-028, RCN-029, RCN-042, RCN-065, RCN-078, RCN-079 */
export const answersOrCloses: ViewRule = rule(
  ['RCN-020', 'RCN-028', 'RCN-029', 'RCN-042', 'RCN-065', 'RCN-078', 'RCN-079'],
  (view, findings) => {
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    let exercised = false;
    const faulty = new Set<number>();
    for (const question of view.posed) {
      if (faulty.has(question.link)) continue;
      const span = view.spanOf(question.link);
      if (span === undefined || view.trace.endMs <= question.atMs + withinMs) continue;
      exercised = true;
      const fault = requestFault(view, question);
      const isClosed = span.closedBy === 'node' && span.toMs >= question.atMs && span.toMs <= question.atMs + withinMs;
      const at = question.event;
      if (fault === undefined) {
        if (question.reply === undefined && span.toMs > question.atMs + withinMs)
          findings.push({ clause: 'RCN-020', at, expected: 'an answer', observed: 'none' });
        if (
          question.reply === undefined &&
          isClosed &&
          view.posed.every((other) => other.link !== question.link || requestFault(view, other) === undefined)
        ) {
          findings.push({
            clause: clauseFor(question),
            at,
            expected: 'an answer to a request in order',
            observed: `closed ${span.code ?? ''}`,
          });
        }
        continue;
      }
      faulty.add(question.link);
      if (!isClosed)
        findings.push({
          clause: fault.clause,
          at,
          expected: `closed with ${fault.code}`,
          observed: question.reply === undefined ? 'nothing' : 'an answer',
        });
      else if (span.code !== undefined && span.code !== '' && span.code !== fault.code)
        findings.push({ clause: fault.clause, at, expected: fault.code, observed: span.code });
    }
    return exercised;
  },
);

function clauseFor({ message, fields }: Question): string {
  if (message === 'FetchRequest') return 'RCN-042';
  if (message === 'RangeRequest') return 'RCN-078';
  return numberIn(fields, 'cells') > 0 ? 'RCN-065' : numberIn(fields, 'prefixBits') > 0 ? 'RCN-029' : 'RCN-028';
}

/** A sketch of the kit: its requests in order, and what came of them. */
interface Sketch {
  readonly requests: readonly Question[];
  readonly salt: Uint8Array;
  readonly prefixBits: number;
  readonly prefix: number;
}

function sketchesOf(view: ReconciliationView): readonly Sketch[] {
  const sketches: { requests: Question[]; salt: Uint8Array; prefixBits: number; prefix: number }[] = [];
  for (const question of view.posed) {
    if (question.message !== 'SketchRequest' || requestFault(view, question) !== undefined) continue;
    const { fields } = question;
    if (numberIn(fields, 'first') > 0) sketches.findLast(({ requests }) => requests[0]?.link === question.link)?.requests.push(question);
    else
      sketches.push({
        requests: [question],
        salt: unhex(textIn(fields, 'salt')),
        prefixBits: numberIn(fields, 'prefixBits'),
        prefix: numberIn(fields, 'prefix'),
      });
  }
  return sketches;
}

/** Records that somebody gave the node, by when it must have had them; each has an origin with stake, so it is still there. */
function givenBy(view: ReconciliationView, atMs: number): readonly SeenEnvelope[] {
  const given: SeenEnvelope[] = [];
  for (const event of view.trace.events) {
    if (event.type !== 'sentFrame' || event.atMs > atMs - 500 || event.frame.body?.type !== 'message') continue;
    if (event.frame.body.message !== 'RecordPush') continue;
    given.push(...envelopesIn(event.frame.body.fields, 'records'));
  }
  return given;
}

/** Symbols are those of the set: what they decode to was given to the node, or is its own, and nothing lacks. Spec: RCN-020 */
export const sketchesItsSet: ViewRule = rule(['RCN-020', 'RCN-001'], (view, findings) => {
  let exercised = false;
  for (const { requests, salt, prefixBits, prefix } of sketchesOf(view)) {
    const [beginning] = requests;
    if (
      beginning?.reply === undefined ||
      outcomeOf(beginning.reply.fields) !== OK ||
      numberIn(beginning.fields, 'cells') > 0 ||
      numberIn(beginning.fields, 'set') !== 1
    )
      continue;
    const at = beginning.reply.event;
    const size = numberIn(beginning.reply.fields, 'size');
    const symbols: CodedSymbol[] = [];
    let fault: string | undefined;
    for (const { reply, fields } of requests) {
      if (reply === undefined || outcomeOf(reply.fields) !== OK) break;
      if (numberIn(reply.fields, 'size') !== size) fault = `size ${numberIn(reply.fields, 'size')} after ${size}`;
      const first = numberIn(fields, 'first');
      const read = readSymbols(unhex(textIn(reply.fields, 'symbols')), numberIn(fields, 'count'), size, expectedInStream(size, first));
      if (read === undefined) fault = `symbols from ${first} are out of form`;
      else symbols.push(...read);
    }
    if (fault !== undefined) {
      findings.push({
        clause: 'RCN-020',
        at,
        expected: 'as many symbols as asked for, of a partition that stays as it is',
        observed: fault,
      });
      continue;
    }
    const decoding = decodeSketch(salt, [], symbols);
    if (decoding.outcome === 'more') continue;
    exercised = true;
    if (decoding.outcome === 'failed' || decoding.theirs.length !== size) {
      findings.push({
        clause: 'RCN-020',
        at,
        expected: `symbols of ${size} items`,
        observed: decoding.outcome === 'failed' ? 'symbols of no set' : `${decoding.theirs.length} items`,
      });
      continue;
    }
    const got = new Set(decoding.theirs);
    const given = givenBy(view, beginning.atMs).filter(({ id }) => id !== undefined && isInPartition(unhex(id), prefixBits, prefix));
    const missing = given.find(({ id }) => !got.has(hex(shortId(salt, unhex(id ?? '')))));
    if (missing !== undefined) {
      findings.push({ clause: 'RCN-020', at, expected: `record ${missing.id?.slice(0, 8)} is in the sketch`, observed: 'it is not' });
      continue;
    }
    const fetched = fetchesAfter(view, beginning).flatMap(({ reply }) => envelopesIn(reply?.fields ?? {}, 'items'));
    if (fetched.length < size) continue;
    const ids = fetched.flatMap(({ id }) => (id === undefined ? [] : [unhex(id)]));
    const outside = ids.find((id) => !isInPartition(id, prefixBits, prefix));
    if (outside !== undefined) {
      findings.push({ clause: 'RCN-001', at, expected: `only ids with ${prefixBits} bits of ${prefix}`, observed: hex(outside) });
      continue;
    }
    const exact = hex(writeSymbols(symbolsOf(salt, ids, 0, symbols.length), expectedInStream(size, 0)));
    const read = hex(writeSymbols(symbols, expectedInStream(size, 0)));
    if (exact !== read) findings.push({ clause: 'RCN-020', at, expected: 'the symbols of what was fetched', observed: 'others' });
  }
  return exercised;
});

function fetchesAfter(view: ReconciliationView, beginning: Question): readonly Question[] {
  const end = view.posed.find(
    (one) =>
      one.link === beginning.link && one.event > beginning.event && one.message === 'SketchRequest' && numberIn(one.fields, 'first') === 0,
  );
  return view.posed.filter(
    (one) =>
      one.link === beginning.link &&
      one.message === 'FetchRequest' &&
      one.event > beginning.event &&
      one.event < (end?.event ?? Number.POSITIVE_INFINITY),
  );
}

/** Cells are those of the set that a sketch of the same moment shows. Spec: RCN-062 */
export const tablesItsSet: ViewRule = rule(['RCN-062'], (view, findings) => {
  let exercised = false;
  for (const question of view.posed) {
    const cells = numberIn(question.fields, 'cells');
    if (requestFault(view, question) !== undefined) continue;
    if (question.message !== 'SketchRequest' || cells === 0 || question.reply === undefined || outcomeOf(question.reply.fields) !== OK)
      continue;
    const fetched = view.posed.findLast((one) => one.message === 'FetchRequest' && one.reply !== undefined && one.event < question.event);
    const ids = envelopesIn(fetched?.reply?.fields ?? {}, 'items').flatMap(({ id }) => (id === undefined ? [] : [unhex(id)]));
    if (ids.length === 0) continue;
    exercised = true;
    const salt = unhex(textIn(question.fields, 'salt'));
    const exact = hex(writeSymbols(tableOf(salt, ids, cells), expectedInTable(ids.length, cells)));
    if (textIn(question.reply.fields, 'symbols') !== exact)
      findings.push({
        clause: 'RCN-062',
        at: question.reply.event,
        expected: `the ${cells} cells of ${ids.length} items`,
        observed: 'others',
      });
  }
  return exercised;
});

/** Outcomes other than an answer are given when their clause says so, and not else. Spec: RCN-021 to RCN-024, RCN-026, RCN-027, RCN-044 */
export const saysWhatIs: ViewRule = rule(
  ['RCN-021', 'RCN-022', 'RCN-023', 'RCN-024', 'RCN-026', 'RCN-027', 'RCN-044'],
  (view, findings) => {
    const intervalMs = view.number('reconcile.interval_ms');
    let exercised = false;
    const begun: { readonly link: number; readonly atMs: number; readonly event: number }[] = [];
    for (const question of view.posed) {
      const { fields, reply, link, atMs, message } = question;
      if (requestFault(view, question) !== undefined || reply === undefined) continue;
      exercised = true;
      const got = outcomeOf(reply.fields);
      const at = reply.event;
      const say = (clause: string, expected: string): void => {
        findings.push({ clause, at, expected, observed: `outcome ${got}` });
      };
      if (got !== OK && (textIn(reply.fields, 'symbols') !== '' || envelopesIn(reply.fields, 'items').length > 0)) {
        const clause =
          got === SAME ? 'RCN-021' : got === TOO_LARGE ? 'RCN-022' : got === BUSY ? 'RCN-026' : got === GONE ? 'RCN-023' : 'RCN-027';
        say(clause, 'nothing but the outcome');
      }
      if (numberIn(fields, 'set') !== 1) {
        if (got !== NO_SET && numberIn(fields, 'set') > 4) say('RCN-027', 'no set');
        // Whatever sketch of another set there is, one of this set was not begun.
        const isBegun = view.posed.some(
          (one) =>
            one.link === link && one.event < question.event && one.message === 'SketchRequest' && one.fields['set'] === fields['set'],
        );
        if (message === 'FetchRequest' && textsIn(fields, 'shortIds').length > 0 && !isBegun && got === OK)
          say('RCN-044', 'gone: no sketch over this set was begun');
        continue;
      }
      if (got === NO_SET) say('RCN-027', 'an answer for a set that the node keeps');
      const last = begun.findLast((one) => one.link === link);
      if (message === 'RangeRequest') continue;
      if (message === 'FetchRequest') {
        if (textsIn(fields, 'shortIds').length > 0 && last === undefined && got !== GONE) say('RCN-044', 'gone: no sketch was begun');
        continue;
      }
      if (numberIn(fields, 'first') > 0) {
        const before = view.posed.findLast(
          (one) =>
            one.link === link &&
            one.event < question.event &&
            one.message === 'SketchRequest' &&
            one.reply !== undefined &&
            outcomeOf(one.reply.fields) === OK,
        );
        const isOn =
          before !== undefined &&
          last !== undefined &&
          ['set', 'salt', 'prefixBits', 'prefix'].every((field) => before.fields[field] === fields[field]) &&
          numberIn(before.fields, 'first') + numberIn(before.fields, 'count') === numberIn(fields, 'first');
        if (!isOn && got !== GONE) say('RCN-023', 'gone: it does not go on');
        const others = new Set(begun.filter((one) => one.event > (last?.event ?? 0) && one.link !== link).map((one) => one.link)).size;
        const isKept =
          isOn &&
          atMs - (before?.atMs ?? 0) <= view.number('reconcile.sketch_keep_ms') - view.slackMs &&
          others < view.number('reconcile.sketches_kept_max');
        if (isKept && got !== OK) say('RCN-024', 'the sketch goes on');
        continue;
      }
      const recent = begun.filter((one) => one.link === link && one.atMs > atMs - intervalMs + view.slackMs).length;
      const most = view.number('reconcile.begins_max');
      if (recent >= most && got !== BUSY) say('RCN-026', `busy: ${recent} sketches were begun within the interval`);
      const close = begun.filter((one) => one.link === link && one.atMs > atMs - intervalMs - view.slackMs).length;
      if (close < most && got === BUSY) say('RCN-026', 'an answer: few sketches were begun');
      if (got !== BUSY) begun.push({ link, atMs, event: question.event });
      const size = numberIn(reply.fields, 'size');
      const largest = view.number('reconcile.partition_items_max');
      if (got === OK && size > largest) say('RCN-022', `too large: ${size} items`);
      if (got === TOO_LARGE && size <= largest) say('RCN-022', `an answer: ${size} items are not too many`);
      judgeDigest(view, question, got, say);
    }
    return exercised;
  },
);

/** A digest of what was fetched a moment before is that of the set. */
function judgeDigest(
  view: ReconciliationView,
  question: Question,
  got: number | undefined,
  say: (clause: string, expected: string) => void,
): void {
  const digest = textIn(question.fields, 'digest');
  const fetched = view.posed.findLast(
    (one) => one.message === 'FetchRequest' && one.link === question.link && one.event < question.event && one.reply !== undefined,
  );
  if (got === SAME && digest.length !== 16) say('RCN-021', 'symbols: there is no digest');
  if (
    fetched?.reply === undefined ||
    outcomeOf(fetched.reply.fields) !== OK ||
    digest.length !== 16 ||
    got === BUSY ||
    question.atMs - fetched.atMs > 2_500
  )
    return;
  const ids = envelopesIn(fetched.reply.fields, 'items').flatMap(({ id }) => (id === undefined ? [] : [unhex(id)]));
  const exact = hex(digestOf(unhex(textIn(question.fields, 'salt')), ids));
  if (digest === exact && got === OK) say('RCN-021', 'same: the digests agree');
  if (digest !== exact && got === SAME) say('RCN-021', 'symbols: the digests differ');
}

/** Items come as they were asked for. Spec: RCN-043 */
export const givesItems: ViewRule = rule(['RCN-043'], (view, findings) => {
  let exercised = false;
  const held = new Map<string, string>();
  for (const question of view.posed) {
    if (question.message !== 'FetchRequest' || question.reply === undefined || outcomeOf(question.reply.fields) !== OK) continue;
    const items = envelopesIn(question.reply.fields, 'items');
    const salt = sketchesOf(view).findLast(
      ({ requests }) => requests[0]?.link === question.link && (requests[0]?.event ?? 0) < question.event,
    )?.salt;
    const named = [...textsIn(question.fields, 'shortIds'), ...textsIn(question.fields, 'ids')];
    const nameOf = (id: string): string => (named.includes(id) || salt === undefined ? id : hex(shortId(salt, unhex(id))));
    const names = items.map(({ id }) => nameOf(id ?? ''));
    const at = question.reply.event;
    const order = names.map((name) => named.indexOf(name));
    exercised = true;
    if (order.some((place, position) => place < 0 || place <= (order[position - 1] ?? -1))) {
      findings.push({ clause: 'RCN-043', at, expected: 'items that were asked for, in their order', observed: order.join(' ') });
    }
    const bytes = items.reduce((sum, item) => sum + item.bytes.length / 2, 0);
    const most = view.number('reconcile.reply_bytes_max');
    if (bytes > most) findings.push({ clause: 'RCN-043', at, expected: `at most ${most} bytes of items`, observed: `${bytes}` });
    // What was given once is there: records of origins with stake last longer than a plan.
    // What was given once is there: records of origins with stake last longer than a plan.
    let room = most;
    let lost: string | undefined;
    let behind: string | undefined;
    for (const name of named) {
      const place = names.indexOf(name);
      const item = place < 0 ? held.get(name) : items[place]?.bytes;
      if (item === undefined) continue;
      room -= item.length / 2;
      // The first that does not fit ends the reply.
      if (room < 0 && place >= 0) behind ??= name;
      if (room >= 0 && place < 0) lost ??= name;
    }
    if (behind !== undefined)
      findings.push({ clause: 'RCN-043', at, expected: 'nothing from the first item on that did not fit', observed: behind.slice(0, 16) });
    if (lost !== undefined)
      findings.push({ clause: 'RCN-043', at, expected: `${lost.slice(0, 16)}, which the node has`, observed: 'it is left out' });
    for (const item of items) if (item.id !== undefined && item.origin !== view.trace.nodePeerId) held.set(item.id, item.bytes);
  }
  return exercised;
});

/** A message without ids is answered with all ids. Spec: RCN-075 */
export const rangesItsSet: ViewRule = rule(['RCN-075', 'RCN-080'], (view, findings) => {
  let exercised = false;
  for (const { message, fields, reply, atMs } of view.posed) {
    if (message !== 'RangeRequest' || reply === undefined || outcomeOf(reply.fields) !== OK) continue;
    const bytes = unhex(textIn(reply.fields, 'message'));
    const read = readRanges(bytes);
    const at = reply.event;
    if ('clause' in read) {
      findings.push({ clause: 'RCN-075', at, expected: 'a message in order', observed: read.clause });
      continue;
    }
    const most = view.number('reconcile.range_bytes_max');
    if (bytes.length > most) findings.push({ clause: 'RCN-080', at, expected: `at most ${most} bytes`, observed: `${bytes.length}` });
    if (textIn(fields, 'message') !== '6100000200') continue;
    exercised = true;
    const told = new Set(read.ranges.flatMap((range) => (range.mode === 'ids' ? range.ids.map(hex) : [])));
    const missing = givenBy(view, atMs).find(({ id }) => id !== undefined && !told.has(id));
    if (missing !== undefined)
      findings.push({ clause: 'RCN-075', at, expected: `id ${missing.id?.slice(0, 8)}`, observed: 'it is not told' });
  }
  return exercised;
});
