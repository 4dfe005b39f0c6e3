import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jsonLines, runCli, shout, startCli, userFolder } from './run-cli.ts';

const pipelineText = (suffix: string): string => `
import { definePipeline, text, topic } from 'millrace';
import { mapValue } from 'millrace/operators';
import { suffix } from './suffix.ts';
export default definePipeline({
  name: 'p', input: topic('in', text()), output: topic('out', text()), deadLetter: 'stop',
  process: (words) => words.pipe(mapValue((word: string) => word + suffix + ${JSON.stringify(suffix)})),
});`;

async function userPipeline(files: Readonly<Record<string, string>>): Promise<string> {
  const { folder, remove } = await userFolder();
  onTestFinished(remove);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe('millrace run --input', () => {
  it('prints each result, tells failures, and ends when all are settled', async () => {
    const { code, stdout, stderr } = await runCli(['run', shout, '--input', '-'], {
      input: 'a\n{"key":"k","value":"b","headers":{"h":"x"}}\n\nboom\nlast',
    });
    expect(stdout.trimEnd().split('\n').sort()).toEqual(['{"loud":"A"}', '{"loud":"B"}', '{"loud":"LAST"}']);
    expect(stderr).toMatch(/words\/0@2.*no shouting of boom/);
    expect(stderr).toMatch(/shout: 3 done, 1 failed \(project_threw 1\), 0 dropped/);
    expect(code).toBe(3);
  });

  it('prints nothing but JSON with --json', async () => {
    const { code, stdout } = await runCli(['run', shout, '--input', '-', '--json'], {
      input: '{"key":"k","value":"b","headers":[["h","x"]]}\nboom\n',
    });
    expect(code).toBe(3);
    expect(jsonLines(stdout)).toEqual([
      expect.objectContaining({ topic: 'words.loud', offset: '0', key: 'k', value: { loud: 'B' }, headers: [['h', 'x']] }),
      { deadLetter: { position: 'words/0@1', code: 'project_threw', message: 'no shouting of boom' } },
      { summary: expect.objectContaining({ done: 1, failed: 1, dropped: 0 }) as object },
    ]);
  });

  it('writes to a file, runs what lies in a folder, and ends with 0', async () => {
    const folder = await userPipeline({
      'pipeline.ts': pipelineText('!'),
      'suffix.ts': "export const suffix = '?';",
      'in.txt': 'a\r\nb\r\n',
    });
    const { code, stdout } = await runCli(['run', '.', '--input', 'in.txt', '--output', 'out.txt'], { cwd: folder });
    expect([code, stdout, await readFile(join(folder, 'out.txt'), 'utf8')]).toEqual([0, '', 'a?!\nb?!\n']);
  });

  it('feeds no more than the broker holds, and loses nothing of a large input', async () => {
    const folder = await userPipeline({ 'pipeline.ts': pipelineText(''), 'suffix.ts': "export const suffix = '';" });
    const count = 60_000;
    await writeFile(join(folder, 'in.txt'), Array.from({ length: count }, (_, i) => `${String(i)} ${'x'.repeat(500)}\n`).join(''));
    const { code } = await runCli(['run', '.', '--input', 'in.txt', '--output', 'out.txt'], { cwd: folder });
    const lines = (await readFile(join(folder, 'out.txt'), 'utf8')).trimEnd().split('\n');
    expect([code, lines.length, new Set(lines).size]).toEqual([0, count, count]);
  });

  it('ends quietly when its reader has enough', async () => {
    const running = startCli(['run', shout, '--input', '-'], { input: 'a\n', keepStdin: true });
    await running.seen(/"A"/);
    running.child.stdout?.destroy();
    running.child.stdin?.end('b\nc\n');
    const { stderr } = await running.ended;
    expect(stderr).not.toMatch(/EPIPE|Error/);
  });
});

describe('a pipeline that cannot be loaded', () => {
  it.each([
    ['no default export', 'export const x = 1;', /has no default export; write: export default definePipeline/],
    [
      'a pipeline under a name',
      pipelineText('').replace('export default', 'export const mine ='),
      /exports a pipeline as mine: export it with "export default mine"/,
    ],
    ['not a pipeline', 'export default 42;', /is not a pipeline/],
    [
      'an unchecked description',
      'export default { input: 1, process() {} };',
      /a description that nobody has checked; write: export default definePipeline/,
    ],
    ['throws', "throw new Error('no luck');", /cannot be loaded: no luck \(.*p\.ts:\d+/],
    [
      'bad option',
      "import { definePipeline } from 'millrace'; export default definePipeline({ name: '' });",
      /pipeline name must be a non-empty string/,
    ],
    ['wrong syntax', 'export default definePipeline({{', /p\.ts:1/],
    ['an enum', 'export enum X { A }', /no enum/],
    ['a missing import', "import './nowhere.ts';", /cannot be loaded: Cannot find module .*nowhere\.ts/],
  ])('%s', async (_, text, message) => {
    const folder = await userPipeline({ 'p.ts': text, 'suffix.ts': "export const suffix = '';" });
    const { code, stdout, stderr } = await runCli(['run', 'p.ts', '--input', '-'], { cwd: folder });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});

describe('signals', () => {
  const hanging = async (word: string, ...args: string[]) => {
    const running = startCli(['run', shout, '--input', '-', ...args], { input: `a\n${word}\n`, keepStdin: true });
    await running.seen(/"A"/);
    return running;
  };

  it.each(['slow', 'stubborn'])(
    'the first drains: what is in flight (%s) is waited for until the deadline, then given back',
    async (word) => {
      const running = await hanging(word, '--drain-deadline-ms', '200');
      running.child.kill('SIGINT');
      const { code, stderr } = await running.ended;
      expect(stderr).toMatch(/stopping: .*again \(Ctrl-C\) to end at once/);
      expect(stderr).toMatch(/1 done, .*1 given back/);
      expect(code).toBe(130);
    },
  );

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second %s ends at once with %i and says what that means', async (signal, expected) => {
    const running = await hanging('slow');
    running.child.kill('SIGINT');
    await running.seen(/stopping/);
    running.child.kill(signal);
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([expected, expect.stringMatching(/ended at once: what was not committed will be delivered again/)]);
  });
});

describe('a signal while a pipeline opens its resources', () => {
  const opening = `
import { definePipeline, memory, start, text, topic } from 'millrace';
const resources = {
  quick: { name: 'quick', open: () => Promise.resolve({ value: 1, close: async () => console.error('quick is closed') }) },
  slow: { name: 'slow', open: ({ signal }) => new Promise((_, reject) => {
    const alive = setInterval(() => undefined, 1_000);
    console.error('opening');
    signal.addEventListener('abort', () => { clearInterval(alive); console.error('slow is aborted'); reject(signal.reason); });
  }) },
};
const pipeline = definePipeline({ name: 'p', input: topic('in', text()), deadLetter: 'stop', resources, process: (words) => words });
`;
  const told = 'slow is aborted\nquick is closed\n';

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends millrace run with %i, after all is closed', async (signal, code) => {
    const folder = await userPipeline({ 'p.ts': `${opening}export default pipeline;` });
    const running = startCli(['run', 'p.ts', '--input', '-'], { cwd: folder, keepStdin: true });
    await running.seen(/opening/);
    running.child.kill(signal);
    const ended = await running.ended;
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(told)]);
    expect(ended.stderr).not.toMatch(/millrace: |Error/);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a program that awaits start() with %i, after all is closed, and with no stack', async (signal, code) => {
    const folder = await userPipeline({ 'p.mts': `${opening}await start(pipeline, { transport: memory(), createTopics: true });` });
    const running = startCli([], { cwd: folder, script: join(folder, 'p.mts') });
    await running.seen(/opening/);
    running.child.kill(signal);
    const ended = await running.ended;
    expect([ended.code, ended.stderr]).toEqual([code, `opening\n${told}`]);
  });
});

