/** The rows of chapter 19, "Reconciliation". */
export const RECONCILIATION_ROWS = {
  'reconcile.mode': {
    unit: 'off, on',
    values: ['on', 'on', 'on', 'on', 'on'],
    clause: 'SES-028',
    meaning: 'whether the node offers `reconcile/1`',
  },
  'reconcile.iblt': {
    unit: 'off, on',
    values: ['off', 'off', 'off', 'off', 'off'],
    clause: 'SES-028',
    meaning: 'whether the node offers `iblt/1`',
  },
} as const;
