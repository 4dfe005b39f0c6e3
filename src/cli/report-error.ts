import { CommanderError } from 'commander';
import { isAbortError, isStreamError, messageOf, type StreamError } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { jsonLine, visible } from './terminal-output.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

export interface ErrorReport {
  /** Empty where nothing needs to be said. */
  readonly text: string;
  readonly exitCode: number;
}

/** What is said of an error, and how the process ends for it: one line, for people or for machines. */
export function reportError(
  error: unknown,
  { isJson, debug, interruptedBy }: { readonly isJson: boolean; readonly debug: boolean; readonly interruptedBy: number | undefined },
): ErrorReport {
  if (error instanceof CommanderError && error.exitCode === 0) return { text: '', exitCode: exitCodes.done };
  if (error instanceof CommanderError && error.code === 'commander.help' && !isJson) return { text: '', exitCode: exitCodes.usage }; // the help says it
  if (isAbortError(error) && interruptedBy !== undefined) return { text: '', exitCode: interruptedBy };
  const { code, message, exitCode } = explained(error);
  if (isJson) return { text: jsonLine({ error: { code, message } }), exitCode };
  const stack = debug && error instanceof Error && error.stack !== undefined ? `\n${withoutSecrets(error.stack)}` : '';
  return { text: `millrace: ${visible(message)}${visible(stack)}`, exitCode };
}

function explained(error: unknown): { readonly code: string; readonly message: string; readonly exitCode: number } {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.help')
      return { code: 'invalid_option', message: 'no command was named; see millrace --help', exitCode: exitCodes.usage };
    // of `--sasl-password=secret`, an option that there is not, only the name may be shown
    const message = error.message
      .replace(/^error: /, '')
      .replace(/^(unknown option '[^=']*)=[^]*'/, "$1'")
      .replaceAll('\n', ' ');
    return { code: 'invalid_option', message: `${message}; see millrace --help`, exitCode: exitCodes.usage };
  }
  if (isStreamError(error)) {
    return { code: error.code, message: toldOf(error), exitCode: error.code === 'invalid_option' ? exitCodes.usage : exitCodes.failed };
  }
  return { code: 'unexpected', message: withoutSecrets(messageOf(error)), exitCode: exitCodes.failed };
}

/** Messages on options are ours, and show no secret; all others may quote what a service or a client has said. */
const toldOf = ({ code, message }: StreamError): string => (code === 'invalid_option' ? message : withoutSecrets(message));
