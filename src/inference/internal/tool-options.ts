import { isObject, requireBoolean } from '../../check-options.ts';
import { OptionError } from '../../errors.ts';
import type { ChatOptions, ModelTool } from '../model.ts';

const mostTools = 128; // what OpenAI's servers take
const nameForm = /^[\w-]{1,64}$/;

type ToolOptions = Pick<ChatOptions, 'tools' | 'toolChoice' | 'parallelToolCalls'>;

/** @throws OptionError for tools that are none, a choice that is not among them, and tools where an answer is no chat's. */
export function requireTools({ tools, toolChoice, parallelToolCalls }: ToolOptions, of: 'chat' | 'complete' | 'answer'): void {
  if (tools === undefined) {
    if (toolChoice !== undefined || parallelToolCalls !== undefined)
      throw new OptionError(
        'toolChoice and parallelToolCalls say how tools are chosen, but no tools were given: leave them out, or give tools',
      );
    return;
  }
  if (of === 'complete') throw new OptionError('complete takes no tools: use chat');
  if (!Array.isArray(tools) || tools.length === 0 || tools.length > mostTools)
    throw new OptionError(`tools must be a list of 1 to ${String(mostTools)}`);
  tools.forEach(requireTool);
  const names = new Set((tools as readonly ModelTool[]).map(({ name }) => name));
  if (names.size < tools.length) throw new OptionError('the names of tools must be different');
  if (parallelToolCalls !== undefined) requireBoolean('parallelToolCalls', parallelToolCalls);
  if (toolChoice === undefined || toolChoice === 'auto' || toolChoice === 'none' || toolChoice === 'required') return;
  if (!isObject(toolChoice) || !names.has(toolChoice.name))
    throw new OptionError(
      `toolChoice must be 'auto', 'none', 'required', or { name } of one of the tools, got ${JSON.stringify(toolChoice)}`,
    );
}

function requireTool(tool: unknown, index: number): void {
  const { name, description, parameters, strict } = (isObject(tool) ? tool : {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || !nameForm.test(name))
    throw new OptionError(`tools[${String(index)}].name must be 1 to 64 letters, digits, _ and -, got ${JSON.stringify(name)}`);
  if (description !== undefined && typeof description !== 'string')
    throw new OptionError(`tools[${String(index)}].description must be text`);
  if (strict !== undefined) requireBoolean(`tools[${String(index)}].strict`, strict);
  if (parameters !== undefined && (!isObject(parameters) || Array.isArray(parameters)))
    throw new OptionError(`tools[${String(index)}].parameters must be a JSON Schema as an object`);
}

/** The options of these names, as they were given. */
export const toolsOf = ({ tools, toolChoice, parallelToolCalls }: ToolOptions): ToolOptions => ({
  ...(tools === undefined ? {} : { tools: [...tools] }),
  ...(toolChoice === undefined ? {} : { toolChoice }),
  ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
});
