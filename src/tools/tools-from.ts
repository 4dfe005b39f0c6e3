import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isObject, type OptionNames, requireOptions } from '../check-options.ts';
import { isStreamError, messageOf, OptionError, requireText } from '../errors.ts';
import { type Tool, tool } from './tool.ts';
import type { ToolSource } from './tool-source.ts';

export interface ToolsFromOptions {
  /** The folder that a relative path begins at, such as that of a configuration file. @defaultValue the working directory */
  readonly folder?: string | undefined;
}

const names: OptionNames<ToolsFromOptions> = { folder: true };
const mostTools = 128;

/**
 * The tools of a module of one's own: what it exports as `tools` (a list), or else each of its exports, all of which must be tools then. They run in this process, with a signal and a budget to keep to, and with all
 * rights of it: a module is code, and is trusted.
 *
 * Holds the module, which Node keeps until the process ends; `close()` calls each tool's own, and `leftOut` is empty: what is no tool is an error.
 * @throws OptionError for a module that cannot be loaded, with what loading said, and for exports that are no tools, by their names.
 */
export async function toolsFrom(path: string, options: ToolsFromOptions = {}): Promise<ToolSource> {
  requireOptions('toolsFrom', options, names);
  requireText('toolsFrom.path', path);
  const file = path.startsWith('file:') ? fileURLToPath(path) : isAbsolute(path) ? path : resolve(options.folder ?? '.', path);
  const exported = (await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw new OptionError(`tools cannot be loaded from ${JSON.stringify(path)}: ${messageOf(cause)}`, { cause });
  })) as Readonly<Record<string, unknown>>;
  const tools = toolsOf(exported, path);
  let closing: Promise<void> | undefined;
  return { tools, leftOut: [], close: () => (closing ??= closeAll(tools)) };
}

function toolsOf(exported: Readonly<Record<string, unknown>>, path: string): readonly Tool[] {
  const { tools: list } = exported;
  if (list !== undefined && !Array.isArray(list)) throw new OptionError(`tools of ${path} must be a list of tools, got ${typeof list}`);
  const given: readonly (readonly [string, unknown])[] =
    list === undefined ? Object.entries(exported) : (list as readonly unknown[]).map((one, at) => [`tools[${String(at)}]`, one]);
  if (given.length === 0) throw new OptionError(`${path} must export tools, or a list of them as "tools", got none`);
  if (given.length > mostTools)
    throw new OptionError(`${path} must export at most ${String(mostTools)} tools, got ${String(given.length)}`);
  const tools = given.map(([name, one]) => checked(name, one, path, list === undefined));
  const twice = tools.find((one, at) => tools.findIndex(({ name }) => name === one.name) < at);
  if (twice !== undefined) throw new OptionError(`${path} has two tools with the name ${twice.name}`);
  return tools;
}

function checked(name: string, one: unknown, path: string, isExport: boolean): Tool {
  const hint = isExport ? '; put tools into a list, export const tools = […], and other exports are left alone' : '';
  if (!isObject(one)) {
    throw new OptionError(
      `${name} of ${path} must be a tool, { name, description, input, inputJsonSchema, run }, got ${typeof one}${hint}`,
    );
  }
  try {
    return tool(one as Tool);
  } catch (cause) {
    if (!isStreamError(cause)) throw cause;
    throw new OptionError(`${name} of ${path} is no tool: ${cause.message}${hint}`, { cause });
  }
}

async function closeAll(tools: readonly Tool[]): Promise<void> {
  const closed = await Promise.allSettled(tools.map(async (one) => one.close?.()));
  const failed = closed.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
