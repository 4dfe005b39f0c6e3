import { documentsCommand, documentsDemoCommand } from '../../pipelines/documents/command.ts';
import { ordersCommand } from '../../pipelines/orders-avro/command.ts';
import { parallelCommand } from '../../pipelines/parallel/command.ts';
import { reviewsCommand } from '../../pipelines/reviews/command.ts';
import { synthesisDemoCommand, synthesizeCommand } from '../../pipelines/synthesis/command.ts';
import type { Command } from '../command.ts';
import { consumeCommand } from './consume-command.ts';
import { diagnoseCommand } from './diagnose-command.ts';
import { dlqListCommand } from './dlq-list-command.ts';
import { dlqRedriveCommand } from './dlq-redrive-command.ts';
import { dlqShowCommand } from './dlq-show-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { loadCommand } from './load-command.ts';
import { loadCompareCommand } from './load-compare-command.ts';
import { produceCommand } from './produce-command.ts';
import { pullCommand } from './pull-command.ts';
import { runCommand } from './run-command.ts';
import { serveCommand } from './serve-command.ts';
import { typesCommand } from './types-command.ts';

/** In the order of `millrace --help`. */
export const commands: readonly Command[] = [
  reviewsCommand,
  documentsDemoCommand,
  synthesisDemoCommand,
  ordersCommand,
  documentsCommand,
  parallelCommand,
  synthesizeCommand,
  runCommand,
  serveCommand,
  loadCommand,
  loadCompareCommand,
  produceCommand,
  consumeCommand,
  dlqListCommand,
  dlqShowCommand,
  dlqRedriveCommand,
  typesCommand,
  pullCommand,
  diagnoseCommand,
  doctorCommand,
];
