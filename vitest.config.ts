import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const kafkaTests = ['test/integration/**/*.test.ts', 'test/**/kafka.test.ts'];
const modelTests = ['test/model/**/*.test.ts'];
const kafkaSetup = 'test/helpers/kafka-global-setup.ts';

// many tests start processes of their own, which spend half of their first second on compiling the same files
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/node');

const slow = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    pool: 'forks',
    execArgv: ['--expose-gc'], // an envelope that a pipeline loses is found by its garbage
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...kafkaTests, ...modelTests],
          testTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...slow,
          name: 'kafka', // two files at a time: they wait for brokers and sessions more than they work
          maxWorkers: 2,
          include: kafkaTests,
          globalSetup: existsSync(kafkaSetup) ? [kafkaSetup] : [],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...slow,
          name: 'model', // one at a time: a model computes on all cores but one
          include: modelTests,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
