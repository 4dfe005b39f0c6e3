import type { CliContext } from '../../src/cli/context.ts';
import type { Clock } from '../../src/clock.ts';
import type { Command } from '../../src/command.ts';
import { deadLetterHeaders, withStory } from '../../src/flow/dead-letters.ts';
import { type OutputRecord, type SourceRecord, textHeader } from '../../src/record/record.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { ProcessClock } from '../../src/simulation/process-clock.ts';
import { memory, type MemoryTransport } from '../../src/transport/memory/memory.ts';
import type { Consumer, Transport } from '../../src/transport/transport.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
export const bytesOf = (value: string): Uint8Array => Buffer.from(value);
const nothing = (): void => undefined;
const hoursMs = 10 ** 8;

export interface Told {
  readonly code: number;
  readonly json: readonly Record<string, unknown>[];
  readonly lines: readonly string[];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/** What a process has to itself. */
export interface Side {
  readonly clock: Clock;
  readonly transport: Transport;
}

/** A process on this broker that can be killed: from then on its time stands still, it asks nothing and hears nothing. */
export function mortal(clock: VirtualClock, transport: MemoryTransport): Side & { readonly kill: () => void } {
  const own = new ProcessClock(clock);
  let isDead = false;
  const joined: Consumer[] = [];
  const wire = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (isDead) return new Promise(nothing);
          const answer: unknown = Reflect.apply(member, target, args);
          if (!(answer instanceof Promise)) return answer;
          return answer.then(heard, (error: unknown) => (isDead ? new Promise(nothing) : Promise.reject(error as Error)));
        };
      },
    });
  const heard = (answer: unknown): unknown => {
    if (isDead) return new Promise(nothing);
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer) || answer instanceof Map) return answer;
    if ('stillOwned' in answer) joined.push(answer as Consumer);
    return 'close' in answer || 'commit' in answer ? wire(answer) : answer;
  };
  const kill = (): void => {
    isDead = true;
    own.pause(hoursMs);
    for (const consumer of joined) transport.broker.expel(consumer, { noticeMs: hoursMs });
  };
  return { clock: own, transport: wire<Transport>(transport), kill };
}

/** An embedded broker that the commands take for Kafka, in virtual time. */
export async function dlqScene(partitions = 1) {
  const clock = virtualClock(startMs);
  const transport = memory({ clock, partitions, maxFetchRecords: 20 });
  await transport.createTopics([{ name: 'in' }, { name: 'dead' }]);

  const begin = (command: Command, options: Record<string, unknown> = {}, isJson = true, side: Side = { clock, transport }) => {
    const interrupt = new AbortController();
    const [json, lines, notes, warnings]: [Record<string, unknown>[], string[], string[], string[]] = [[], [], [], []];
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
      ...{
        out,
        clock: side.clock,
        log: { ...silentLog, warn: (_: object, why: string) => warnings.push(why) },
        signal: interrupt.signal,
        interrupt: { exitCode: 130 },
      },
      settings: { transport: 'kafka', kafka: {} },
      openTransport: () => Promise.resolve({ transport: side.transport, where: 'here', close: () => Promise.resolve() }),
    } as unknown as CliContext;
    const flags = { dryRun: false, force: false, payload: false };
    const ended = command.run({ options: { ...flags, ...options } as never, args: ['dead'] }, context);
    Promise.resolve(ended).catch(nothing);
    return {
      interrupt: () => {
        interrupt.abort(new DOMException('stopped', 'AbortError'));
      },
      told: async (): Promise<Told> => ({ code: (await ended) ?? 0, json, lines, notes, warnings }),
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
    Object.entries(told).map(([name, said]) => textHeader(name, said)),
  );
  return { key: key === null ? null : bytesOf(key), value: value === null ? null : bytesOf(value), headers };
}
