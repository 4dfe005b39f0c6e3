import { of } from 'rxjs';
import { clean, dynamicShards, parallel, type Shard, steps } from '../../../pipelines/parallel/index.ts';
import type { ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { inMs, mean, numbers, tells, timed } from './measure.ts';

const tidy = steps(clean.whitespace(), clean.regex(/https?:\S+/g, ''));
const work = (items: readonly string[]): number => items.reduce((sum, line) => sum + tidy(line).length, 0);
const mega = 2 ** 20;

/** Lines of about 200 bytes, as many as make so many bytes. */
const linesOf = (bytes: number): readonly string[] =>
  numbers(Math.ceil(bytes / 200)).map((i) =>
    `line ${String(i)}  of the pile:   ${'word and   another one '.repeat(7)} https://example.org/${String(i % 97)}`.slice(0, 200),
  );

async function one(size: number, concurrency: number, publishedMs: number): Promise<readonly Finding[]> {
  const lines = linesOf(size * concurrency);
  const perShard = Math.ceil(lines.length / concurrency);
  const plain = await timed(() => Promise.resolve(numbers(concurrency).map((n) => work(lines.slice(n * perShard, (n + 1) * perShard)))));
  const shards = dynamicShards(lines, { minBytes: size, maxBytes: size, maxConcurrency: concurrency, bytesAtOnce: size * concurrency });
  const engine = parallel({
    run: shards.run((shard: Shard<string>) => of(work(shard.items))),
    permits: shards.permits,
    maxWorkers: concurrency,
    sizeOf: ({ bytes }) => bytes,
  });
  const done = await timed(() => engine.submit(shards).all());
  await engine.close();
  const took = mean(done.value.map(({ latencyMs }) => latencyMs));
  const name = `shards of ${String(size / mega)} MiB, ${String(concurrency)} at once`;
  return [
    tells(`${name}: plainly (ideal: it is one thread's work), all of them`, `${inMs(plain.ms)}, ${inMs(plain.ms / concurrency)} a shard`),
    {
      what: `${name}: the engine, all of them, cutting and its start included`,
      measured: `${inMs(done.ms)}, ${inMs(done.ms / concurrency)} a shard`,
      passes: '<= 1.5 x',
      pass: done.ms <= 1.5 * plain.ms,
    },
    {
      what: `${name}: a shard from being taken to its end`,
      measured: inMs(took),
      passes: `<= ${String(publishedMs)} ms`,
      pass: took <= publishedMs,
    },
  ];
}

export async function run(): Promise<ExperimentResult> {
  return { pass: true, measured: [...(await one(mega, 16, 210)), ...(await one(5 * mega, 8, 480))] };
}
