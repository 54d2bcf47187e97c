/** Chapter 06 by vectors: payloads, verdicts, which record is newer, when one is over. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const JUDGE = 'records/judge.json';

function judge(id: string, clause: string, title: string): VectorCheck {
  return vectorCheck({ id: `records.judge.${id}`, title, file: JUDGE, clauses: [clause] });
}

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'records.payload.encode',
    title: 'Records of every kind are written',
    file: 'records/encode.json',
    clauses: ['REC-012'],
  }),
  vectorCheck({
    id: 'records.payload.decode',
    title: 'Records of every kind are read, and what is none is refused',
    file: 'records/decode.json',
    clauses: ['REC-011', 'REC-012', 'REC-017'],
  }),
  vectorCheck({
    id: 'records.newer.rule',
    title: 'The record of the later instance is the newer one, then the larger sequence, then the larger id',
    file: 'records/newer.json',
    clauses: ['REC-002'],
  }),
  vectorCheck({
    id: 'records.over.rule',
    title: 'A record is over behind its time, not in it',
    file: 'records/over.json',
    clauses: ['REC-003'],
  }),
  judge('size', 'REC-010', 'An envelope above the limit is rejected'),
  judge('structure', 'REC-011', 'Envelopes get the verdicts of chapter 02'),
  judge('kind', 'REC-012', 'A body that is not that of the kind is rejected'),
  judge('index', 'REC-013', 'An index that the kind does not have is rejected'),
  judge('instance', 'REC-014', 'A record made before its instance started is rejected'),
  judge('contact', 'REC-015', 'A contact record out of form is rejected'),
  judge('snapshots', 'REC-016', 'Snapshot hashes out of form are rejected'),
  judge('range', 'REC-017', 'A ledger range that runs backwards is rejected'),
  judge('health', 'REC-018', 'A load above 1,000 is rejected'),
  judge('version', 'REC-019', 'A version record out of form is rejected'),
  judge('past', 'REC-021', 'A pushed record before the window is ignored, a pulled one is not'),
  judge('future', 'REC-022', 'A record after the window is ignored'),
  judge('over', 'REC-023', 'A record that is over is ignored'),
  judge('signature', 'REC-026', 'A record whose signature fails is rejected'),
];
