import type { Command } from '../command.ts';
import { consumeCommand } from './consume-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { produceCommand } from './produce-command.ts';
import { pullCommand } from './pull-command.ts';
import { runCommand } from './run-command.ts';

/** In the order of `millrace --help`. */
export const commands: readonly Command[] = [runCommand, produceCommand, consumeCommand, pullCommand, doctorCommand];
