import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../../clock.ts';
import { guardedCommand, hasGroups } from '../../../guarded-command.ts';
import type { EndedBy } from '../../internal/suspects.state.ts';
import type { ProgramLog } from './program-log.ts';

/** How a program ended. */
export interface ProgramEnd {
  /** For messages: process and signal or exit code. */
  readonly how: string;
  readonly by: EndedBy;
  /** There is no such program, or it may not be run. */
  readonly isMissing: boolean;
}

export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/** What any program needs, and what says which GPUs and libraries it finds; nothing that could be a key. */
const passedOn =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|(DY)?LD_LIBRARY_PATH|(CUDA|HIP|ROCR|ZE|NVIDIA)_VISIBLE_DEVICES|CUDA_HOME|CUDA_PATH|OMP_\w+|XDG_(CACHE|CONFIG|DATA|RUNTIME)_\w+|HF_HOME|VIRTUAL_ENV|SystemRoot|SystemDrive|windir|ComSpec|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|ProgramData)$/i;

const mostLastWordsMs = 200;
const notRun: ReadonlySet<number | null> = new Set([126, 127]);
/** A shell's words for a program that was killed, or told to end. */
const killedCodes: ReadonlySet<number | null> = new Set([130, 137, 143]);
const fromOutside: ReadonlySet<string | null> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/** One run of a program, with all processes that it starts unless they leave its group. Its end is theirs. */
export class ProgramRun {
  readonly #child: ChildProcess;
  /** Resolves when it is gone, after its last words; never rejects. */
  readonly ended: Promise<ProgramEnd>;
  #isOver = false;

  constructor({ command, args, env, cwd }: ProgramCommand, log: ProgramLog, clock: Clock) {
    const inherited = Object.entries(process.env).filter(([name]) => passedOn.test(name));
    const [file, given] = guardedCommand(command, args);
    this.#child = spawn(file, given, {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: hasGroups,
      windowsHide: true,
    });
    if (this.#child.stdout) log.read(this.#child.stdout);
    if (this.#child.stderr) log.read(this.#child.stderr);
    this.#child.stdio[3]?.on('error', () => undefined); // it has no other use than to end
    this.ended = this.#untilEnded(clock);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** To all of its processes. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#isOver) return;
    try {
      if (hasGroups) process.kill(-pid, signal);
      else this.#child.kill(signal);
    } catch {
      // it has ended just now
    }
  }

  #untilEnded(clock: Clock): Promise<ProgramEnd> {
    const child = this.#child;
    return new Promise((resolve) => {
      const onEnd = (end: ProgramEnd): void => {
        this.#isOver = true;
        child.stdio[3]?.destroy();
        resolve(end);
      };
      child.once('error', (error) => {
        if (child.pid !== undefined) return; // a signal that could not be sent
        onEnd({ how: `it could not be started: ${error.message}`, by: 'itself', isMissing: true });
      });
      child.once('exit', (code, signal) => {
        this.signal('SIGKILL'); // what it has left behind
        const end = endOf(child.pid, code, signal);
        child.once('close', () => {
          onEnd(end);
        });
        clock.schedule(mostLastWordsMs, () => {
          onEnd(end); // somebody who left the group holds its pipes
        });
      });
    });
  }
}

function endOf(pid: number | undefined, code: number | null, signal: string | null): ProgramEnd {
  const how = `process ${String(pid ?? '?')}, ${signal ?? `exit code ${String(code)}`}`;
  return { how, by: fromOutside.has(signal) || killedCodes.has(code) ? 'outside' : 'itself', isMissing: notRun.has(code) };
}
