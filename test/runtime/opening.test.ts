import { afterEach, describe, expect, it, vi } from 'vitest';
import { sleep } from '../../src/clock.ts';
import { text } from '../../src/codec/text.ts';
import { messageOf } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import type { OpenContext, Resource } from '../../src/resource.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import type { StartOptions } from '../../src/runtime/options.ts';
import { start } from '../../src/runtime/start.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import type { Producer } from '../../src/transport/transport.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

type Open = (context: OpenContext) => Promise<unknown>;

const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

/** Starts a pipeline whose resources open as they are told to. */
async function rig(opens: Readonly<Record<string, Open>>, options: Partial<StartOptions> = {}) {
  const clock = virtualClock(0);
  const transport = memory({ clock });
  await transport.createTopics([{ name: 'in' }]);
  const said: string[] = [];
  const resources = Object.fromEntries(
    Object.entries(opens).map(([name, open]): [string, Resource<unknown>] => [
      name,
      {
        name,
        open: async (context) => {
          context.signal.addEventListener('abort', () => said.push(`${name} aborted`));
          const value = await open(context);
          return { value, close: () => Promise.resolve(void said.push(`${name} closed`)) };
        },
      },
    ]),
  );
  const pipeline = definePipeline({ name: 'p', input: topic('in', text()), deadLetter: 'stop', resources, process: (words) => words });
  const producers = vi.spyOn(transport, 'produce');
  const ended = start(pipeline, { transport, clock, log: silentLog, signals: false, ...options }).then(
    (app) => app,
    (error: unknown) => {
      said.push(`${messageOf(error)} at ${String(clock.nowMs())}`);
      return undefined;
    },
  );
  await clock.advance(1_000);
  return { clock, transport, said, ended, producers };
}

const givesIn: Open = async ({ signal }) => {
  await until(signal);
  throw new Error('gave in');
};
const readily: Open = () => Promise.resolve(1);
const never: Open = () => new Promise(() => undefined);

describe('a start that is given up', () => {
  const interruptible = () => {
    const controller = new AbortController();
    return { signal: controller.signal, interrupt: () => controller.abort(new DOMException('interrupted', 'AbortError')) };
  };

  it('aborts what opens, waits for it, closes what is open, and rejects with the reason', async () => {
    const { signal, interrupt } = interruptible();
    const slowly: Open = async (context) => {
      await until(context.signal);
      await sleep(context.clock, 500);
      throw new Error('gave in late');
    };
    const { clock, said, ended, producers } = await rig({ open: readily, givesIn, slowly }, { signal });
    const producer = (await producers.mock.results[0]?.value) as Producer;
    const close = vi.spyOn(producer, 'close');
    interrupt();
    await clock.advance(10_000);
    await ended;
    expect(said).toEqual(['open aborted', 'givesIn aborted', 'slowly aborted', 'open closed', 'interrupted at 1500']);
    expect(close).toHaveBeenCalledOnce();
  });

  it('waits 3 s for what does not obey, and closes that when it is open all the same', async () => {
    const { signal, interrupt } = interruptible();
    const stubborn: Open = ({ clock }) => sleep(clock, 20_000);
    const { clock, said, ended } = await rig({ stubborn, never }, { signal });
    interrupt();
    await clock.advance(10_000);
    await ended;
    expect(said).toEqual(['stubborn aborted', 'never aborted', 'interrupted at 4000']);
    await clock.advance(20_000);
    expect(said.at(-1)).toBe('stubborn closed');
  });

  it('does not wait for its group, and leaves it should it be let in later', async () => {
    const { signal, interrupt } = interruptible();
    const clock = virtualClock(0);
    const transport = memory({ clock });
    await transport.createTopics([{ name: 'in' }]);
    const join = transport.consume.bind(transport);
    vi.spyOn(transport, 'consume').mockImplementation(async (...args) => {
      await sleep(clock, 9_000); // a dead member's session
      return join(...args);
    });
    const pipeline = definePipeline({ name: 'p', input: topic('in', text()), deadLetter: 'stop', process: (words) => words });
    const started = start(pipeline, { transport, clock, log: silentLog, signals: false, signal });
    const told = expect(started).rejects.toThrow('interrupted');
    await clock.advance(1_000);
    interrupt();
    await clock.advance(1);
    await told;
    await clock.advance(20_000);
    expect(transport.broker.members('p')).toEqual([]);
  });

  it('begins nothing when it was given up before', async () => {
    const { signal, interrupt } = interruptible();
    interrupt();
    const { said, producers } = await rig({ readily }, { signal });
    expect(said).toEqual(['interrupted at 0']);
    for (const { value } of producers.mock.results) expect(value).toBeUndefined();
  });

  it('stops the other resources when one cannot be opened', async () => {
    const fails: Open = () => Promise.reject(new Error('no such model'));
    const { said } = await rig({ givesIn, fails });
    expect(said).toEqual(['givesIn aborted', 'fails aborted', 'resource fails (fails) of pipeline p cannot be opened: no such model at 0']);
  });

  it('means nothing to a pipeline that runs', async () => {
    const { signal, interrupt } = interruptible();
    const { clock, said, ended } = await rig({ readily }, { signal });
    const app = await ended;
    interrupt();
    await clock.advance(10_000);
    expect([app?.state, said]).toEqual(['running', []]);
    const drained = app?.drain();
    await clock.advance(10_000);
    await drained;
  });
});

describe('a signal to a process that starts', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('ends it when what was opened is closed', async () => {
    const before = process.listenerCount('SIGTERM');
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const { clock, said, ended } = await rig({ readily, givesIn }, { signals: true });
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGTERM');
    await clock.advance(100);
    await ended;
    expect(said).toEqual(['readily aborted', 'givesIn aborted', 'readily closed', 'the start is given up at 1000']);
    expect(exit.mock.calls).toEqual([[143]]);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
