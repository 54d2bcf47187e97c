/** The rows of chapter 19, "Records". */
export const RECORDS_ROWS = {
  'records.mode': {
    unit: 'off, on',
    values: ['on', 'on', 'on', 'on', 'on'],
    clause: 'SES-028',
    meaning: 'whether the node offers `records/1`',
  },
} as const;
