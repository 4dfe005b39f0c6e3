import { type OptionNames, requireObject, requireOptions } from '../../../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireText } from '../../../errors.ts';
import { checkOpenAiOptions, openAiOptionNames } from '../openai-compatible.ts';
import type { OpenAiCompatibleOptions } from '../openai-compatible-options.ts';

/** A server program, how to start it, and how to ask it: with `server`, which of them it is, as {@link OpenAiCompatibleOptions} says. */
export interface ServerOptions extends Omit<OpenAiCompatibleOptions, 'baseUrl'> {
  /** The program: a name on the PATH, or its path. No shell reads it. */
  readonly command: string;
  /** Its arguments, one each. In these and in `env`, `{port}` and `{host}` stand for the port that it has to listen on, and 127.0.0.1. @defaultValue [] */
  readonly args?: readonly string[];
  /**
   * Of its environment, beside what any program needs (PATH, HOME, the language, folders for temporary files, libraries, and which GPUs may be
   * seen). Nothing else of this process's environment reaches it, so no key does. @defaultValue {}
   */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that it is started in. @defaultValue this process's */
  readonly cwd?: string;
  /** The port that it listens on, for what else asks it (`engineGate`). @defaultValue a free one from 20000 to 31999, the same after a crash unless it was taken meanwhile */
  readonly port?: number;
  /** Where its API begins. @defaultValue '/v1' */
  readonly apiPath?: string;
  /** Answers 200 as soon as it takes calls. @defaultValue '/health', or '/v1/models' of programs that do not know it */
  readonly readyPath?: string;
  /** Longest time from its start to that, in ms. @defaultValue 600,000: large weights take minutes */
  readonly readyWithinMs?: number;
  /** Longest time from SIGTERM to its end, in ms; then it is killed. @defaultValue 10,000 */
  readonly stopWithinMs?: number;
  /** Calls that are in it at once, 1 to 4,096: as many as it has slots (`--parallel`, `--max-num-seqs`). @defaultValue 256 */
  readonly maxCalls?: number;
  /** Calls that wait for one of these places, or while it is started again; more fail with `overloaded`. @defaultValue 256 */
  readonly maxWaiting?: number;
}

export interface ResolvedServerOptions extends Required<Omit<ServerOptions, keyof OpenAiCompatibleOptions | 'cwd' | 'port' | 'readyPath'>> {
  readonly cwd: string | undefined;
  readonly port: number | undefined;
  readonly readyPath: string | undefined;
  /** For messages. */
  readonly name: string;
  /** How it is asked; without its address. */
  readonly client: Omit<OpenAiCompatibleOptions, 'baseUrl'>;
}

const ownNames: OptionNames<Omit<ServerOptions, keyof OpenAiCompatibleOptions>> = {
  command: true,
  args: true,
  env: true,
  cwd: true,
  port: true,
  apiPath: true,
  readyPath: true,
  readyWithinMs: true,
  stopWithinMs: true,
  maxCalls: true,
  maxWaiting: true,
};
const isOfClient = (name: string): boolean => name in openAiOptionNames && name !== 'baseUrl';
const clientNames = Object.fromEntries(Object.entries(openAiOptionNames).filter(([name]) => isOfClient(name)));
const names = { ...ownNames, ...clientNames } as OptionNames<ServerOptions>;

/** @throws OptionError for an option outside its range. */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  requireOptions('server', options, names);
  const { command, args = [], env = {}, cwd, port, apiPath = '/v1', readyPath, readyWithinMs = 600_000 } = options;
  const { stopWithinMs = 10_000, maxCalls = 256, maxWaiting = 256 } = options;
  requireText('server.command', command);
  requireTexts('server.args', args);
  requireObject('server.env', env);
  requireTexts('server.env', Object.values(env));
  if (cwd !== undefined) requireText('server.cwd', cwd);
  if (port !== undefined) requireInteger('server.port', port, 1, 65_535);
  else if (![...args, ...Object.values(env)].some((one) => one.includes('{port}')))
    throw new OptionError(
      "server.args must say {port} where the program takes its port, such as ['--port', '{port}']; or give server.port",
    );
  requirePath('server.apiPath', apiPath);
  if (readyPath !== undefined) requirePath('server.readyPath', readyPath);
  requireNumber('server.readyWithinMs', readyWithinMs, 1);
  requireNumber('server.stopWithinMs', stopWithinMs, 0);
  requireInteger('server.maxCalls', maxCalls, 1, 4_096);
  requireInteger('server.maxWaiting', maxWaiting, 0);
  const client = Object.fromEntries(
    Object.entries(options).filter(([name]) => isOfClient(name)),
  ) as unknown as ResolvedServerOptions['client'];
  checkOpenAiOptions({ ...client, baseUrl: 'http://127.0.0.1' });
  const name = options.name ?? options.model;
  const limits = { readyWithinMs, stopWithinMs, maxCalls, maxWaiting };
  return { command, args, env, cwd, port, apiPath, readyPath, ...limits, name, client };
}

function requireTexts(name: string, given: unknown): void {
  if (Array.isArray(given) && given.every((one) => typeof one === 'string' && !one.includes('\0'))) return;
  throw new OptionError(`${name} must hold texts without NUL characters, and nothing else`);
}

function requirePath(name: string, path: string): void {
  requireText(name, path);
  if (!path.startsWith('/')) throw new OptionError(`${name} must begin with a slash, got ${JSON.stringify(path)}`);
}
