import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { abortReason, type Clock } from '../../../clock.ts';
import { messageOf, PipelineError, ToolError } from '../../../errors.ts';

export interface SandboxLimits {
  /** Of all its processes together. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Of all its processes together, and the address space of each. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Of both outputs together. */
  readonly outputBytes: number;
  readonly scratchBytes: number;
}

/** What became of a program. `cpu`, `memory`, `wall` and `output` are limits that it passed; at `setup` it was not run. */
export interface SandboxEnd {
  readonly end: 'exit' | 'signal' | 'cpu' | 'memory' | 'wall' | 'output' | 'setup';
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly why?: string;
}

export interface SandboxContext {
  readonly python: string;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
}

const script = fileURLToPath(new URL('./sandbox.py', import.meta.url));
/** On top of the wall's time: the watcher keeps that itself; this is for one that stands still. */
const graceMs = 15_000;
const mostAnswer = 4 * 1024 * 1024;

/**
 * Runs a program in the sandbox. Aborting ends it with all its processes.
 * @throws PipelineError `missing_dependency` where there is no such Python, ToolError `tool_failed` where the sandbox itself broke down.
 */
export function runSandbox(program: string, limits: SandboxLimits, { python, signal, clock }: SandboxContext): Promise<SandboxEnd> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const child = spawn(python, ['-I', '-S', script, JSON.stringify(limits)], { stdio: ['pipe', 'pipe', 'ignore'] });
    let told = '';
    const kill = (): void => void child.kill('SIGKILL');
    const cancel = clock.schedule(limits.wallSeconds * 1_000 + graceMs, kill);
    signal?.addEventListener('abort', kill, { once: true });
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      told += piece;
      if (told.length > mostAnswer) kill();
    });
    child.stdin.on('error', () => undefined); // it ended before it read all; its answer says why
    child.stdin.end(program);
    const over = (): void => {
      cancel();
      signal?.removeEventListener('abort', kill);
    };
    child.on('error', (cause) => {
      over();
      reject(new PipelineError('missing_dependency', `expected Python 3.8 or later as ${python}, got: ${cause.message}`, { cause }));
    });
    child.on('close', () => {
      over();
      if (signal?.aborted === true) reject(abortReason(signal));
      else settle(told, resolve, reject);
    });
  });
}

function settle(told: string, resolve: (end: SandboxEnd) => void, reject: (error: Error) => void): void {
  try {
    resolve(JSON.parse(told) as SandboxEnd);
  } catch (cause) {
    reject(new ToolError('tool_failed', `the sandbox ended without an answer: ${messageOf(cause)}`, { cause }));
  }
}
