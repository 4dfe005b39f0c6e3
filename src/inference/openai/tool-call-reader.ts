import type { ToolCallPart } from '../model.ts';
import { isRecord } from './plain-errors.ts';

/** Of one answer; more calls than anybody makes. What is above is left out. */
const mostCalls = 128;

/**
 * Calls of tools as they come in pieces. Servers differ: some number no call, some give each of several the number 0 but an id of its own, some give arguments as an object, and the
 * oldest form has one call without id. Here they are numbered as they begin. Holds an id for each call.
 */
export class ToolCallReader {
  /** Of each call that has begun: the server's number for it, and its id. */
  readonly #begun: { readonly number: number | undefined; readonly id: string | undefined }[] = [];

  /** The pieces in a delta, or a message. */
  read(delta: unknown): readonly ToolCallPart[] {
    if (!isRecord(delta)) return [];
    const { tool_calls: calls, function_call: called } = delta;
    if (Array.isArray(calls))
      return calls
        .filter(isRecord)
        .flatMap((call, at) => this.#part(call, Number.isSafeInteger(call['index']) ? Number(call['index']) : at));
    return isRecord(called) ? this.#part({ function: called }, 0) : [];
  }

  #part(call: Readonly<Record<string, unknown>>, number: number): readonly ToolCallPart[] {
    const id = textIn(call['id']);
    const { name, arguments: given } = isRecord(call['function']) ? call['function'] : {};
    const index = this.#indexOf(number, id);
    if (index >= mostCalls) return [];
    const isNew = index === this.#begun.length;
    if (isNew) this.#begun.push({ number, id });
    const told = textIn(name);
    // some repeat id and name with each piece: clients would join the names
    return [
      {
        index,
        ...(isNew && id !== undefined ? { id } : {}),
        ...(isNew && told !== undefined ? { name: told } : {}),
        arguments: argumentsIn(given),
      },
    ];
  }

  #indexOf(number: number, id: string | undefined): number {
    const at = this.#begun.findLastIndex((one) => one.number === number && (id === undefined || one.id === id));
    return at >= 0 ? at : this.#begun.length;
  }
}

const textIn = (given: unknown): string | undefined => (typeof given === 'string' && given !== '' ? given : undefined);

const argumentsIn = (given: unknown): string => (typeof given === 'string' ? given : isRecord(given) ? JSON.stringify(given) : '');
