import { Argument, Command as Program, InvalidArgumentError, Option } from 'commander';
import type { Command, CommandOption, CommandOptions, GivenOptions } from '../command.ts';
import { OptionError } from '../errors.ts';
import { runSettingsTable } from './run-settings.ts';
import { flagOf, settingsTable, variableOf } from './settings.ts';

/** What the command line said, before any setting was resolved. */
export interface Invocation {
  readonly command: Command;
  readonly options: GivenOptions<CommandOptions>;
  readonly args: readonly string[];
  /** The flags of settings that were given, as text: the global ones, and those of the command (`run-settings.ts`). */
  readonly flags: Readonly<Record<string, unknown>>;
}

export interface ProgramOptions {
  readonly version: string;
  readonly commands: readonly Command[];
  /** Without a command nothing but the error is told, instead of the help. @defaultValue false */
  readonly isJson?: boolean;
  readonly onInvocation: (invocation: Invocation) => Promise<void>;
}

/**
 * The parser with all commands and global settings. Parsing throws a CommanderError instead of ending the process.
 * @throws OptionError for a command whose option has the name of a global setting
 */
export function buildProgram({ version, commands, isJson = false, onInvocation }: ProgramOptions): Program {
  const program = new Program('millrace')
    .description('Kafka topics through language models to topics.')
    .version(version, '-V, --version', 'the version')
    .helpOption('-h, --help', 'this help; also after a command')
    .helpCommand('help [command]', 'help on a command')
    .exitOverride()
    .configureOutput({ outputError: () => undefined, ...(isJson ? { writeErr: () => undefined } : {}) }) // reported where all errors are
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => title.replace('Global Options', 'Settings of all commands') })
    .showSuggestionAfterError(true)
    .addHelpText('after', overview);
  addSettings(program);
  for (const command of commands) addCommand(program, command, onInvocation);
  return program;
}

const overview = `
Settings come from flags, else from the environment, else from millrace.config.json (or --config FILE), else from
their defaults: --sasl-username is MILLRACE_SASL_USERNAME there, and "saslUsername" in the file. Passwords come from
files or the environment alone.

Exit codes: 0 done, 1 failed, 2 command line or settings, 3 all records settled but some failed (run --input), 130 and 143
ended by SIGINT or SIGTERM before the work was done.

Begin with:
  millrace demo                   real records through a real model, on this machine
  millrace doctor                 what is here, what is missing, and how to get it
  millrace help run               how to run a pipeline`;

function addSettings(program: Program): void {
  for (const [key, { kind, choices, value = '', summary }] of Object.entries(settingsTable)) {
    const option = new Option(kind === 'flag' ? flagOf(key) : `${flagOf(key)} <${value}>`, summary);
    if (choices) option.choices(choices);
    program.addOption(option);
  }
  program.option('--config <file>', `settings as JSON, or ${variableOf('config')} (default: millrace.config.json, where there is one)`);
}

function addCommand(program: Program, command: Command, onInvocation: ProgramOptions['onInvocation']): void {
  const { name, summary, details, examples, exitCodes = {} } = command;
  const [last = name, group] = name.split(' ').reverse();
  const sub = (group === undefined ? program : groupOf(program, group))
    .command(last)
    .summary(summary)
    .description([`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, details].filter(Boolean).join('\n\n'));
  for (const { name: argument, summary: says, required = false, many = false } of command.arguments ?? []) {
    const inside = many ? `${argument}...` : argument;
    sub.addArgument(new Argument(required ? `<${inside}>` : `[${inside}]`, says));
  }
  for (const [key, option] of Object.entries(command.options)) {
    if (key in settingsTable) throw new OptionError(`command ${name} declares the option ${key}, which is a setting of all commands`);
    sub.addOption(toOption(key, option));
  }
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `  ${code.padEnd(5)} ${meaning}`);
  sub.addHelpText(
    'after',
    [
      '',
      'Examples:',
      ...examples.map(({ line, does }) => `  ${line.padEnd(60)} # ${does}`),
      ...(codes.length > 0 ? ['', 'Exit codes (see also millrace --help):', ...codes] : []),
    ].join('\n'),
  );
  sub.action(async () => {
    const { options } = command;
    const found = sub.opts();
    const own = Object.entries(options).filter(([key]) => !isSetting(key));
    const given = Object.fromEntries(own.map(([key, { kind }]) => [key, givenFor(kind, found[key])])) as GivenOptions<CommandOptions>;
    const settings = Object.fromEntries(Object.entries(found).filter(([key]) => isSetting(key)));
    const { config, ...flags } = program.opts<{ readonly config?: string }>(); // the parser gives it to the program, wherever it stands
    const ofCommand = 'config' in options;
    await onInvocation({
      command,
      options: ofCommand ? { ...given, config } : given,
      args: sub.args,
      flags: { ...flags, ...settings, ...(ofCommand ? {} : { config }) },
    });
  });
}

function givenFor(kind: CommandOption['kind'], found: unknown): unknown {
  if (kind === 'flag') return found === true;
  return kind === 'texts' ? (found ?? []) : found;
}

const groupSummaries: Readonly<Record<string, string>> = { dlq: 'dead letters: list, show, send them to their topics again' };

/** The commands that share a first word; made with the first of them. */
function groupOf(program: Program, name: string): Program {
  const known = program.commands.find((one) => one.name() === name);
  if (known) return known;
  const summary = groupSummaries[name] ?? '';
  return program
    .command(name)
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .helpCommand('help [command]', 'help on a command');
}

/** Checked where all settings are, wherever they were given. */
const isSetting = (key: string): boolean => Object.hasOwn(runSettingsTable, key);

function toOption(key: string, option: CommandOption): Option {
  if (option.kind === 'flag') return new Option(flagOf(key), option.summary);
  const made = new Option(`${flagOf(key)} <${option.value}>`, option.summary);
  if (isSetting(key)) return made;
  if (option.kind === 'text') return option.choices ? made.choices(option.choices) : made;
  if (option.kind === 'texts') return made.argParser((text, before: readonly string[] | undefined) => [...(before ?? []), text]);
  return made.argParser((text) => {
    const number = Number(text);
    const { min, max = Number.MAX_SAFE_INTEGER } = option;
    if (/^-?\d+$/.test(text) && Number.isSafeInteger(number) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(
      `It must be an integer ${max === Number.MAX_SAFE_INTEGER ? `>= ${String(min)}` : `from ${String(min)} to ${String(max)}`}.`,
    );
  });
}
