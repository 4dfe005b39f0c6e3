import type { Clock, Log, Transport } from 'millrace';
import type { DocumentSource } from 'millrace';
import type { DocumentResult } from './document.ts';
import type { NamedResource } from './pipeline.ts';
import type { DocumentsSettings } from './settings.ts';
import type { Task } from './tasks/task.ts';

export interface RunDocumentsOptions extends DocumentsSettings {
  /** Read as there is room for more. */
  readonly input: AsyncIterable<DocumentSource>;
  /** At least one. */
  readonly tasks: readonly Task[];
  /** The first one's answers count; others are asked beside it, and compared. */
  readonly models: readonly [NamedResource, ...NamedResource[]];
  /** Answers where those cannot. @defaultValue none */
  readonly fallback?: NamedResource | undefined;
  /** The folder of answers and journal; made where it is missing. */
  readonly out: string;
  /** Limits for models that set none of their own. @defaultValue none */
  readonly isLimited?: boolean;
  /** @defaultValue an embedded broker */
  readonly transport?: Transport;
  /** Goes before the names of topics and group. @defaultValue '' */
  readonly prefix?: string;
  /** @defaultValue the system clock */
  readonly clock?: Clock;
  /** @defaultValue none */
  readonly log?: Log;
  /** Finishes what is in flight, and ends. @defaultValue none */
  readonly signal?: AbortSignal;
  /** Told of each answer, in the order in which they are written. @defaultValue nobody */
  readonly onAnswer?: (result: DocumentResult) => void;
  /** Told of each call that a model has answered. @defaultValue nobody */
  readonly onCall?: () => void;
  /** Told how many documents there are, when the input has come to its end. @defaultValue nobody */
  readonly onTotal?: (documents: number) => void;
  /** Told of what does not work at present. @defaultValue nobody */
  readonly onTroubles?: (troubles: readonly string[]) => void;
  /** Told twice a second what holds the run up, and until when, in words. @defaultValue nobody */
  readonly onWaits?: (waits: readonly string[]) => void;
  /** Told, before the run rejects, how far one that had begun has come; not where another run has the folder. @defaultValue nobody */
  readonly onFailure?: (summary: DocumentsSummary) => void;
}

export interface DocumentsSummary {
  /** Documents that were taken from the input. */
  readonly documents: number;
  readonly success: number;
  /** Of these, with a partial answer. */
  readonly partial: number;
  readonly error: number;
  /** Without an answer, since the run was interrupted. */
  readonly unanswered: number;
  readonly calls: number;
  readonly fromJournal: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What held the run up, and how long, in ms: a limit of tokens, a service that asks for less, a model that was away. */
  readonly waits: readonly { readonly reason: string; readonly ms: number }[];
  /** Whether the input came to its end, and every document has an answer. */
  readonly isComplete: boolean;
  /** Where the answers are: `results.jsonl`, or `results.part.jsonl` where the run is not complete; undefined where it had not begun. */
  readonly results: string | undefined;
}
