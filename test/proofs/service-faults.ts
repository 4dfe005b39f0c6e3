import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { modelFileCases, runModelFileCase } from './service-faults/model-file-cases.ts';
import { openScene, type Scene } from './service-faults/open-scene.ts';
import { chatBytes, type RawClient, rawClient, sawIn } from './service-faults/raw-client.ts';

export const name = 'service-faults';
export const summary =
  'what clients do to a service, and what happens to its workers and to the file of its model: what the client saw, what the server did, memory after; a minute';

const mb = 1024 * 1024;

interface Case {
  readonly what: string;
  /** What the client has to see, as `sawIn` says it. */
  readonly sees: RegExp;
  /** What the client saw. */
  readonly run: (scene: Scene, context: ExperimentContext) => Promise<string>;
  /** Takes long: left out of the short form. */
  readonly isLong?: boolean;
}

async function until(holds: () => boolean, ms = 8_000): Promise<void> {
  const untilMs = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error('what was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function sent({ service }: Pick<Scene, 'service'>, bytes: string): Promise<RawClient> {
  const client = await rawClient(service.url);
  client.socket.write(bytes);
  return client;
}

async function whole(client: RawClient): Promise<string> {
  await client.closed;
  return sawIn(client.text());
}

const request = (body: string): string =>
  `POST /v1/generate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;

/** `n` streams that have begun, and say nothing more. */
async function idleStreams(scene: Scene, n: number): Promise<readonly RawClient[]> {
  const before = scene.idle.stats.running;
  const clients: RawClient[] = [];
  for (let i = 0; i < n; i += 1) clients.push(await sent(scene, chatBytes('idle', 'hi')));
  await until(() => scene.idle.stats.running === before + n, 20_000);
  return clients;
}

async function leave(scene: Scene, clients: readonly RawClient[]): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  await until(() => scene.idle.stats.running === 0, 20_000);
}

const cases: readonly Case[] = [
  {
    what: 'worker killed before the first token',
    sees: /^200, text, \[DONE\]$/,
    run: async (scene) => {
      const client = await sent(scene, chatBytes('pool', 'later'));
      await new Promise((resolve) => setTimeout(resolve, 150));
      scene.kill();
      return whole(client);
    },
  },
  {
    what: 'worker killed mid-stream',
    sees: /^200, text, error model_crashed, \[DONE\]$/,
    run: async (scene) => {
      const client = await sent(scene, chatBytes('pool', 'wait'));
      await until(() => client.text().includes('waiting'));
      scene.kill();
      return whole(client);
    },
  },
  {
    what: 'worker killed while it loads',
    sees: /^200, text, \[DONE\]$/,
    run: async (scene) => {
      scene.kill();
      const killed = new Set(scene.pids());
      const client = await sent(scene, chatBytes('pool', 'hello'));
      await until(() => scene.pids().some((pid) => !killed.has(pid)));
      scene.kill();
      return whole(client);
    },
  },
  {
    what: 'client gone',
    sees: /^stopped$/,
    run: async (scene) => {
      await leave(scene, await idleStreams(scene, 1));
      return 'stopped';
    },
  },
  {
    what: 'slow reader',
    sees: /^dropped, the model stopped$/,
    run: async (scene) => {
      const client = await rawClient(scene.service.url);
      client.socket.pause();
      client.socket.write(chatBytes('flood', 'hi'));
      await until(() => scene.flooding() === 1);
      await until(() => scene.flooding() === 0);
      client.socket.destroy();
      return 'dropped, the model stopped';
    },
  },
  {
    what: 'full queue',
    sees: /^429, Retry-After, error rate_limit_exceeded$/,
    run: async ({ narrow }) => {
      const scene = { service: narrow };
      const taken = [await sent(scene, chatBytes('one', 'hi')), await sent(scene, chatBytes('one', 'hi'))];
      let waits = 0;
      while (waits === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        waits = (await narrow.state()).models[0]?.waiting ?? 0;
      }
      const saw = await whole(await sent(scene, chatBytes('one', 'hi')));
      for (const { socket } of taken) socket.destroy();
      return saw;
    },
  },
  {
    what: 'streams at once (1,000; 200 in the short form), which all leave',
    sees: /^\d+ begun, 0 left$/,
    run: async (scene, { short }) => {
      const n = short ? 200 : 1_000;
      await leave(scene, await idleStreams(scene, n));
      const { open } = (await scene.service.state()).generations;
      return `${String(n)} begun, ${String(open)} left`;
    },
  },
  {
    what: 'a body of 2 MiB',
    sees: /^413/,
    run: async (scene) => whole(await sent(scene, request(JSON.stringify({ prompt: 'x'.repeat(2 * mb) })))),
  },
  { what: 'malformed JSON', sees: /^400/, run: async (scene) => whole(await sent(scene, request('{"prompt":'))) },
  {
    what: 'headers without end',
    sees: /^431/,
    run: async (scene) => {
      const client = await sent(scene, 'GET /state HTTP/1.1\r\nhost: localhost\r\n');
      for (let i = 0; i < 1_000 && !client.text(); i += 1) {
        client.socket.write(`x-${String(i)}: ${'y'.repeat(200)}\r\n`);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return whole(client);
    },
  },
  {
    what: 'a request that comes a byte a second',
    isLong: true,
    sees: /^(408|the connection closed)/,
    run: async (scene) => {
      const client = await sent(scene, 'POST /v1/generate HTTP/1.1\r\nhost: localhost\r\n');
      const timer = setInterval(() => client.socket.write('x'), 1_000);
      try {
        return await whole(client);
      } finally {
        clearInterval(timer);
      }
    },
  },
  {
    what: 'a client that closes its half: it is taken for one that left',
    sees: /^(200, text|the connection closed)$/,
    run: async (scene) => {
      const client = await sent(scene, chatBytes('idle', 'hi'));
      client.socket.end();
      const saw = await whole(client);
      await until(() => scene.idle.stats.running === 0);
      return saw;
    },
  },
];

/** After garbage has gone. */
function memoryMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / mb;
}

/** With the embedded model. */
async function modelFiles({ folder, say }: ExperimentContext): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const one of modelFileCases) {
    say(one.what);
    const before = memoryMb();
    const saw = await runModelFileCase(one, folder).catch((error: unknown) => String(error));
    const measured = `${saw}; ${(memoryMb() - before).toFixed(0)} MB more`;
    found.push({ what: one.what, measured, passes: String(one.sees), pass: one.sees.test(saw) });
  }
  return found;
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const scene = await openScene();
  const measured: Finding[] = [];
  try {
    await leave(scene, await idleStreams(scene, 20)); // what is compiled and opened once
    for (const one of cases.filter(({ isLong = false }) => !(isLong && context.short))) {
      context.say(one.what);
      const before = memoryMb();
      const saw = await one.run(scene, context).catch((error: unknown) => String(error));
      const isUp = (await fetch(`${scene.service.url}/readyz`)).ok;
      const grown = memoryMb() - before;
      const pass = one.sees.test(saw) && isUp;
      measured.push({
        what: one.what,
        measured: `${saw}; ${isUp ? 'serves on' : 'DOWN'}; ${grown.toFixed(0)} MB more`,
        passes: String(one.sees),
        pass,
      });
    }
    if (!context.short) measured.push(...(await modelFiles(context)));
    const before = memoryMb();
    const idle = await idleStreams(scene, 500);
    const held = memoryMb() - before;
    measured.push({
      what: '500 idle streams, both ends of them',
      measured: `${held.toFixed(1)} MB`,
      passes: '<= 100 MB',
      pass: held <= 100,
    });
    await leave(scene, idle);
    const { open } = (await scene.service.state()).generations;
    measured.push({ what: 'answers that are left', measured: String(open), passes: '0', pass: open === 0 });
    return { measured, pass: true };
  } finally {
    await scene.close();
  }
}
