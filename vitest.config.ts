import type { ViteUserConfig } from 'vitest/config';
import { defineConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['{reference,conformance,examples,scripts,bin}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'threads',
    // One for each core; left to itself vitest keeps one core free, which on two cores is half of them.
    maxWorkers: '100%',
  },
});
export default config;
