import { access, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf, nearest, OptionError } from 'millrace';
import { z } from 'zod';

const tools = ['web_search', 'web_visit', 'calculator', 'python_interpreter'] as const;
const positive = z.int().min(1);

const SearchFields = z.looseObject({ title: z.string().optional(), url: z.string().optional(), snippet: z.string().optional() });

const Search = z.looseObject({
  url: z.string().describe('with {query} in it'),
  results: z.string().describe('where the list of results stands in the answer, as in web.results'),
  key_env: z.string().describe('the environment variable that holds the key').optional(),
  key_header: z.string().optional(),
  is_private: z.boolean().describe('whether it may be on this machine or a private network').optional(),
  fields: SearchFields.optional(),
});

/** What the tools of a mode take; what a tool does not know is warned of. */
const EnvironmentKwargs = z.looseObject({
  web_search_top_k: positive.max(20).default(5).describe('results of one search'),
  corpus: z
    .string()
    .min(1)
    .describe('a library that is searched and read: a folder, or a file of rows, relative to this file; none: the one that comes with it')
    .optional(),
  search: Search.describe('a search service on the web, instead of the library').optional(),
  allow: z.array(z.string()).describe('hosts on the web that web_visit may read, such as *.example.org').optional(),
});

const variable = z.string().min(1);

/** A server of the Model Context Protocol: secrets stand in variables of the environment, and only their names here. */
const McpServer = z.object({
  name: z
    .string()
    .regex(/^[A-Za-z]\w{0,31}$/)
    .describe('stands before the names of its tools'),
  command: z.string().min(1).describe('the program that is the server; or a url').optional(),
  args: z.array(z.string()).optional(),
  env: z.array(variable).describe('variables of the environment that the program sees, beside PATH').optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .describe('where it listens; or a command')
    .optional(),
  headers_env: z.record(z.string(), variable).describe('headers of requests to the url, each with the variable that holds it').optional(),
  tools: z.array(z.string()).describe('which of its tools; none: all').optional(),
});

/** A configuration, as it stands in a file; every member but the mode has a default. */
export const SynthesisConfig = z.object({
  environment_mode: z.enum(['web', 'math', 'python']).describe('what is explored, and how'),
  environment_kwargs: EnvironmentKwargs.prefault({}).describe('for the tools'),
  available_tools: z.array(z.enum(tools)).min(1).describe('tools that the model may use').optional(),
  tool_modules: z
    .array(z.string().min(1))
    .max(16)
    .default([])
    .describe("modules that export tools of your own, relative to this file; they are code, and run with all rights of a seed's process"),
  mcp_servers: z.array(McpServer).max(16).default([]).describe('servers whose tools the model may use, too; one of each for each seed'),
  max_depth: positive.max(100).default(4).describe('steps on one way from the seed'),
  branching_factor: positive.max(16).default(2).describe('ways on from a step, up to depth_threshold'),
  depth_threshold: z.int().min(0).max(100).default(2).describe('beyond this depth a way is not divided any more'),
  max_steps: positive.max(10_000).default(24).describe('steps of one seed, all ways together'),
  max_trajectories: positive.max(100).default(2).describe('ways of one seed that pairs are written of, one each'),
  max_workers: positive.max(256).default(1).describe('seeds at once, each in a process of its own; 2 to 8 is usual'),
  random_seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .describe('of all that is left to chance; drawn and noted where it is not given')
    .optional(),
  model: z.string().min(1).default('smollm2').describe('smollm2, hf:owner/repo/file.gguf, a path, or a URL as http://host:8080/v1#model'),
  api_key_env: z.string().min(1).describe('the environment variable that holds the key of a URL').optional(),
  temperature: z.number().min(0).max(2).default(0.7).describe('of what is chosen and written; checks have 0'),
  max_answer_tokens: positive.max(100_000).default(512).describe('longest answer of the model'),
  prompt_chars: z.int().min(500).max(1_000_000).default(4_000).describe('of what was found, as much is shown to the model at once'),
  observation_chars: z.int().min(100).max(100_000).default(4_000).describe("of one tool's result, as much is kept"),
  closed_book_check: z.boolean().default(true).describe('a pair that the model answers without its evidence is not kept'),
  duplicate_similarity: z.number().min(0.1).max(1).default(0.8).describe('questions that share this much of their words are one'),
  token_budget: positive.describe('tokens of one run; then it ends, to be resumed').optional(),
  tokens_per_minute: positive.describe('in any 60 s').optional(),
  requests_per_minute: positive.describe('in any 60 s').optional(),
  request_interval_ms: z.int().min(0).max(3_600_000).default(0).describe('shortest time between the starts of two calls of the model'),
  call_timeout_ms: positive.default(120_000).describe('longest time of one attempt at a call'),
  attempts: positive.max(100).default(4).describe('attempts at a call; overloads are none'),
  model_patience_ms: positive.default(300_000).describe('a model that is away for so long ends the run'),
  seed_timeout_ms: positive.default(300_000).describe('a seed that neither asks nor ends for so long is killed'),
  seed_attempts: positive.max(10).default(2).describe('processes for a seed whose process dies'),
  tool_timeout_ms: positive.default(30_000).describe('longest time of one use of a tool'),
  worker_memory_mb: z.int().min(64).max(1_048_576).default(256).describe('memory of a process, in MiB; above it is killed'),
});

