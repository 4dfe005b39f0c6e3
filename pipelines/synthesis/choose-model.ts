import { type CommandContext, keyFrom, modelToPull, namedModel, showPull } from 'millrace';
import type { Config } from './config.ts';
import type { SynthesisModel } from './run-options.ts';

/** The model of a configuration, for so many seeds at once, its file fetched where it is missing. @throws OptionError for a name that is none, and for a key that is not there. */
export async function chooseModel(
  { model, api_key_env: variable }: Pick<Config, 'model' | 'api_key_env'>,
  workers: number,
  context: CommandContext,
): Promise<SynthesisModel> {
  const apiKey = variable === undefined ? {} : { apiKey: keyFrom(variable, 'api_key_env') };
  const isRemote = /^(https?|triton):/i.test(model);
  const resource = namedModel(model, { maxCalls: Math.min(isRemote ? 256 : 64, workers), ...apiKey });
  const file = modelToPull(model);
  if (file !== undefined) await showPull(context, file);
  return { resource, isRemote };
}
