/** What the node answers to RecordRequests that come by datagram: what it holds, as far as it fits. Spec: REC-070, REC-072 */
import { encodeFrame, frameNamed } from '../model/frame.ts';
import { encodeUvarint } from '../model/uvarint.ts';
import type { Finding } from '../runner/check.ts';
import type { RecordsView } from './records-view.ts';
import type { Rule } from './rule.ts';

/** Tag, cookie, token and proof: what a datagram with an answer is beside its frame. */
const AROUND_BYTES = 4 + 8 + 8 + 96;

/** Bytes of the datagram with a RecordReply of records of these lengths. */
function datagramBytes(records: readonly number[], requestId: number): number {
  const body = records.reduce((sum, bytes) => sum + 1 + encodeUvarint(bytes).length + bytes, 0);
  return AROUND_BYTES + encodeFrame(frameNamed('RecordReply').kind, requestId, new Uint8Array(body)).length;
}

/** An answer holds what the node holds of the labels, in their order, up to the first record with which it would be too long. */
export const datagramsHold: Rule<RecordsView> = {
  clauses: ['REC-070', 'REC-072'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const bytesMax = view.number('datagram.bytes_max');
    for (const { event: at, endpoint, cookie, requestId, bytes, envelopes } of view.datagramReplies) {
      const question = view.datagrams.findLast((one) => one.event < at && one.endpoint === endpoint && one.cookie === cookie);
      // Own records that nobody has been shown yet are nobody's to judge.
      if (question === undefined || envelopes.some(({ origin }) => origin === view.node)) continue;
      const sizes = question.expected.map(({ envelope }) => envelope.bytes.length / 2);
      const fitting = sizes.findIndex((_, index) => datagramBytes(sizes.slice(0, index + 1), requestId) > bytesMax);
      const fits = fitting < 0 ? question.expected : question.expected.slice(0, fitting);
      exercised ||= fits.length > 0 && fits.length < question.expected.length;
      const got = envelopes.map(({ id }) => id ?? '');
      const missing = fits.find(({ id }) => !got.includes(id));
      if (bytes > bytesMax) findings.push({ clause: 'REC-072', at, expected: `at most ${bytesMax} bytes`, observed: `${bytes}` });
      if (missing !== undefined) {
        const kept = fits.findIndex(({ id }) => id === missing.id);
        const clause = got.length > kept ? 'REC-072' : 'REC-070';
        findings.push({
          clause,
          at,
          expected: `the first ${fits.length} of ${question.expected.length} records, which fit`,
          observed: `${got.length}, the record at place ${kept + 1} left out`,
        });
        continue;
      }
      if (fits.some(({ id }, index) => got[index] !== id)) {
        findings.push({
          clause: 'REC-070',
          at,
          expected: 'the records in the order of the labels',
          observed: 'they stand in another order',
        });
      }
      const extra = got.find((id) => !fits.some((held) => held.id === id));
      if (extra !== undefined) {
        findings.push({
          clause: question.expected.some((held) => held.id === extra) ? 'REC-072' : 'REC-070',
          at,
          expected: `${fits.length} records: what fits, from the front`,
          observed: `${extra.slice(0, 8)} as well`,
        });
      }
    }
    return { findings, exercised };
  },
};
