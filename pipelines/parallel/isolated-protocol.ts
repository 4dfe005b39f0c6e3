/** To the worker. Values go as the structured clone algorithm copies them. */
export interface Ask {
  readonly id: number;
  readonly input: unknown;
  /** Of the task's record: request id, tenant, deadline, trace. */
  readonly context: unknown;
}

/** From the worker. */
export type Told =
  | { readonly isReady: true }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

/** A message of a worker. The code of a step can send there too: what is none of ours is undefined. */
export function toldIn(message: unknown): Told | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  if ('isReady' in message) return { isReady: true };
  if (!('id' in message) || typeof message.id !== 'number') return undefined;
  const { id } = message;
  if ('result' in message) return { id, result: message.result };
  if (!('error' in message) || typeof message.error !== 'object' || message.error === null) return undefined;
  const { name, message: text } = message.error as { readonly name?: unknown; readonly message?: unknown };
  return { id, error: { name: String(name), message: String(text) } };
}
