import { calculator, type Corpus, localCorpus, pythonInterpreter, searchApi, type Tool, webSearch, webVisit } from 'millrace/tools';
import type { SeedOrder } from './agent/order.ts';

/** The tools that a configuration may name, and how each is made. */
const makers: Readonly<Record<string, (order: SeedOrder, corpus: () => Promise<Corpus | undefined>) => Tool | Promise<Tool>>> = {
  calculator: () => calculator(),
  python_interpreter: () => pythonInterpreter(),
  web_search: async ({ web: { topK, search } }, corpus) =>
    webSearch({ topK, ...(search ? { search: searchApi(search) } : { corpus: await corpus() }) }),
  web_visit: async ({ web: { allow } }, corpus) => webVisit({ allow, corpus: await corpus() }),
};

/** The tools of an order, in its order. @throws what keeps one of them from being had here. */
export async function seedTools(order: SeedOrder): Promise<readonly Tool[]> {
  let read: Promise<Corpus> | undefined;
  const { corpus: path } = order.web;
  const corpus = (): Promise<Corpus | undefined> => (path === undefined ? Promise.resolve(undefined) : (read ??= localCorpus(path)));
  const tools: Tool[] = [];
  for (const name of order.tools) {
    const make = makers[name];
    if (make === undefined) throw new Error(`there is no tool ${name}: there are ${Object.keys(makers).join(', ')}`);
    tools.push(await make(order, corpus));
  }
  return tools;
}
