import { artifactNamed } from '../artifacts/catalogue.ts';
import { pullArtifact } from '../artifacts/pull-artifact.ts';
import { systemClock } from '../clock.ts';
import type { CommandContext } from '../command.ts';
import { createLogger } from '../runtime/logging.ts';
import type { Interrupt } from './interrupt.ts';
import { openTransport } from './open-transport.ts';
import type { Settings } from './settings.ts';
import { humanLog } from './human-log.ts';
import type { TerminalOutput } from './terminal-output.ts';

/** What the commands of this folder may use beyond what every command may. */
export interface CliContext extends CommandContext {
  readonly settings: Settings;
  readonly out: TerminalOutput;
  readonly interrupt: Interrupt;
}

/** Joins settings, output and signals into what a command is given. */
export function commandContext(settings: Settings, out: TerminalOutput, interrupt: Interrupt): CliContext {
  const { signal } = interrupt;
  const clock = systemClock;
  const note = (text: string): void => {
    out.note(text);
  };
  const write = (line: string): void => {
    out.beside(out.isTty ? humanLog(line) : line);
  };
  const log = createLogger({ level: settings.logLevel, destination: { write } });
  return {
    settings,
    out,
    log,
    clock,
    signal,
    interrupt,
    openTransport: (options) => openTransport({ settings, log, clock, signal, note }, options),
    pull: (name, onProgress) => pullArtifact(artifactNamed(name), { signal, clock, ...(onProgress ? { onProgress } : {}) }),
  };
}
