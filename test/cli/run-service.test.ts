import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { call } from '../../src/call.ts';
import type { CliContext } from '../../src/cli/context.ts';
import type { RunSettings } from '../../src/cli/run-settings.ts';
import { runService } from '../../src/cli/run-service.ts';
import { sleep } from '../../src/clock.ts';
import { TransportError } from '../../src/errors.ts';
import type { ConsumeHandlers, Consumer, Transport } from '../../src/transport/transport.ts';
import { text } from '../../src/codec/text.ts';
import { definePipeline, type Pipeline, topic } from '../../src/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const nothing = (): void => undefined;
const input = topic('words', text());

/** Words of one key, so one at a time, of a second each; interrupted within the first, while twelve wait behind it. */
async function interrupted(by: number, drainDeadlineMs: number): Promise<{ readonly code: number; readonly notes: readonly string[] }> {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock });
  const notes: string[] = [];
  const controller = new AbortController();
  const context = {
    out: { isTty: false, note: (note: string) => notes.push(note), json: nothing, live: nothing },
    ...{ settings: { run: { drainDeadlineMs } }, log: silentLog, clock, signal: controller.signal, interrupt: { exitCode: by } },
    openTransport: () => Promise.resolve({ transport, where: 'here', close: () => Promise.resolve() }),
  } as unknown as CliContext;
  await transport.createTopics([input]);
  await connect(transport, { clock }).produce(
    input,
    Array.from({ length: 13 }, () => ({ key: 'one key', value: 'word' })),
  );
  const slow = (word: string) => call(() => sleep(clock, 1_000).then(() => word));
  const pipeline = definePipeline({
    ...{ name: 'slow', input, deadLetter: 'stop', ordering: 'key' },
    process: (words) => words.pipe(mapConcurrent(slow, { concurrency: 3 })),
  });
  const running = runService(pipeline as unknown as Pipeline, { createTopics: false }, context);
  clock.schedule(500, () => {
    controller.abort();
  });
  await clock.advance(20_000);
  return { code: await running, notes };
}

describe('a pipeline on Kafka that is interrupted', () => {
  it.each([
    { signal: 'SIGINT', exitCode: 130 },
    { signal: 'SIGTERM', exitCode: 143 },
  ])('ends with $exitCode at $signal when it gave back what it had begun', async ({ exitCode }) => {
    const { code, notes } = await interrupted(exitCode, 100);
    expect(notes.at(-1)).toMatch(/0 done, .* 1 given back/);
    expect(code).toBe(exitCode);
  });

  it('ends with 0 when it finished all it had begun, whatever waits in the topic', async () => {
    const { code, notes } = await interrupted(130, 5_000);
    expect(notes.at(-1)).toMatch(/1 done, 0 failed, 0 dropped in/);
    expect(code).toBe(0);
  });
});

describe('a pipeline on Kafka', () => {
  /** Run on a transport whose consumer does what `joined` says. */
  function running(
    joined: (handlers: ConsumeHandlers, join: () => Promise<Consumer>) => Promise<Consumer>,
    width = 200,
    run: RunSettings = {},
  ) {
    const clock = virtualClock(1_000_000);
    const inner = memory({ clock });
    const inherited = inner.consume.bind(inner);
    const consume: Transport['consume'] = (options, handlers) => joined(handlers, () => inherited(options, handlers));
    const transport = Object.assign(inner, { consume });
    const live: (string | undefined)[] = [];
    const controller = new AbortController();
    const context = {
      out: { isTty: false, width, note: nothing, json: nothing, live: (line: string | undefined) => live.push(line) },
      ...{ settings: { run }, log: silentLog, clock, signal: controller.signal, interrupt: { exitCode: 130 } },
      openTransport: () => Promise.resolve({ transport, where: 'here', close: () => Promise.resolve() }),
    } as unknown as CliContext;
    const pipeline = definePipeline({ name: 'p', input, deadLetter: 'stop', process: (words) => words });
    const ended = runService(pipeline as unknown as Pipeline, { createTopics: true }, context);
    return { clock, live, controller, ended };
  }
  const waiting = (handlers: ConsumeHandlers): Promise<Consumer> => {
    handlers.health({ state: 'waiting', why: 'the group waits', leftMs: 9_000 });
    handlers.health({ state: 'waiting', why: 'the group waits', leftMs: 8_000 });
    return new Promise(() => undefined);
  };

  it('rejects with what ended the consumer for good, so that the process ends with 1', async () => {
    const { clock, ended } = running((handlers, join) => {
      clock.schedule(1_000, () => {
        handlers.failed(new TransportError('transport_unavailable', 'cannot consume as p: nobody is there'));
      });
      return join();
    });
    const failure = expect(ended).rejects.toMatchObject({ code: 'transport_unavailable' });
    await clock.advance(10_000);
    await failure;
  });

  it('shows on the live line whom its start waits for, and for how long', async () => {
    const { clock, live } = running(waiting);
    await clock.advance(100);
    expect(live).toEqual(['starting · the group waits, at most 9 s more', 'starting · the group waits, at most 8 s more']);
  });

  it.each([
    [
      200,
      'starting · the start waits: cannot join group p: broker b:1 refused the connection; is a broker running there?, at most 120 s more',
    ],
    [80, expect.stringMatching(/^(?=.{77}$)starting · the start waits: cannot join group p: .*…, at most 120 s more$/) as string],
  ])('shows on a live line of %d columns that the broker is away, waits, and can be interrupted', async (width, line) => {
    const away = (): Promise<Consumer> =>
      Promise.reject(
        new TransportError('transport_unavailable', 'cannot join group p: broker b:1 refused the connection; is a broker running there?'),
      );
    const { clock, live, controller, ended } = running(away, width);
    await clock.advance(100);
    expect(live).toEqual([line]);
    await clock.advance(60_000);
    expect(live.at(-1)).toMatch(/at most 6\d s more$/);
    controller.abort(new DOMException('interrupted', 'AbortError'));
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is run as its settings say', async () => {
    const away = (): Promise<Consumer> => Promise.reject(new TransportError('transport_unavailable', 'nobody is there'));
    const { clock, ended } = running(away, 80, { startPatienceMs: 3_000, sessionTimeoutMs: 5_000 });
    const failure = expect(ended).rejects.toThrow(/^nobody is there; the start has waited 3 s for it/);
    await clock.advance(3_000);
    await failure;
  });

  it('is interrupted while it starts', async () => {
    const { clock, controller, ended } = running(waiting);
    await clock.advance(100);
    controller.abort(new DOMException('interrupted', 'AbortError'));
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  });
});
