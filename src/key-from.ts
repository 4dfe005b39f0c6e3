import { OptionError } from './errors.ts';

/** The key that an option, `--api-key-env` of a command unless it is said otherwise, names the variable of. @throws OptionError where it is not set; never shows one */
export function keyFrom(variable: string, option = '--api-key-env'): string {
  const key = process.env[variable];
  if (key === undefined || key === '') throw new OptionError(`${option} names the variable ${variable}, which is not set`);
  return key;
}
