import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { runSettingsTable } from '../../src/cli/run-settings.ts';
import { flagOf } from '../../src/cli/settings.ts';
import { cli, root, runCli, shout, startCli } from './run-cli.ts';

describe('help teaches', () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    '%s has a summary, details and examples that parse',
    async (name, command) => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const { line } of command.examples) {
        // the part of a shell line that is ours; quotes and redirections are the shell's
        const ours = /millrace (.*?)( [|>] |$)/.exec(line)?.[1] ?? '';
        const words = ours.replace(/'\|'/, 'SEPARATOR').split(/ +/);
        let invoked = '';
        const onInvocation = (invocation: { readonly command: { readonly name: string } }): Promise<void> => {
          invoked = invocation.command.name;
          return Promise.resolve();
        };
        await buildProgram({ version: '0', commands, onInvocation }).parseAsync(words, { from: 'user' });
        expect(commands.map((one) => one.name)).toContain(invoked);
      }
      expect(command.summary).not.toMatch(/\.$/);
      expect(name).toMatch(/^[a-z]+( [a-z]+)?$/);
    },
  );

  it('millrace --help lists every command, the precedence and the exit codes', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const { name } of commands) expect(stdout).toContain(`  ${name.split(' ')[0] ?? ''} `);
    expect(stdout).toMatch(/flags, else from the environment, else from millrace\.config\.json/);
    expect(stdout).toMatch(/Exit codes: 0 done, 1 failed, 2[^]* 3 all records settled but some failed/);
  });

  it('millrace --help | true is no error', async () => {
    const { child, ended } = startCli(['--help']);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  it.each(['run', 'demo'])('millrace help %s says how it ends when it is interrupted', async (name) => {
    expect((await runCli(['help', name])).stdout).toMatch(/Exit codes[^]*130 +stopped by Ctrl-C [^]*143/);
  });

  it('settings of run are flags of run alone, and in its help', async () => {
    const help = async (name: string): Promise<string> => (await runCli(['help', name])).stdout;
    const [run, consume] = await Promise.all([help('run'), help('consume')]);
    for (const key of Object.keys(runSettingsTable))
      expect([run.includes(flagOf(key)), consume.includes(flagOf(key))]).toEqual([true, false]);
    expect(run).toMatch(/MILLRACE_START_PATIENCE_MS[^]*"startPatienceMs" in the file/);
  });

  it('millrace help run shows examples, exit codes and settings', async () => {
    const { code, stdout } = await runCli(['help', 'run']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/--watch[^]*--brokers[^]*Examples:[^]*Exit codes[^]*3 +with --input/)]);
  });
});

describe('a wrong command line ends with 2 and says what was meant', () => {
  it.each([
    ['unknown option', ['run', 'x', '--inptu', 'y'], /unknown option '--inptu' \(Did you mean --input\?\)/],
    ['unknown option with a value', ['doctor', '--sasl-password=hunter2'], /unknown option '--sasl-password'/],
    ['unknown command', ['porduce'], /unknown command 'porduce' \(Did you mean produce\?\)/],
    ['missing argument', ['consume'], /missing required argument 'topic'/],
    ['too many arguments', ['consume', 'a', 'b'], /too many arguments/],
    ['bad number', ['consume', 'a', '--max', '0'], /--max <n>' argument '0' is invalid\. It must be an integer >= 1/],
    ['bad choice', ['doctor', '--transport', 'rabbit'], /Allowed choices are memory, kafka/],
    [
      'missing file',
      ['run', 'test/cli/fixtures/shuot.ts', '--input', '-'],
      /there is no file .*shuot\.ts; did you mean test\/cli\/fixtures\/shout\.ts\?/,
    ],
    ['folder without a pipeline', ['run', 'test/cli', '--input', '-'], /test\/cli is a folder without a pipeline\.ts/],
    ['not a module', ['run', 'README.md', '--input', '-'], /README\.md is no pipeline: its name must end in one of \.ts/],
    ['missing pipeline, whatever else is missing', ['run', 'pipelines/nope'], /there is no file .*pipelines\/nope/],
    ['no pipeline, whatever else is missing', ['run', 'package.json'], /package\.json is no pipeline: its name must end in one of \.ts/],
    ['produce on the embedded broker', ['produce', 'a'], /needs a broker that outlives it.*--transport kafka.*run PIPELINE --input/],
    ['consume on the embedded broker', ['consume', 'a'], /needs a broker that outlives it/],
    ['run without input', ['run', shout], /feed it with --input FILE .*--transport kafka/],
    [
      'a bad setting of its own',
      ['run', shout, '--input', '-', '--max-records-in-flight', '0'],
      /--max-records-in-flight must be an integer >= 1, got 0/,
    ],
    ['input on kafka', ['run', shout, '--input', '-', '--brokers', 'a:1'], /--input and --output are for --transport memory/],
    ['watch on stdin', ['run', shout, '--input', '-', '--watch'], /give --input a file/],
    ['unknown artifact', ['pull', 'smolm2'], /expected one of smollm2/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(args);
    expect([code, stdout, stderr.trimEnd().split('\n').length]).toEqual([2, '', 1]);
    expect(stderr).toMatch(message);
  });

  it('names the variable that asks for Kafka where --input does not', async () => {
    const { code, stderr } = await runCli(['run', shout, '--input', '-'], { env: { MILLRACE_BROKERS: 'a:1' } });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/--input and --output are .*, and MILLRACE_BROKERS asks for Kafka: say --transport memory/),
    ]);
  });

  it('says nothing but one JSON line where no command is named with --json', async () => {
    const { code, stdout, stderr } = await runCli(['--json']);
    expect([code, stdout, JSON.parse(stderr)]).toEqual([
      2,
      '',
      { error: { code: 'invalid_option', message: 'no command was named; see millrace --help' } },
    ]);
  });

  it('says it as one JSON line with --json', async () => {
    const { code, stdout, stderr } = await runCli(['run', 'x.ts', '--nope', '--json']);
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'invalid_option', message: expect.stringContaining("unknown option '--nope'") as string },
    });
  });
});

