import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import first from '../../pipelines/first/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the README', () => {
  it('shows the first pipeline as it is', async () => {
    expect(await read('README.md')).toContain(`\`\`\`ts\n${(await read('pipelines/first/pipeline.ts')).trim()}\n\`\`\``);
  });

  it('names only files and npm scripts that there are', async () => {
    const readme = await read('README.md');
    const { scripts } = JSON.parse(await read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const named = [...readme.matchAll(/npm run (?:-s )?([a-z]+)/g)].map(([, script]) => script ?? '');
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    const files = [...readme.matchAll(/\]\(([\w./-]+)\)/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) if (!file.endsWith('/') && file.includes('.')) await expect(read(file)).resolves.not.toBe('');
  });

  it('shows a pipeline that runs', async () => {
    const clock = virtualClock();
    const transport = memory({ clock });
    const model = scripted('', { labels: (_call, labels) => labels.map((label) => (label === ' negative' ? -0.1 : -3)) });
    const pipeline = { ...first, resources: { model } };
    const app = await start(pipeline, { transport, clock, createTopics: true, log: silentLog, signals: false });
    const [input] = Object.values(first.inputs);
    if (!input) throw new Error('the first pipeline has no input');
    await connect(transport, { clock }).produce(input, [{ key: 'a', value: { id: '1', text: 'it broke' } }]);
    await clock.advance(10_000);
    const [output] = transport.broker.records('tickets.judged', 0);
    expect(JSON.parse(Buffer.from(output?.value ?? []).toString())).toMatchObject({ id: '1', text: 'it broke', mood: 'negative' });
    expect(app.stats()).toMatchObject({ done: 1, failed: 0 });
  });
});
