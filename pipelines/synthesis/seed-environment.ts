import { OptionError } from 'millrace';
import type { Config } from './config.ts';

/** What the processes of seeds see of this one's environment: PATH, and what the configuration names for its tools. @throws OptionError for a variable that is named and not set; never shows one. */
export function seedEnvironment(config: Config, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const seen: Record<string, string> = { PATH: env['PATH'] ?? '' };
  for (const [where, variable] of namedIn(config)) {
    const value = env[variable];
    if (value === undefined || value === '') throw new OptionError(`${where} names the variable ${variable}, which is not set`);
    seen[variable] = value;
  }
  return seen;
}

/** Where a variable is named, and which. */
function namedIn({ environment_kwargs: { search }, mcp_servers: servers }: Config): readonly (readonly [string, string])[] {
  return [
    ...(search?.key_env === undefined ? [] : [['environment_kwargs.search.key_env', search.key_env] as const]),
    ...servers.flatMap(({ name, env = [], headers_env: headers = {} }) => [
      ...env.map((variable) => [`mcp_servers ${name}.env`, variable] as const),
      ...Object.values(headers).map((variable) => [`mcp_servers ${name}.headers_env`, variable] as const),
    ]),
  ];
}
