import type { GivenOptions } from '../command.ts';

/** What `millrace run` takes beside the settings. */
export const runOptions = {
  input: { kind: 'text', value: 'file', summary: 'with the embedded broker: records to feed, one a line; - is stdin' },
  output: { kind: 'text', value: 'file', summary: 'with --input: where results go, one a line; - is stdout (default)' },
  createTopics: { kind: 'flag', summary: 'create topics that are missing, outputs, dead letters and retry topics too' },
  drainDeadlineMs: { kind: 'integer', value: 'ms', min: 0, summary: 'how long a stop waits for what is in flight (default: 30000)' },
  watch: { kind: 'flag', summary: 'drain and start again when the file, or what it imports, changes' },
  inspect: { kind: 'flag', summary: "open Node's inspector before the pipeline is loaded; also --inspect=PORT" },
  inspectPort: { kind: 'integer', value: 'port', min: 0, max: 65_535, summary: 'where it listens (default: 9229)' },
} as const;

export type RunOptions = GivenOptions<typeof runOptions>;
