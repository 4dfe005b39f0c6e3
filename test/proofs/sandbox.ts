import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { probeSandbox } from '../../src/tools/internal/python/probe-sandbox.ts';
import { runSandbox, type SandboxLimits } from '../../src/tools/internal/python/run-sandbox.ts';
import { pythonLimits } from '../../src/tools/python-interpreter.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { type Canary, type Escape, escapes } from './sandbox/escapes.ts';

export const name = 'sandbox';
export const summary =
  'programs that try to get out of python_interpreter: each contained, and nothing of it left running a second later; about 2 minutes';

const context = { python: 'python3', clock: systemClock };
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ say, signal, short, folder }: ExperimentContext): Promise<ExperimentResult> {
  await probeSandbox(pythonLimits, context); // the process limit among the rest: no bomb before it has been seen to hold
  const file = join(folder, 'canary');
  await writeFile(file, 'CANARY');
  process.env['CANARY'] = 'CANARY';
  let knocks = 0;
  const listen = (at: number | string): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer(() => (knocks += 1)).listen(at, () => resolve(server));
    });
  const socket = `canary-${String(process.pid)}`;
  const [tcp, unix] = await Promise.all([listen(0), listen(`\0${socket}`)]);
  const address = tcp.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const canary: Canary = { file, port, socket, pid: process.pid };
  const measured: Finding[] = [];
  try {
    for (const one of short ? escapes.filter((_, i) => i % 4 === 0) : escapes) {
      signal.throwIfAborted();
      measured.push(await tryOut(one, canary, pythonLimits));
      say(one.name);
    }
  } finally {
    tcp.close();
    unix.close();
  }
  measured.push({ what: 'connections to the host', measured: String(knocks), passes: '0', pass: knocks === 0 });
  const contained = measured.filter(({ pass }) => pass).length;
  return { measured, pass: contained === measured.length };
}

async function tryOut(one: Escape, canary: Canary, limits: SandboxLimits): Promise<Finding> {
  const before = await nested();
  const { end, stdout = '', stderr = '', why = '' } = await runSandbox(one.code(canary), limits, context);
  await wait(1_000);
  const left = [...(await nested())].filter((pid) => !before.has(pid));
  const said = stdout + stderr;
  const escaped = /ESCAPED.*|CANARY/.exec(said)?.[0];
  const isBroken = /SyntaxError|NameError|TypeError|IndentationError|AttributeError/.exec(said)?.[0];
  const intact = (await readFile(canary.file, 'utf8')) === 'CANARY';
  const pass =
    end !== 'setup' &&
    escaped === undefined &&
    isBroken === undefined &&
    left.length === 0 &&
    intact &&
    said.length <= limits.outputBytes && // at most one character for each byte
    (one.ends ?? end).split(' ').includes(end);
  const seen = [
    end,
    why,
    escaped,
    isBroken === undefined ? '' : stderr.slice(-200),
    left.length === 0 ? '' : `${String(left.length)} left`,
  ];
  return {
    what: one.name,
    measured: seen.filter((text) => text !== undefined && text !== '').join(', '),
    passes: one.ends ?? 'contained',
    pass,
  };
}

/** Processes that are in a pid namespace within this one's. */
async function nested(): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (/^NSpid:\t\d+\t\d+/m.test(status)) found.add(pid);
  }
  return found;
}
