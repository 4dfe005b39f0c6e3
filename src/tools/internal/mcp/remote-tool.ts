import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isObject } from '../../../check-options.ts';
import { ToolError } from '../../../errors.ts';

/** What a server says of a tool. */
export interface RemoteTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** What a server answers to a call. */
export interface RemoteResult {
  readonly content: readonly { readonly type: string; readonly [key: string]: unknown }[];
  readonly structuredContent?: Readonly<Record<string, unknown>> | undefined;
  readonly isError?: boolean | undefined;
}

const longestName = 64;
const longestDescription = 1_024;
const mostSchemaChars = 16 * 1024;
const deepestSchema = 32;
const deepestInput = 64;
const mostInputChars = 64 * 1024;

/** The tool's name here, or why it cannot have one. */
export function nameOf(
  prefix: string,
  { name }: RemoteTool,
  taken: ReadonlySet<string>,
): { readonly name: string } | { readonly why: string } {
  const own = `${prefix}_${name.replaceAll(/\W/g, '_')}`;
  if (own.length > longestName) return { why: `its name is longer than ${String(longestName)} characters with its prefix` };
  return taken.has(own) ? { why: `another one is ${own} here, too` } : { name: own };
}

export function descriptionOf({ name, title, description }: RemoteTool): string {
  const text = (description ?? title ?? '').replaceAll(/\s+/g, ' ').trim();
  return (text === '' ? `The tool ${name}.` : text).slice(0, longestDescription).toWellFormed();
}

/** Why a schema is too much for a prompt, or for those that walk through it. */
export function whyTooMuch(schema: Readonly<Record<string, unknown>>): string | undefined {
  // first, as what writes JSON goes as deep as it is told to
  if (isDeeper(schema, deepestSchema)) return `its schema is nested more than ${String(deepestSchema)} deep`;
  return JSON.stringify(schema).length > mostSchemaChars ? `its schema is longer than ${String(mostSchemaChars)} characters` : undefined;
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((one) => isDeeper(one, depth - 1));
}

/** What is certainly wrong is told before it is sent: no object, too long, a required field missing, an unknown one. The rest is the server's to judge, which knows its schema. */
export function remoteInput(schema: Readonly<Record<string, unknown>>): StandardSchemaV1<unknown, Readonly<Record<string, unknown>>> {
  const { required, properties, additionalProperties } = schema;
  const wanted = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
  const known = additionalProperties === false && isObject(properties) ? new Set(Object.keys(properties as object)) : undefined;
  const issuesOf = (value: object): readonly StandardSchemaV1.Issue[] => [
    ...wanted.filter((name) => !Object.hasOwn(value, name)).map((name) => ({ message: 'expected a value, got none', path: [name] })),
    ...Object.keys(value)
      .filter((name) => known?.has(name) === false)
      .map((name) => ({ message: `unknown field; there are ${[...(known ?? [])].join(', ')}`, path: [name] })),
  ];
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace',
      validate: (value) => {
        if (!isObject(value)) return { issues: [{ message: 'expected an object' }] };
        if (isDeeper(value, deepestInput)) return { issues: [{ message: `expected at most ${String(deepestInput)} levels` }] };
        if (JSON.stringify(value).length > mostInputChars)
          return { issues: [{ message: `expected at most ${String(mostInputChars)} characters as JSON` }] };
        const issues = issuesOf(value as object);
        return issues.length > 0 ? { issues } : { value: value as Readonly<Record<string, unknown>> };
      },
    },
  };
}

/** The texts of an answer; of pictures and sounds that they are there. @throws ToolError `tool_failed` where the server says that it is an error */
export function textOfResult(name: string, { content, structuredContent, isError = false }: RemoteResult): string {
  const texts = content.map(textOfPart).filter((text) => text !== '');
  const text = texts.length === 0 && structuredContent !== undefined ? JSON.stringify(structuredContent) : texts.join('\n');
  if (isError)
    throw new ToolError('tool_failed', `${name}: ${text === '' ? 'the server says that it failed' : text.slice(0, 2_000).toWellFormed()}`);
  return text === '' ? '[it answered nothing]' : text;
}

function textOfPart(part: RemoteResult['content'][number]): string {
  if (part.type === 'text' && typeof part['text'] === 'string') return part['text'];
  const { resource } = part;
  if (
    part.type === 'resource' &&
    typeof resource === 'object' &&
    resource !== null &&
    'text' in resource &&
    typeof resource.text === 'string'
  ) {
    return resource.text;
  }
  if (part.type === 'resource_link') return `[a resource: ${String(part['uri']).slice(0, 2_000)}]`;
  return `[${part.type === 'image' || part.type === 'audio' ? part.type : 'a part'} is left out]`;
}
