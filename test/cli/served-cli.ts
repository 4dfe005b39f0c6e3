import { setTimeout as wait } from 'node:timers/promises';
import { join } from 'node:path';
import { type ParsedMetrics, parsePrometheus } from '../helpers/prometheus-text.ts';
import { type CliOptions, type RunningCli, startCli } from './run-cli.ts';

const fixture = join(import.meta.dirname, 'fixtures/served.ts');

/** A pipeline that is served by a process of its own. */
export interface ServedCli {
  readonly url: string;
  readonly cli: RunningCli;
  readonly feed: (lines: readonly string[]) => void;
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  readonly metrics: () => Promise<ParsedMetrics>;
  /** Asks until the answer of this path has this status. */
  readonly answers: (path: string, status: number) => Promise<unknown>;
}

const pollMs = 20;

/** `millrace run --http 0` with the pipeline of `fixtures/served.ts`, held up as `heldUpBy` says; fed by its stdin, which stays open. */
export async function serveByCli(heldUpBy: string, args: readonly string[] = [], options: CliOptions = {}): Promise<ServedCli> {
  const feeding = args.includes('--brokers') ? [] : ['--input', '-', '--output', '/dev/null'];
  const cli = startCli(['run', fixture, '--http', '0', ...feeding, ...args], {
    keepStdin: true,
    ...options,
    env: { SERVED: heldUpBy, ...options.env },
  });
  const [, url = ''] = await cli.seen(/(http:\/\/\S+:\d+)\/metrics/);
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);
  return {
    url,
    cli,
    get,
    feed: (lines) => {
      cli.child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
    },
    metrics: async () => parsePrometheus(await (await get('/metrics')).text()),
    answers: async (path, status) => {
      for (;;) {
        const response = await get(path);
        const body: unknown = await response.json();
        if (response.status === status) return body;
        await wait(pollMs);
      }
    },
  };
}

export const sum = ({ samples }: ParsedMetrics, name: string): number =>
  samples.filter((one) => one.name === name).reduce((total, { value }) => total + value, 0);
