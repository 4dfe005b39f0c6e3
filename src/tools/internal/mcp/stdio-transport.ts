import { type ChildProcess, spawn } from 'node:child_process';
import type { ReadBuffer } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { atMost, type Clock } from '../../../clock.ts';
import { guardedCommand, hasGroups } from '../../../guarded-command.ts';
import { withoutSecrets } from '../../../without-secrets.ts';

export interface StdioProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/** What the SDK brings for lines of JSON. */
export interface Lines {
  readonly buffer: ReadBuffer;
  readonly write: (message: JSONRPCMessage) => string;
}

/** How long a server that is told to end has for it, and how long one that is killed. */
const graceMs = 500;
const mostLastWords = 2_000;

/**
 * A server of the Model Context Protocol as a process, spoken to over its standard input and output. Not the SDK's own transport: that passes on HOME, PATH and others, and ends the process alone, not what it started.
 * This one gives it the environment that is named, and ends its whole group, also when this process is killed. Holds one message, as much as `lines.buffer` takes, and the end of what it said on standard error.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #program: StdioProgram;
  readonly #lines: Lines;
  readonly #clock: Clock;
  readonly #gone = Promise.withResolvers<undefined>();
  #child: ChildProcess | undefined;
  #words = '';
  #end: string | undefined;

  constructor(program: StdioProgram, lines: Lines, clock: Clock) {
    this.#program = program;
    this.#lines = lines;
    this.#clock = clock;
  }

  /** How it ended, with its last words; undefined while it runs. */
  get end(): string | undefined {
    const words = withoutSecrets(this.#words.trim());
    return this.#end === undefined || words === '' ? this.#end : `${this.#end}: ${words}`;
  }

  async start(): Promise<void> {
    const { command, args, env, cwd } = this.#program;
    const [file, given] = guardedCommand(command, args);
    const child = spawn(file, given, { cwd, env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: hasGroups, windowsHide: true });
    this.#child = child;
    child.stdin.on('error', () => undefined); // the end of the process tells
    child.stdio[3]?.on('error', () => undefined);
    child.stdout.on('data', (part: Buffer) => this.#read(part));
    child.stderr.on('data', (part: Buffer) => {
      this.#words = (this.#words + part.toString()).slice(-mostLastWords);
    });
    child.once('exit', (code, signal) => {
      this.#kill('SIGKILL'); // what it has left behind
      this.#end ??= `process ${String(child.pid)} ended with ${signal ?? `exit code ${String(code)}`}`;
      const over = (): void => {
        this.#over();
      };
      child.once('close', over);
      this.#clock.schedule(graceMs, over); // somebody who left the group holds its pipes
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        this.#end ??= `it could not be started: ${error.message}`;
        reject(error);
        this.#over();
      });
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (this.#end !== undefined || !stdin?.writable) return Promise.reject(new Error('the server has ended'));
    if (stdin.write(this.#lines.write(message))) return Promise.resolve();
    return new Promise((resolve) => {
      stdin.once('drain', resolve);
      stdin.once('close', resolve); // whoever waits for an answer is told of the end
    });
  }

  async close(): Promise<void> {
    if (this.#child === undefined) return;
    this.#child.stdin?.end();
    await atMost(this.#clock, graceMs, this.#gone.promise);
    this.#kill('SIGTERM');
    await atMost(this.#clock, graceMs, this.#gone.promise);
    this.#kill('SIGKILL');
    await atMost(this.#clock, graceMs, this.#gone.promise);
  }

  #read(part: Buffer): void {
    try {
      this.#lines.buffer.append(part);
    } catch {
      this.#end ??= 'it wrote a message that is too long';
      this.#kill('SIGKILL');
      return;
    }
    for (;;) {
      try {
        const message = this.#lines.buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        this.onerror?.(error instanceof Error ? error : new Error('a line that is no message')); // a line that is no message; the next may be one
      }
    }
  }

  #over(): void {
    this.#child?.stdio[3]?.destroy();
    this.#child?.stdout?.destroy();
    this.#gone.resolve(undefined);
    const { onclose } = this;
    delete this.onclose;
    onclose?.();
  }

  #kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    const pid = this.#child?.pid;
    if (pid === undefined || this.#child?.stdio[3]?.destroyed === true) return;
    try {
      if (hasGroups) process.kill(-pid, signal);
      else this.#child?.kill(signal);
    } catch {
      // it has ended just now
    }
  }
}
