import { OptionError } from './errors.ts';

/** The key that `--api-key-env` of a command names the variable of. @throws OptionError where it is not set; never shows one */
export function keyFrom(variable: string): string {
  const key = process.env[variable];
  if (key === undefined || key === '') throw new OptionError(`--api-key-env names the variable ${variable}, which is not set`);
  return key;
}
