import type { PullProgress } from './artifacts/artifact.ts';
import type { Clock } from './clock.ts';
import type { Log, LogLevel } from './runtime/logging.ts';
import type { Transport } from './transport/transport.ts';

/** What is said of an option, whatever its kind. */
interface OptionText {
  /** For `--help`; without a full stop. */
  readonly summary: string;
}

/**
 * An option of a command. Its name is its key in camel case: `maxTokens` is `--max-tokens`. `value` is the placeholder
 * in `--help`.
 */
export type CommandOption =
  | (OptionText & { readonly kind: 'flag' })
  | (OptionText & { readonly kind: 'integer'; readonly value: string; readonly min: number; readonly max?: number })
  | (OptionText & { readonly kind: 'text'; readonly value: string; readonly choices?: readonly string[] })
  /** Text that may be given several times. */
  | (OptionText & { readonly kind: 'texts'; readonly value: string });

export type CommandOptions = Readonly<Record<string, CommandOption>>;

/** What was given for the options: flags are false unless set, `texts` a list, everything else is undefined unless given. */
export type GivenOptions<O extends CommandOptions> = {
  readonly [K in keyof O]: O[K] extends { readonly kind: 'flag' }
    ? boolean
    : O[K] extends { readonly kind: 'integer' }
      ? number | undefined
      : O[K] extends { readonly kind: 'texts' }
        ? readonly string[]
        : string | undefined;
};

export interface CommandArgument {
  readonly name: string;
  readonly summary: string;
  readonly required?: boolean;
  /** Takes all that is left; only for the last. */
  readonly many?: boolean;
}

export interface CommandSpec<O extends CommandOptions> {
  /** One word; two for a command of a group, as in `dlq list`. */
  readonly name: string;
  /** One line of `millrace --help`; without a full stop. */
  readonly summary: string;
  /** What `millrace NAME --help` says beyond the summary: what happens, and how it ends. */
  readonly details?: string;
  readonly arguments?: readonly CommandArgument[];
  /** The names of the global settings (transport, brokers, json, logLevel, …) are taken. `config` is not: a command with files of its own has `--config` to itself, and settings come from elsewhere. */
  readonly options: O;
  /** What is said at the first SIGINT or SIGTERM, and at the second one. @defaultValue of what runs a pipeline: what was begun is finished */
  readonly stopping?: { readonly first: string; readonly second: string };
  /** At least one: command lines that can be copied, each with what it does. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Exit codes beside 0 (done), 1 (failed), 2 (command line or settings), 130 and 143 (ended by a signal). */
  readonly exitCodes?: Readonly<Record<number, string>>;
  /**
   * Does the work. Resolves with the exit code, or nothing for 0. What it throws is shown as one line (with `--json` one
   * JSON line) on stderr, and ends the process with 2 for an OptionError, 1 for anything else. Interrupted before the work
   * was done, it throws `signal.reason`: nothing is said, and the process ends with 130 (SIGINT) or 143 (SIGTERM).
   */
  run(
    given: { readonly options: GivenOptions<O>; readonly args: readonly string[] },
    context: CommandContext,
  ): Promise<number> | Promise<void>;
}

/** A command of `millrace`. */
export type Command = CommandSpec<CommandOptions>;

/** Types the options of a command from their description. Checks nothing; the command line does when it composes. */
export const defineCommand = <const O extends CommandOptions>(spec: CommandSpec<O>): Command => spec;

/** What the command line knows, resolved from flags, environment, file and defaults. Secrets stay behind {@link CommandContext.openTransport}. */
export interface CommandSettings {
  readonly transport: 'memory' | 'kafka';
  readonly brokers: readonly string[];
  readonly json: boolean;
  readonly logLevel: LogLevel | 'silent';
  /** For `start`: this process's name over restarts. */
  readonly instance?: string | undefined;
}

/** Where a command writes. Results go to stdout, everything else to stderr. */
export interface Output {
  /** True with `--json`: stdout carries nothing but JSON lines. */
  readonly isJson: boolean;
  /** Whether {@link live} is seen: stderr is a terminal, and this is not `--json`. */
  readonly isTty: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly width: number;
  /** A line of results for people: stdout; nothing with `--json`. */
  line(text: string): void;
  /** A result for machines, as one JSON line on stdout (bigints as decimal strings); nothing without `--json`. */
  json(value: unknown): void;
  /** A remark for people: stderr; nothing with `--json`. */
  note(text: string): void;
  /** The one line at the bottom that is written again and again; undefined takes it away. Nothing unless {@link isTty}. */
  live(text: string | undefined): void;
  /** Rows in aligned columns, the first as their heads; numbers are aligned right. Stdout; nothing with `--json`. */
  table(rows: readonly (readonly string[])[]): void;
  /** Resolves when stdout takes more: wait for it between many lines, so that a slow reader holds us and not memory. */
  drained(): Promise<void>;
}

export interface OpenedTransport {
  readonly transport: Transport;
  /** For people: `the embedded broker`, `Kafka at localhost:9092`. */
  readonly where: string;
  /** Ends the transport, and the broker where one was started for it. Idempotent. */
  readonly close: () => Promise<void>;
}

export interface OpenTransportOptions {
  /** @defaultValue `settings.transport` */
  readonly kind?: 'memory' | 'kafka';
  /**
   * Where no broker was named and none answers at localhost:9092: start one from jars, if this is Millrace's own
   * repository and there is a JDK. @defaultValue false
   */
  readonly startBroker?: boolean;
}

/** What a command may use. */
export interface CommandContext {
  readonly settings: CommandSettings;
  readonly out: Output;
  readonly log: Log;
  readonly clock: Clock;
  /**
   * Aborted at the first SIGINT or SIGTERM; a second one ends the process at once. A pipeline is started with
   * `signals: false` and drained when this aborts.
   */
  readonly signal: AbortSignal;
  /** @throws OptionError for settings that contradict each other; TransportError when no broker is there, with what to do. */
  openTransport(options?: OpenTransportOptions): Promise<OpenedTransport>;
  /** The path of a model or data set, fetched first where it is not in the cache. Ends with `signal`. */
  pull(name: string, onProgress?: (progress: PullProgress) => void): Promise<string>;
}
