import { OptionError } from 'millrace';
import type { Config } from './config.ts';

/** What the processes of seeds see of this one's environment: PATH, and what the configuration names for its tools. @throws OptionError for a variable that is named and not set; never shows one. */
export function seedEnvironment({ environment_kwargs: kwargs }: Config, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const seen: Record<string, string> = { PATH: env['PATH'] ?? '' };
  const variable = kwargs.search?.key_env;
  if (variable === undefined) return seen;
  const value = env[variable];
  if (value === undefined || value === '')
    throw new OptionError(`environment_kwargs.search.key_env names the variable ${variable}, which is not set`);
  return { ...seen, [variable]: value };
}
