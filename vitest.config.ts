import { defineConfig } from 'vitest/config';
import { ImportantFirst } from './test/support/important-first.ts';

/** Emulated processors are about fifteen times slower. */
const patience = process.env['XCAP_GUEST'] === undefined ? 1 : 8;

/**
 * unit and golden need no root. kernel wants root and BTF: it runs on the host's own kernel, in namespaces of its own,
 * and the same files run inside each guest; guest is what starts those. See docs/kernels.md.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: ImportantFirst },
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 120_000 } },
      { test: { name: 'golden', include: ['test/golden/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          globalSetup: ['test/support/fresh-cache.ts'],
          runner: 'test/support/time-limit.ts',
          testTimeout: 60_000 * patience,
          hookTimeout: 60_000 * patience,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'guest',
          include: ['test/guest/**/*.test.ts'],
          testTimeout: 40 * 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxConcurrency: 2,
        },
      },
    ],
  },
});
