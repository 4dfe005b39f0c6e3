import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { ApiError } from './openai/api-error.ts';
import { EventStream, eventText } from './event-stream.ts';
import type { GenerationChunk, GenerationEnd, GenerationEvent, GenerationFailure } from './generation.state.ts';
import type { Reading } from './generations.ts';
import { SaidAgain } from './said-again.state.ts';

/** How an answer is written. */
export interface StreamFormat {
  readonly headers: Readonly<Record<string, string>>;
  /** Written with the head, before anything has come; undefined: the head waits for the first event, so that an error may still have its status. */
  readonly opening: string | undefined;
  readonly chunk: (chunk: GenerationChunk) => string;
  readonly end: (end: GenerationEnd) => string;
  readonly failure: (failure: GenerationFailure) => string;
  /** Instead of events, as long as nothing was written. */
  readonly refusal: ((failure: GenerationFailure) => ApiError) | undefined;
  /** Closes it without an event: what the reader asks for is not there any more. */
  readonly lost: string;
  /** Whether readers put an answer that begins anew in the place of what they have. Else they get what is new in it, or a failure where it is another one. */
  readonly replaces: boolean;
}

export interface StreamLimits {
  readonly clock: Clock;
  readonly slowReaderMs: number;
  readonly heartbeatMs: number;
  /** How long the head waits for the first event. */
  readonly headWithinMs: number;
}

const done = eventText('[DONE]');

const another: Pick<GenerationFailure, 'kind' | 'code' | 'message' | 'retryAfterMs'> = {
  kind: 'error',
  code: 'model_crashed',
  message: 'the worker of this answer died, and the one that answers now says something else: ask again',
  retryAfterMs: undefined,
};

/** For readers that cannot replace what they have. */
function continued(): (event: GenerationEvent) => GenerationEvent | undefined {
  const said = new SaidAgain();
  let attempt = 1;
  let hasCalled = false; // pieces of calls are not held against what comes again
  return (event) => {
    if (event.attempt > attempt) {
      if (hasCalled) return { ...another, number: event.number, attempt: event.attempt };
      said.restart();
    }
    ({ attempt } = event);
    const { number } = event;
    if (event.kind === 'end') return said.isWhole ? event : { ...another, number, attempt };
    if (event.kind === 'error') return event;
    if (event.toolCalls !== undefined) hasCalled = true;
    const text = said.push(event.text);
    if (text === undefined) return { ...another, number, attempt };
    if (text === event.text) return event;
    return text === '' && event.toolCalls === undefined ? undefined : { ...event, text, logProbabilities: [] };
  };
}

/**
 * Writes an answer as server-sent events while it comes, as quickly as its reader takes it: what it does not take stays with the generation, and what that
 * does not keep is lost to it. Gives the reading up when the reader leaves.
 */
export function streamAnswer(
  response: ServerResponse,
  read: (onMore: () => void) => Reading,
  format: StreamFormat,
  { clock, slowReaderMs, heartbeatMs, headWithinMs }: StreamLimits,
  told: { readonly refuse: (error: ApiError) => void; readonly closed: (how: 'whole' | 'gone' | 'slow') => void },
): void {
  const stream = new EventStream(response, {
    ...{ clock, slowReaderMs, heartbeatMs, headers: format.headers },
    onDrain: () => flow(),
    onClose: (how) => {
      cancelHead();
      reading.leave();
      told.closed(how);
    },
  });
  let isBegun = false;
  const begin = (): void => {
    if (isBegun) return;
    isBegun = true;
    stream.open();
    if (format.opening !== undefined) stream.write(format.opening);
  };
  const toReader = format.replaces ? (event: GenerationEvent) => event : continued();
  const write = (came: GenerationEvent): boolean => {
    const event = toReader(came);
    if (event === undefined) return true;
    if (event.kind === 'error' && !isBegun && format.refusal) {
      told.refuse(format.refusal(event));
      return false;
    }
    begin();
    if (event.kind === 'chunk') stream.write(format.chunk(event));
    else stream.write((event.kind === 'end' ? format.end(event) : format.failure(event)) + done);
    return event.kind === 'chunk';
  };
  let isOver = false;
  const finish = (text: string): void => {
    isOver = true;
    begin();
    stream.write(text + done);
    stream.end();
  };
  const flow = (): void => {
    while (!isOver && stream.isOpen && !stream.isFull) {
      const events = reading.take();
      const isLost = events === 'lost';
      if (isLost || (events.length === 0 && reading.isOver())) finish(isLost ? format.lost : ''); // or who comes again behind the last event
      if (isLost || events.length === 0) return;
      isOver = !events.every(write); // stops at the last
      if (isOver && isBegun) stream.end();
    }
  };
  const cancelHead = clock.schedule(headWithinMs, begin);
  const reading = read(() => flow());
  if (format.refusal === undefined) begin();
  flow();
}

/** All that comes of it, to its end. */
export function readToEnd(read: (onMore: () => void) => Reading, signal: AbortSignal): Promise<readonly GenerationEvent[]> {
  return new Promise((resolve, reject) => {
    const all: GenerationEvent[] = [];
    const look = (): void => {
      for (;;) {
        const events = reading.take();
        if (events === 'lost') {
          reject(new Error('the answer is longer than what is kept of it'));
          return;
        }
        if (events.length === 0) return;
        if (events.some(({ attempt }) => attempt !== all.at(-1)?.attempt)) all.length = 0;
        all.push(...events);
        if (events.at(-1)?.kind !== 'chunk') {
          reading.leave();
          resolve(all);
          return;
        }
      }
    };
    const reading = read(() => look());
    signal.addEventListener(
      'abort',
      () => {
        reading.leave();
        reject(new DOMException('the client has gone', 'AbortError'));
      },
      { once: true },
    );
    look();
  });
}
