/** To the worker. Values go as the structured clone algorithm copies them. */
export interface Ask {
  readonly id: number;
  readonly input: unknown;
  /** Of the task's record: request id, tenant, deadline, trace. */
  readonly context: unknown;
}

/** From the worker. */
export type Told =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };
