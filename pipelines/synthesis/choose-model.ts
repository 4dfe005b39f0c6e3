import { type CommandContext, keyFrom, modelToPull, namedModel, showPull } from 'millrace';
import type { Config } from './config.ts';
import type { SynthesisModel } from './run-options.ts';

/** The model of a configuration, its file fetched where it is missing. @throws OptionError for a name that is none, and for a key that is not there. */
export async function chooseModel(
  { model, api_key_env: variable, max_workers: workers }: Config,
  context: CommandContext,
): Promise<SynthesisModel> {
  const apiKey = variable === undefined ? {} : { apiKey: keyFrom(variable) };
  const isRemote = /^(https?|triton):/i.test(model);
  const resource = namedModel(model, { maxCalls: Math.min(isRemote ? 256 : 64, workers), ...apiKey });
  const file = modelToPull(model);
  if (file !== undefined) await showPull(context, file);
  return { resource, isRemote };
}
