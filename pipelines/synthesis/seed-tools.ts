import { calculator, pythonInterpreter, type Tool } from 'millrace/tools';
import type { SeedOrder } from './agent/order.ts';

/** The tools that a configuration may name, and how each is made. */
const makers: Readonly<Record<string, (order: SeedOrder) => Tool | Promise<Tool>>> = {
  calculator: () => calculator(),
  python_interpreter: () => pythonInterpreter(),
};

/** The tools of an order, in its order. @throws what keeps one of them from being had here. */
export async function seedTools(order: SeedOrder): Promise<readonly Tool[]> {
  const tools: Tool[] = [];
  for (const name of order.tools) {
    const make = makers[name];
    if (make === undefined) throw new Error(`there is no tool ${name}: there are ${Object.keys(makers).join(', ')}`);
    tools.push(await make(order));
  }
  return tools;
}
