import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type JsonSchemaObject, messageOf, OptionError } from 'millrace';
import { classifyTask } from './classify.ts';
import { embedTask } from './embed.ts';
import { extractTask } from './extract.ts';
import { keywordsTask } from './keywords.ts';
import { summarizeTask } from './summarize.ts';
import type { Task, TaskOptions } from './task.ts';
import { translateTask } from './translate.ts';

const forms = 'summarize, classify=a,b,c, keywords, translate=fr, embed, extract=schema.json';

/**
 * The task that a text names: `summarize`, `classify=a,b,c`, `keywords`, `translate=fr`, `embed`, `extract=schema.json`.
 * @throws OptionError for any other text, and for a schema that cannot be read or used.
 */
export async function parseTask(text: string, options: TaskOptions): Promise<Task> {
  const [, kind = '', value] = /^([a-z]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (value === undefined) {
    if (kind === 'summarize') return summarizeTask(options);
    if (kind === 'keywords') return keywordsTask(options);
    if (kind === 'embed') return embedTask();
  } else {
    const labels = value.split(',').map((one) => one.trim());
    if (kind === 'classify') return classifyTask(labels, options);
    if (kind === 'translate') return translateTask(value, options);
    if (kind === 'extract') return extractTask(basename(value), await schemaIn(value), options);
  }
  throw new OptionError(`a task must be one of ${forms}, got ${JSON.stringify(text)}`);
}

async function schemaIn(path: string): Promise<JsonSchemaObject> {
  try {
    const schema: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as JsonSchemaObject;
  } catch (error) {
    throw new OptionError(`task extract=${path} must name a file with a JSON Schema: ${messageOf(error)}`, { cause: error });
  }
  throw new OptionError(`task extract=${path} must name a file with a JSON Schema, got one that holds no object`);
}
