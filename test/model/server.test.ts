import { map, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { mapConcurrent, withGate } from '../../operators/index.ts';
import { connect, definePipeline, engineGate, json, memory, type Resource, type Model, silentLog, start, topic } from '../../src/index.ts';
import { isFreePort } from '../../src/inference/openai/server/free-port.ts';
import { openServer } from '../../src/inference/openai/server/server.ts';
import { resolveServerOptions } from '../../src/inference/openai/server/server-options.ts';
import { embeddedModelFile, quietContext } from '../helpers/embedded-model.ts';
import { llamaServerProgram } from '../helpers/llama-server.ts';

const file = await embeddedModelFile();
const program = await llamaServerProgram();
if ('reason' in program) console.warn(`not run: ${program.reason}`);

const Item = z.object({ key: z.string(), place: z.number() });
const [input, output] = [topic('served.in', json(Item)), topic('served.out', json(Item))];
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(file.path === undefined || 'reason' in program)('llama-server in a pipeline', () => {
  it('is gated by its own metrics, killed under 50 streams, and loses nothing', { timeout: 300_000 }, async () => {
    if (file.path === undefined || 'reason' in program) return;
    let port = 18_200 + (process.pid % 1_000);
    while (!(await isFreePort(port))) port += 1;
    const given = program.options({ modelPath: file.path, parallel: 4, contextTokens: 256, threads: 1 });
    const opened = await openServer(resolveServerOptions({ ...given, port, maxCalls: 64 }), quietContext());
    onTestFinished(opened.close);
    const served: Resource<Model> = {
      name: 'served',
      open: () => Promise.resolve({ value: opened.value.model, close: () => Promise.resolve() }),
    };
    const gate = engineGate({ engine: 'llama-server', url: `http://127.0.0.1:${String(port)}`, slots: 64, reopenMs: 100 });
    const pipeline = definePipeline({
      name: 'served',
      input,
      output,
      deadLetter: topic('served.dead'),
      resources: { model: served, gate },
      process: (items, { model, gate: open }) =>
        items.pipe(
          mapConcurrent(
            (item) =>
              model.chat(`Go on: ${item.key}, ${String(item.place)},`, { maxTokens: 4 }).pipe(
                toArray(),
                map(() => item),
                withGate(open),
              ),
            { concurrency: 50 },
          ),
        ),
    });
    const transport = memory();
    const app = await start(pipeline, { transport, createTopics: true, log: silentLog });
    onTestFinished(() => app.drain({ deadlineMs: 1_000 }).then(() => undefined));
    const client = connect(transport);
    const seen: { readonly key: string; readonly place: number }[] = [];
    const reading = client.consume(output, { from: 'earliest' }).subscribe({
      next: ({ value }) => seen.push(value),
      error: (reason: unknown) => {
        throw reason;
      },
    });
    onTestFinished(() => {
      reading.unsubscribe();
    });
    const items = Array.from({ length: 60 }, (_, n) => ({ key: `k${String(n % 50)}`, place: Math.floor(n / 50) }));
    await client.produce(
      input,
      items.map((value) => ({ key: value.key, value })),
    );
    while (seen.length < 4) await wait(50);
    process.kill(opened.value.program.pid ?? 0, 'SIGKILL');
    while (seen.length < items.length) await wait(50);
    const names = seen.map(({ key, place }) => `${key}/${String(place)}`);
    expect(new Set(names).size).toBe(items.length);
    for (const { key } of items)
      expect(seen.filter((one) => one.key === key).map(({ place }) => place)).toEqual(
        items.filter((one) => one.key === key).map(({ place }) => place),
      );
    expect(opened.value.program.restarts).toBe(1);
  });
});
