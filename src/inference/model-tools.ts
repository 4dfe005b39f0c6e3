/** A function that a model may ask for. Who asked the model calls it, or not; nothing here does. */
export interface ModelTool {
  /** 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  /** For the model: what it does. */
  readonly description?: string;
  /** JSON Schema of its arguments. @defaultValue none are taken */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Whether arguments have to obey the schema, where the server can see to that. */
  readonly strict?: boolean;
}

/** `auto`: the model decides; `none`: it answers in text; `required`: it calls one at least; a name: it calls that one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** A call that a model has asked for. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, as the model wrote it: nobody has checked it. */
  readonly arguments: string;
}

/** A piece of a call, as it comes: the first of each has id and name, the arguments of all make its JSON. */
export interface ToolCallPart {
  /** Which call of the answer: 0, 1, … */
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
}
