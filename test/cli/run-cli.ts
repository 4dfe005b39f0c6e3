import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

export const root = join(import.meta.dirname, '../..');
export const cli = join(root, 'src/cli/millrace.cjs');
export const shout = join(import.meta.dirname, 'fixtures/shout.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the match when stdout and stderr together have it; rejects when the process ends before. */
  seen(pattern: RegExp): Promise<RegExpExecArray>;
  readonly text: () => string;
}

export interface CliOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Leave stdin open. */
  readonly keepStdin?: boolean;
  /** In a process group of its own, so that a signal can reach it as a terminal's Ctrl-C does: with its children. */
  readonly ownGroup?: boolean;
  /** Another program than the command line. @defaultValue the command line */
  readonly script?: string;
}

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

/** Starts the real command line; what a test leaves behind is killed after it. */
export function startCli(
  args: readonly string[],
  { input, cwd = root, env = {}, keepStdin = false, ownGroup = false, script = cli }: CliOptions = {},
): RunningCli {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(MILLRACE_(?!CACHE)|VITEST|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: 'pipe',
    detached: ownGroup,
  });
  running.add(child);
  let [stdout, stderr] = ['', ''];
  let look = (): void => undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    look();
  });
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  if (input !== undefined) child.stdin.write(input);
  if (!keepStdin) child.stdin.end();
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, stdout, stderr });
      look();
    });
  });
  const seen = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      look = () => {
        const match = pattern.exec(stdout + stderr);
        if (match) resolve(match);
        else if (!running.has(child)) reject(new Error(`it ended without ${String(pattern)}:\n${stdout}${stderr}`));
      };
      look();
    });
  return { child, ended, seen, text: () => stdout + stderr };
}

export const runCli = (args: readonly string[], options?: CliOptions): Promise<Ended> => startCli(args, options).ended;

/** A folder of a user's own, where `millrace` and its dependencies are installed. */
export async function userFolder(): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules/millrace'));
  await symlink(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export const jsonLines = (text: string): readonly unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
