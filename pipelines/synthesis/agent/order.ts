import type { SearchApiOptions } from 'millrace/tools';

/** A server of the Model Context Protocol. What is secret is in the environment, under the names that stand here. */
export interface ServerOrder {
  readonly name: string;
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly url?: string | undefined;
  readonly headersEnv?: Readonly<Record<string, string>> | undefined;
  readonly tools?: readonly string[] | undefined;
}

/** What a process is told of the seed that it works on. */
export interface SeedOrder {
  readonly sourceId: string;
  /** The seed as a model reads it. */
  readonly topic: string;
  readonly mode: 'web' | 'math' | 'python';
  readonly tools: readonly string[];
  /** Files of modules that export further ones. */
  readonly modules: readonly string[];
  /** Servers that have further ones. */
  readonly servers: readonly ServerOrder[];
  /** For the tools of the web. */
  readonly web: {
    readonly topK: number;
    /** A folder, or a file of rows. */
    readonly corpus: string | undefined;
    readonly search: SearchApiOptions | undefined;
    readonly allow: readonly string[] | undefined;
  };
  readonly randomSeed: number;
  readonly maxDepth: number;
  readonly branchingFactor: number;
  /** Steps up to this depth have `branchingFactor` ways on, deeper ones have one. */
  readonly depthThreshold: number;
  readonly maxSteps: number;
  readonly maxTrajectories: number;
  readonly temperature: number;
  readonly maxAnswerTokens: number;
  /** Of all that was found, as much is shown to the model at once. */
  readonly promptChars: number;
  /** Of one tool's result, as much is kept. */
  readonly observationChars: number;
  readonly toolTimeoutMs: number;
  /** Whether a pair that a model answers without its evidence fails. */
  readonly closedBookCheck: boolean;
}
