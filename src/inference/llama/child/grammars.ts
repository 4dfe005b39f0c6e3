import type { LlamaGrammar } from 'node-llama-cpp';
import type { JsonSchema } from '../../model.ts';
import type { Engine } from './engine.ts';
import { type SchemaGrammar, schemaGrammar } from './schema-grammar.ts';

const maxGrammars = 32;

/** Keeps the grammars of the last 32 schemas: a pipeline asks with the same few again and again. */
export class Grammars {
  readonly #engine: Engine;
  readonly #known = new Map<string, Promise<SchemaGrammar & { readonly native: LlamaGrammar }>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async for(schema: JsonSchema): Promise<SchemaGrammar & { readonly native: LlamaGrammar }> {
    const key = JSON.stringify(schema);
    const compiled = this.#known.get(key) ?? this.#compile(schema);
    this.#known.delete(key); // to the end: the first is the one that was not used for longest
    this.#known.set(key, compiled);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > maxGrammars) this.#known.delete(oldest);
    return compiled;
  }

  async #compile(schema: JsonSchema): Promise<SchemaGrammar & { readonly native: LlamaGrammar }> {
    const compiled = schemaGrammar(schema);
    return { ...compiled, native: await this.#engine.llama.createGrammar({ grammar: compiled.grammar }) };
  }
}
