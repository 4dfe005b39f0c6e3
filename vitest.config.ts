import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const kafkaTests = ['test/integration/**/*.test.ts', 'test/**/kafka.test.ts'];
const modelTests = ['test/model/**/*.test.ts'];
const kafkaSetup = 'test/helpers/kafka-global-setup.ts';

/** A broker or a model takes both cores: such files run one at a time, and one kind after the other. */
const slow = { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, maxWorkers: 1 };

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
          testTimeout: 20_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...slow,
          name: 'kafka',
          include: kafkaTests,
          globalSetup: existsSync(kafkaSetup) ? [kafkaSetup] : [],
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { ...slow, name: 'model', include: modelTests, sequence: { groupOrder: 2 } } },
    ],
  },
});
