import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['{reference,conformance,scripts,bin}/**/*.test.ts'], testTimeout: 60_000, pool: 'threads' },
});
