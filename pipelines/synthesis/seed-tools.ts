import {
  calculator,
  type Corpus,
  localCorpus,
  mcpTools,
  OptionError,
  pythonInterpreter,
  searchApi,
  type Tool,
  type ToolSource,
  toolsFrom,
  webSearch,
  webVisit,
} from 'millrace/tools';
import type { SeedOrder, ServerOrder } from './agent/order.ts';

/** The tools that a configuration may name, and how each is made. */
const makers: Readonly<Record<string, (order: SeedOrder, corpus: () => Promise<Corpus | undefined>) => Tool | Promise<Tool>>> = {
  calculator: () => calculator(),
  python_interpreter: () => pythonInterpreter(),
  web_search: async ({ web: { topK, search } }, corpus) =>
    webSearch({ topK, ...(search ? { search: searchApi(search) } : { corpus: await corpus() }) }),
  web_visit: async ({ web: { allow } }, corpus) => webVisit({ allow, corpus: await corpus() }),
};

/**
 * The tools of an order: those that it names, then those of modules and servers, all for the one seed. Closing ends what they hold.
 * @throws what keeps one of them from being had here; OptionError for two of one name.
 */
export async function seedTools(order: SeedOrder): Promise<ToolSource> {
  const sources: ToolSource[] = [];
  const close = async (): Promise<void> => {
    await Promise.allSettled(sources.map((source) => source.close()));
  };
  try {
    sources.push(await ownTools(order));
    for (const file of order.modules) sources.push(await toolsFrom(file));
    for (const server of order.servers) sources.push(await serverTools(server));
    const tools = sources.flatMap((source) => source.tools);
    const twice = tools.find(({ name }, at) => tools.findIndex((one) => one.name === name) < at);
    if (twice !== undefined) throw new OptionError(`two tools have the name ${twice.name}: rename one`);
    return { tools, leftOut: sources.flatMap((source) => source.leftOut), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ownTools(order: SeedOrder): Promise<ToolSource> {
  let read: Promise<Corpus> | undefined;
  const { corpus: path } = order.web;
  const corpus = (): Promise<Corpus | undefined> => (path === undefined ? Promise.resolve(undefined) : (read ??= localCorpus(path)));
  const tools: Tool[] = [];
  for (const name of order.tools) {
    const make = makers[name];
    if (make === undefined) throw new Error(`there is no tool ${name}: there are ${Object.keys(makers).join(', ')}`);
    tools.push(await make(order, corpus));
  }
  const close = async (): Promise<void> => {
    await Promise.allSettled(tools.map(async (tool) => tool.close?.()));
  };
  return { tools, leftOut: [], close };
}

function serverTools({ name, command, args, env = [], url, headersEnv = {}, tools }: ServerOrder): Promise<ToolSource> {
  const value = (variable: string): string => process.env[variable] ?? '';
  const seen = Object.fromEntries(['PATH', ...env].map((variable) => [variable, value(variable)]));
  const headers = Object.fromEntries(Object.entries(headersEnv).map(([header, variable]) => [header, value(variable)]));
  return mcpTools({ name, tools, ...(command === undefined ? { url, headers } : { command, args, env: seen }) });
}
