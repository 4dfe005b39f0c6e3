import type { GivenOptions } from '../command.ts';
import { runSettingsTable } from './run-settings.ts';

const own = {
  input: { kind: 'text', value: 'file', summary: 'with the embedded broker: records to feed, one a line; - is stdin' },
  output: { kind: 'text', value: 'file', summary: 'with --input: where results go, one a line; - is stdout (default)' },
  createTopics: { kind: 'flag', summary: 'create topics that are missing, outputs, dead letters and retry topics too' },
  http: {
    kind: 'integer',
    value: 'port',
    min: 0,
    max: 65_535,
    summary: 'answer /metrics, /healthz and /readyz there; 0 is any free port (default: off)',
  },
  httpHost: { kind: 'text', value: 'address', summary: 'with --http: the address it listens at (default: 127.0.0.1)' },
  watch: { kind: 'flag', summary: 'drain and start again when the file, or what it imports, changes' },
  inspect: { kind: 'flag', summary: "open Node's inspector before the pipeline is loaded; also --inspect=PORT" },
  inspectPort: { kind: 'integer', value: 'port', min: 0, max: 65_535, summary: 'where it listens (default: 9229)' },
} as const;

/** What `millrace run` takes beside the settings of all commands. Those of its own are told to it as settings, too. */
export const runOptions = { ...own, ...runSettingsTable };

export type RunOptions = GivenOptions<typeof own>;
