import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { type Instance, type InstanceOptions, instanceOf } from '../../helpers/limit/limited-instance.ts';
import { tells } from './pieces.ts';
import { limit, StrictServer, windowMs } from '../../helpers/limit/strict-server.ts';

const partitions = 6;
const minutes = 10;
const faultEveryMinutes = 2;

/** A minute after a fault, and the one after that, which is far enough from it. */
interface Fault {
  readonly what: string;
  readonly atMs: number;
}

interface Played {
  readonly server: StrictServer;
  readonly startMs: number;
  readonly faults: readonly Fault[];
}

type Act = (members: Instance[], join: () => Promise<Instance>, wait: (ms: number) => Promise<void>) => Promise<void>;

const acts: readonly { readonly what: string; readonly act: Act }[] = [
  { what: 'a third joins', act: async (members, join) => void members.push(await join()) },
  { what: 'one leaves', act: async (members) => members.shift()?.leave() },
  {
    what: 'one crashes, and starts again 20 s later',
    act: async (members, join, wait) => {
      await members.shift()?.crash();
      await wait(20_000);
      members.push(await join());
    },
  },
  {
    what: 'one is thrown out, and goes on for 1.5 s',
    act: async (members, _join, wait) => {
      const mend = members[0]?.expel(1_500);
      await wait(3_000);
      mend?.();
    },
  },
];

async function play(options: InstanceOptions): Promise<Played> {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions });
  await transport.createTopics([{ name: 'in' }, { name: 'out' }, { name: 'dead' }]);
  for (let number = 0; number < 3_000; number += 1)
    transport.broker.append('in', number % partitions, [{ key: null, value: Buffer.from(String(number)), headers: [] }]);
  const server = new StrictServer(clock);
  const join = (): Promise<Instance> => instanceOf(clock, transport, server, options);
  const startMs = clock.nowMs();
  const members = [await join(), await join()];
  const faults: Fault[] = [];
  for (const [i, { what, act }] of acts.entries()) {
    await clock.advance(startMs + (i + 1) * faultEveryMinutes * 60_000 - clock.nowMs());
    faults.push({ what, atMs: clock.nowMs() });
    await act(members, join, (ms) => clock.advance(ms));
  }
  await clock.advance(startMs + minutes * 60_000 - clock.nowMs());
  for (const one of members) await one.crash();
  return { server, startMs, faults };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** One row for each delivery. */
export async function findings(options: InstanceOptions): Promise<readonly Finding[]> {
  const { delivery } = options;
  const { server, startMs, faults } = await play(options);
  const most = server.window.most;
  const calm = [startMs, ...faults.map(({ atMs }) => atMs)].map((atMs) => server.window.used(atMs + windowMs, atMs + 2 * windowMs) / limit);
  const least = Math.min(...calm);
  return [
    {
      what: `${delivery}: most tokens in any 60 s`,
      measured: most.toLocaleString('en'),
      passes: `<= ${limit.toLocaleString('en')}`,
      pass: most <= limit,
    },
    {
      what: `${delivery}: answers of 429, of ${server.window.answered.toLocaleString('en')}`,
      measured: String(server.window.refused),
      passes: '0',
      pass: server.window.refused === 0,
    },
    {
      what: `${delivery}: used between faults, in each minute that begins 60 s after one`,
      measured: calm.map(percent).join(', '),
      passes: '>= 95 %',
      pass: least >= 0.95,
    },
    ...faults.map(({ what, atMs }) =>
      tells(
        `${delivery}: lost in the minute in which ${what}`,
        `${(limit - server.window.used(atMs, atMs + windowMs)).toLocaleString('en')} tokens`,
      ),
    ),
    tells(`${delivery}: used of the whole 10 min`, percent(server.window.used(startMs, startMs + minutes * 60_000) / (minutes * limit))),
  ];
}

export async function run({ short }: Pick<ExperimentContext, 'short'>): Promise<ExperimentResult> {
  const first = await findings({ delivery: 'at-least-once' });
  return { measured: short ? first : [...first, ...(await findings({ delivery: 'exactly-once' }))], pass: true };
}
