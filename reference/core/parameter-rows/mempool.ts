/** The rows of chapter 19, "Mempool". */
export const MEMPOOL_ROWS = {
  'mempool.mode': {
    unit: 'off, on',
    values: ['on', 'on', 'off', 'on', 'on'],
    clause: 'SES-028',
    meaning: 'whether the node offers `mempool/1`',
  },
} as const;
