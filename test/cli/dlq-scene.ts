import type { CliContext } from '../../src/cli/context.ts';
import type { Command } from '../../src/command.ts';
import { deadLetterHeaders, header, withStory } from '../../src/flow/dead-letters.ts';
import type { OutputRecord, SourceRecord } from '../../src/record/record.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
export const bytesOf = (value: string): Uint8Array => Buffer.from(value);
const nothing = (): void => undefined;

export interface Told {
  readonly code: number;
  readonly json: readonly Record<string, unknown>[];
  readonly lines: readonly string[];
  readonly notes: readonly string[];
}

/** An embedded broker that the commands take for Kafka, in virtual time. */
export async function dlqScene(partitions = 1) {
  const clock = virtualClock(startMs);
  const transport = memory({ clock, partitions, maxFetchRecords: 20 });
  await transport.createTopics([{ name: 'in' }, { name: 'dead' }]);

  const begin = (command: Command, options: Record<string, unknown> = {}, isJson = true) => {
    const interrupt = new AbortController();
    const [json, lines, notes]: [Record<string, unknown>[], string[], string[]] = [[], [], []];
    const out = {
      ...{ isJson, isTty: false, live: nothing, drained: () => Promise.resolve() },
      line: (one: string) => lines.push(one),
      table: (rows: readonly (readonly string[])[]) => lines.push(...rows.map((row) => row.join('|'))),
      note: (one: string) => notes.push(one),
      json: (one: unknown) =>
        json.push(JSON.parse(JSON.stringify(one, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))) as never),
      raw: (one: string) => json.push(JSON.parse(one) as never),
    };
    const context = {
      ...{ out, clock, log: silentLog, signal: interrupt.signal, interrupt: { exitCode: 130 } },
      settings: { transport: 'kafka', kafka: {} },
      openTransport: () => Promise.resolve({ transport, where: 'here', close: () => Promise.resolve() }),
    } as unknown as CliContext;
    const flags = { dryRun: false, force: false, payload: false };
    const ended = command.run({ options: { ...flags, ...options } as never, args: ['dead'] }, context);
    Promise.resolve(ended).catch(nothing);
    return {
      interrupt: () => {
        interrupt.abort(new DOMException('stopped', 'AbortError'));
      },
      told: async (): Promise<Told> => ({ code: (await ended) ?? 0, json, lines, notes }),
    };
  };
  const run = async (command: Command, options?: Record<string, unknown>, isJson?: boolean): Promise<Told> => {
    const running = begin(command, options, isJson);
    await clock.advance(60_000);
    return running.told();
  };
  const read = (name: string, partition = 0): readonly SourceRecord[] => transport.broker.records(name, partition);
  const values = (name: string, partition = 0): readonly string[] =>
    read(name, partition).map(({ value }) => Buffer.from(value ?? []).toString());
  const letter = (value: string | null, { own = [], story = {}, key = 'k' }: LetterParts = {}, partition = 0): void => {
    transport.broker.append('dead', partition, [letterOf(value, { own, story, key })]);
  };
  return { clock, transport, begin, run, read, values, letter };
}

interface LetterParts {
  readonly own?: OutputRecord['headers'];
  readonly story?: Readonly<Record<string, string>>;
  readonly key?: string | null;
}

export function letterOf(value: string | null, { own = [], story = {}, key = 'k' }: LetterParts): OutputRecord {
  const names = deadLetterHeaders;
  const told: Record<string, string> = {
    ...{ [names.topic]: 'in', [names.partition]: '0', [names.offset]: '7', [names.code]: 'call_timeout', [names.pipeline]: 'judge' },
    ...{ [names.failedAt]: '2026-03-01T11:00:00.000Z', [names.attempts]: '3', ...story },
  };
  const headers = withStory(
    own,
    Object.entries(told).map(([name, said]) => header(name, said)),
  );
  return { key: key === null ? null : bytesOf(key), value: value === null ? null : bytesOf(value), headers };
}
