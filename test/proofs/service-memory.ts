import { readFile } from 'node:fs/promises';
import type { ModelPool } from '../../src/inference/llama/model-pool.ts';
import type { Model } from '../../src/inference/model.ts';
import type { Resource } from '../../src/resource.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { serveModels } from '../../src/service/serve-models.ts';
import { openEmbedded } from '../helpers/embedded-model.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'service-memory';
export const summary =
  'memory of a service and of its worker over 200 requests with long prompts, no two alike: what requests leave behind does not add up; some minutes, --short a few seconds';

const mb = 1024 * 1024;
const atOnce = 4;
/** Of what the worker holds when its contexts have been filled once; noise of allocators. */
const mayGrowMb = 24;
const words = ['river', 'stone', 'market', 'window', 'engine', 'harbour', 'letter', 'winter', 'bridge', 'garden'];

/** 40 to 310 tokens, in an order of their own from the first on. */
function promptOf(n: number): string {
  const length = 40 + ((n * 37) % 10) * 30;
  const all = Array.from({ length }, (_, i) => words[(n * 7 + i * (3 + (n % 5)) + Math.floor(i / 9)) % words.length] ?? '');
  return `Number ${String(n)}: ${all.join(' ')}`;
}

/** Memory that is a process's alone: weights are mapped from their file, and the system takes these back when it needs to. */
async function ownMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

interface Sample {
  readonly requests: number;
  readonly serviceMb: number;
  readonly workerMb: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const requests = short ? 12 : 200;
  let pool: ModelPool | undefined;
  const m: Resource<Model> = {
    name: 'm',
    open: async () => {
      const opened = await openEmbedded({ contextTokens: 512, flashAttention: true, sequences: atOnce });
      ({ pool } = opened);
      return { value: opened.model, close: opened.close };
    },
  };
  const service = await serveModels({ models: { m }, port: 0, log: silentLog });
  const samples: Sample[] = [];
  const failed: string[] = [];
  const sample = async (done: number): Promise<void> => {
    globalThis.gc?.();
    samples.push({ requests: done, serviceMb: process.memoryUsage.rss() / mb, workerMb: await ownMb(pool?.pids[0]) });
    const { serviceMb, workerMb } = samples.at(-1) ?? { serviceMb: 0, workerMb: 0 };
    say(`${String(done)} requests: service ${serviceMb.toFixed(0)} MB, worker ${workerMb.toFixed(0)} MB`);
  };
  try {
    await sample(0);
    const every = requests / 8;
    for (let done = 0; done < requests && !signal.aborted; ) {
      const some = Array.from({ length: Math.min(atOnce, requests - done) }, (_, i) => ask(service.url, promptOf(done + i)));
      for (const told of await Promise.all(some)) if (told !== 'whole') failed.push(told);
      done += some.length;
      if (done % every < atOnce) await sample(done);
    }
    const { open } = (await service.state()).generations;
    return { measured: judge(samples, failed, open), pass: true };
  } finally {
    await service.close();
  }
}

/** One request, read to its end. */
async function ask(url: string, content: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }], max_tokens: 8, temperature: 0, stream: true }),
  });
  const text = await response.text();
  return response.ok && text.endsWith('data: [DONE]\n\n') && !text.includes('"error"') ? 'whole' : text.slice(-200);
}

function judge(samples: readonly Sample[], failed: readonly string[], open: number): readonly Finding[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  const grown = (of: (one: Sample) => number): number =>
    of(samples.at(-1) ?? { requests: 0, serviceMb: 0, workerMb: 0 }) - Math.min(...half.map(of));
  const course = (of: (one: Sample) => number): string => samples.map((one) => of(one).toFixed(0)).join(', ');
  const finding = (what: string, of: (one: Sample) => number): Finding => {
    const more = grown(of);
    return {
      what: `${what}, at its start and after each eighth`,
      measured: `${course(of)} MB; ${more.toFixed(1)} MB more in the second half`,
      passes: `<= ${String(mayGrowMb)} MB more`,
      pass: more <= mayGrowMb,
    };
  };
  return [
    { what: 'answers that are not whole', measured: failed[0] ?? '0', passes: '0', pass: failed.length === 0 },
    finding('memory of the worker, weights apart', ({ workerMb }) => workerMb),
    finding('memory of the service', ({ serviceMb }) => serviceMb),
    { what: 'answers that are kept', measured: String(open), passes: '0', pass: open === 0 },
  ];
}