describe('millrace run --watch', () => {
  it('starts again with what has changed, also in an import, and outlives a pipeline that cannot be loaded', async () => {
    const folder = await userPipeline({ 'pipeline.ts': pipelineText('1'), 'suffix.ts': "export const suffix = '-';", 'in.txt': 'word\n' });
    const running = startCli(['run', 'pipeline.ts', '--input', 'in.txt', '--watch'], { cwd: folder });
    await running.seen(/word-1\n[^]*waiting for a change/);
    await writeFile(join(folder, 'suffix.ts'), "export const suffix = '+';");
    await running.seen(/suffix\.ts has changed: starting again[^]*|word\+1\n/);
    await running.seen(/word\+1\n/);
    await writeFile(join(folder, 'pipeline.ts'), 'export default 42;');
    await running.seen(/is not a pipeline[^]*ended with 2; waiting for a change/);
    await writeFile(join(folder, 'pipeline.ts'), pipelineText('2'));
    await running.seen(/word\+2\n/);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
  });

  it('drains what runs before it starts again, and ends with its child', async () => {
    const slow = "import { suffix } from './suffix.ts';\n" + (await readFile(shout, 'utf8')).replace("'shout'", "'shout' + suffix");
    const folder = await userPipeline({ 'pipeline.ts': slow, 'suffix.ts': "export const suffix = '-1';", 'in.txt': 'a\nslow\n' });
    const running = startCli(['run', 'pipeline.ts', '--input', 'in.txt', '--watch', '--drain-deadline-ms', '100'], { cwd: folder });
    await running.seen(/"A"/);
    await writeFile(join(folder, 'suffix.ts'), "export const suffix = '-2';");
    await running.seen(/shout-1: 1 done, .*1 given back[^]*/);
    await running.seen(/starting again/);
    await running.seen(/"A"[^]*"A"/);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/shout-2: 1 done, .*1 given back/);
    expect(code).toBe(0);
  });

  it("drains at a terminal's Ctrl-C, which reaches the child as well", async () => {
    const folder = await userPipeline({ 'pipeline.ts': await readFile(shout, 'utf8'), 'in.txt': 'a\nslow\n' });
    const args = ['run', 'pipeline.ts', '--input', 'in.txt', '--watch', '--drain-deadline-ms', '100'];
    const running = startCli(args, { cwd: folder, ownGroup: true });
    await running.seen(/"A"/);
    process.kill(-(running.child.pid ?? Number.NaN), 'SIGINT');
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, expect.stringMatching(/shout: 1 done, .*1 given back/)]);
    expect(stderr).not.toMatch(/ended at once/);
  });

  it('opens the inspector in the process that runs the pipeline', async () => {
    const folder = await userPipeline({ 'pipeline.ts': pipelineText(''), 'suffix.ts': "export const suffix = '';", 'in.txt': 'word\n' });
    const { stderr, stdout } = await runCli(['run', 'pipeline.ts', '--input', 'in.txt', '--inspect=0'], { cwd: folder });
    expect(stderr).toMatch(/Debugger listening on ws:\/\/127\.0\.0\.1:\d+/);
    expect(stdout).toBe('word\n');
  });
});

describe('what ends a run early', () => {
  it("a failure under deadLetter 'stop' ends it with 1 and its message, whatever input is left", async () => {
    const text = pipelineText('').replace('word + suffix', "(() => { throw new Error('no such word'); })() + suffix");
    const folder = await userPipeline({ 'p.ts': text, 'suffix.ts': "export const suffix = '';" });
    const running = startCli(['run', 'p.ts', '--input', '-'], { cwd: folder, input: 'a\n', keepStdin: true });
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/millrace: .*no such word/)]);
  });

  it('an output that cannot be written is said before anything runs', async () => {
    const { code, stderr } = await runCli(['run', shout, '--input', '-', '--output', '/nowhere/out.txt'], { input: 'a\n' });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--output cannot be written: ENOENT/)]);
  });
});
