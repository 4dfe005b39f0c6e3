import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';

export const name = 'packed';
export const summary =
  'the package as npm packs it, in a project of its own: programs that use millrace/parallel are compiled strictly and run; 1 minute';

const root = join(import.meta.dirname, '../..');
const programs = ['parallel.ts', 'step.ts'] as const;

/** Packs a copy of the repository, since packing writes into it; then does what a user does. */
export async function run({ signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const [copy, project] = [join(folder, 'repository'), join(folder, 'project')];
  await copyRepository(copy);
  const ran = (command: string, args: readonly string[], cwd: string): Promise<Ran> => runTo(command, args, cwd, signal);
  const packed = await ran('npm', ['pack', '--silent', '--pack-destination', folder], copy);
  say('packed');
  await mkdir(join(project, 'node_modules/millrace'), { recursive: true });
  const archive = (await readdir(folder)).find((file) => file.endsWith('.tgz')) ?? '';
  const unpacked = await ran('tar', ['-xzf', join(folder, archive), '--strip-components=1', '-C', 'node_modules/millrace'], project);
  await link(join(root, 'node_modules'), join(project, 'node_modules'));
  for (const program of programs) await copyFile(join(import.meta.dirname, 'packed', program), join(project, program));
  await writeFile(join(project, 'package.json'), '{ "type": "module", "private": true }');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--module', 'nodenext', '--target', 'esnext'];
  const lib = ['--lib', 'esnext,esnext.disposable', '--types', 'node', '--noEmit', '--allowImportingTsExtensions'];
  const compiled = await ran(join(root, 'node_modules/.bin/tsc'), [...strict, ...lib, ...programs], project);
  say('compiled');
  const done = await ran(process.execPath, ['parallel.ts'], project);
  const version = await ran(process.execPath, ['node_modules/millrace/dist/src/cli/millrace.cjs', 'parallel', '--help'], project);
  const lines = done.stdout.trimEnd().split('\n');
  return {
    pass: true,
    measured: [
      found('npm pack', packed.code === 0 && unpacked.code === 0, archive === '' ? packed.text : basename(archive)),
      found('a program against its types, strictly', compiled.code === 0, compiled.code === 0 ? 'no error' : compiled.text),
      ...lines.map((line) =>
        found(line.replace(/^(ok|not ok) /, ''), line.startsWith('ok '), line.startsWith('ok ') ? 'as it should' : 'not so'),
      ),
      found('the program to its end', done.code === 0 && lines.at(-1) === 'ok the end', done.code === 0 ? 'exit 0' : done.text),
      found('millrace parallel --help', version.code === 0 && version.stdout.includes('--kafka'), `exit ${String(version.code)}`),
    ],
  };
}

const found = (what: string, pass: boolean, measured: string) => ({ what, measured: measured.slice(0, 2_000), passes: 'yes', pass });

async function copyRepository(to: string): Promise<void> {
  await mkdir(to);
  for (const entry of [
    'src',
    'operators',
    'pipelines',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
  ])
    await cp(join(root, entry), join(to, entry), { recursive: true });
  await mkdir(join(to, 'test/helpers'), { recursive: true });
  await copyFile(join(root, 'test/helpers/package.ts'), join(to, 'test/helpers/package.ts'));
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
}

/** What an installation would have put there. */
async function link(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from)) if (!entry.startsWith('.')) await symlink(join(from, entry), join(to, entry));
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly text: string;
}

async function runTo(command: string, args: readonly string[], cwd: string, signal: AbortSignal): Promise<Ran> {
  const child: ChildProcess = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', kill);
  return { code, stdout, text: `exit ${String(code)}: ${stderr}${stdout}` };
}