/** As it stands in a file that was checked: what has a default may be missing. */
type Given = z.input<typeof SynthesisConfig>;

export type Config = z.infer<typeof SynthesisConfig> & { readonly available_tools: readonly (typeof tools)[number][] };

/** What a mode explores with where the configuration does not say. */
const usualTools = {
  web: ['web_search', 'web_visit'],
  math: ['calculator'],
  python: ['python_interpreter'],
} as const satisfies Readonly<Record<string, readonly (typeof tools)[number][]>>;

const usualWorkers = 8;

export interface ReadConfig {
  readonly config: Config;
  /** What is odd about it, and works all the same. */
  readonly warnings: readonly string[];
}

/** Checks a configuration and fills it in. @throws OptionError that says where, what was expected and what was given. */
export function configFrom(name: string, given: unknown): ReadConfig {
  const parsed = SynthesisConfig.safeParse(given);
  if (!parsed.success) {
    const said = parsed.error.issues.map(
      ({ path, message }) => `${path.length === 0 ? 'the whole' : path.join('.')}: ${message}${gotAt(given, path)}`,
    );
    throw new OptionError(`${name} is no configuration of synthesis: ${said.join('; ')}`);
  }
  const config = { ...parsed.data, available_tools: parsed.data.available_tools ?? [...usualTools[parsed.data.environment_mode]] };
  if (new Set(config.available_tools).size < config.available_tools.length)
    throw new OptionError(`${name}: available_tools names a tool twice: ${config.available_tools.join(', ')}`);
  requireServers(name, config.mcp_servers);
  const workers =
    config.max_workers > usualWorkers
      ? [
          `max_workers is ${String(config.max_workers)}: more than ${String(usualWorkers)} seldom helps, as all wait for one model; --tune tells`,
        ]
      : [];
  return { config, warnings: [...unknownIn(name, given as Given), ...workers] };
}

/** The number or flag that stands there; texts may be secrets that do not belong there. */
function gotAt(given: unknown, path: readonly PropertyKey[]): string {
  const found = path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), given);
  return typeof found === 'number' || typeof found === 'boolean' ? `, got ${String(found)}` : '';
}

function requireServers(file: string, servers: Config['mcp_servers']): void {
  for (const { name, command, url } of servers)
    if ((command === undefined) === (url === undefined))
      throw new OptionError(`${file}: mcp_servers ${name} must have a command or a url, got ${command === undefined ? 'neither' : 'both'}`);
  const names = servers.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new OptionError(`${file}: mcp_servers has a name twice: ${names.join(', ')}`);
}

/** Members that nobody reads; a slip of the pen, mostly. */
function unknownIn(name: string, given: Given): readonly string[] {
  const { environment_kwargs: kwargs, mcp_servers: servers = [] } = given;
  const parts: readonly (readonly [string, object | undefined, { readonly shape: object }])[] = [
    ['', given, SynthesisConfig],
    ['environment_kwargs.', kwargs, EnvironmentKwargs],
    ['environment_kwargs.search.', kwargs?.search, Search],
    ['environment_kwargs.search.fields.', kwargs?.search?.fields, SearchFields],
    ...servers.map((server, at) => [`mcp_servers.${String(at)}.`, server, McpServer] as const),
  ];
  return parts.flatMap(([where, part = {}, { shape }]) => {
    const known = Object.keys(shape);
    return Object.keys(part)
      .filter((key) => !known.includes(key) && key !== '$schema' && !key.startsWith('_'))
      .map((key) => {
        const meant = nearest(key, known);
        return `${name} has ${where}${key}, which nothing reads${meant === undefined ? '' : `; did you mean ${where}${meant}?`}`;
      });
  });
}

/** @throws OptionError for a file that cannot be read, is not JSON, or no configuration. */
export async function readConfig(path: string): Promise<ReadConfig> {
  const { config, warnings } = configFrom(path, await readJson(path, 'configuration'));
  const there = (one: string): string => resolve(dirname(path), one);
  const { corpus, ...kwargs } = config.environment_kwargs;
  const library = corpus === undefined ? undefined : there(corpus);
  if (library !== undefined)
    await access(library).catch((error: unknown) => {
      throw new OptionError(`${path}: cannot read environment_kwargs.corpus: ${messageOf(error)}`, { cause: error });
    });
  // whole paths: who goes on with the run may be in another folder
  const whole = {
    environment_kwargs: { ...kwargs, ...(library !== undefined && { corpus: library }) },
    tool_modules: config.tool_modules.map(there),
  };
  return { config: { ...config, ...whole }, warnings };
}

/** @throws OptionError for a file that cannot be read, or is not JSON. */
export async function readJson(path: string, what: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new OptionError(`cannot read the ${what} ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new OptionError(`the ${what} ${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** The published JSON Schema of a configuration: `config.schema.json`. */
export const configJsonSchema = (): object => ({
  ...z.toJSONSchema(SynthesisConfig, { io: 'input' }),
  title: 'A configuration of millrace synthesize',
});
