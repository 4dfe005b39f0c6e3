import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const kafkaTests = ['test/integration/**/*.test.ts', 'test/**/kafka.test.ts'];
const modelTests = ['test/model/**/*.test.ts'];
const kafkaSetup = 'test/helpers/kafka-global-setup.ts';

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
          name: 'model', // one at a time, and nothing beside it: a model takes all cores
          include: modelTests,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