describe('secrets', () => {
  it('are in no message, whatever is wrong', async () => {
    const env = { MILLRACE_SASL_PASSWORD: 'hunter2' };
    const { code, stdout, stderr } = await runCli(
      ['consume', 'a', '--brokers', '127.0.0.1:1', '--sasl-mechanism', 'plain', '--sasl-username', 'me', '--log-level', 'debug'],
      { env },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/127\.0\.0\.1:1 refused the connection/);
    expect(stdout + stderr).not.toContain('hunter2');
  });

  it('are no flags', async () => {
    const { code, stderr } = await runCli(['consume', 'a', '--sasl-password', 'hunter2']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/unknown option '--sasl-password'/);
    expect(stderr).not.toContain('hunter2');
  });
});

describe('the Node version', () => {
  const source = readFileSync(cli, 'utf8');

  it('is the one of package.json', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly engines: { readonly node: string } };
    expect(engines.node).toBe(`>=${/needed = \[([\d, ]+)\]/.exec(source)?.[1]?.replaceAll(', ', '.') ?? ''}`);
  });

  it.each([
    ['v22.21.9', true],
    ['v22.22.0', false],
    ['v22.22.0-nightly', false],
    ['v24.0.0', false],
    ['v10.24.1', true],
    ['v100.0.0', false],
  ])('%s is too old: %s', (version, expected) => {
    const body = /function isOld[^]*?\n}\n/.exec(source)?.[0] ?? '';
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the file cannot be imported: it runs
    const isOld = new Function('version', `var needed = [22, 22, 0]; ${body} return isOld(version);`) as (text: string) => boolean;
    expect(isOld(version)).toBe(expected);
  });

  it('leads to another one that ends when its launcher is killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-launcher-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const before = join(folder, 'old.cjs'); // this very Node, under another name and version: the launcher looks for another
    writeFileSync(
      before,
      `Object.defineProperty(process, 'version', { value: 'v18.0.0' }); Object.defineProperty(process, 'execPath', { value: '/' });`,
    );
    const launcher = spawn(process.execPath, ['-r', before, cli, 'run', shout, '--input', '-', '--drain-deadline-ms', '100'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let text = '';
    const gone = once(launcher.stdout, 'close'); // the child holds it as well
    launcher.stdout.on('data', (chunk) => (text += String(chunk)));
    launcher.stdin.write('a\nslow\n');
    await once(launcher.stdout, 'data');
    launcher.kill('SIGKILL');
    await gone;
    expect(text).toContain('"A"');
  });

  it('is looked at in syntax of Node 10', () => {
    expect(source).not.toMatch(/=>|\?\?|\?\.|`|\bconst\b|\blet\b|\basync\b|catch \{/);
  });
});
