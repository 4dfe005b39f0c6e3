import { isObservable, Observable, type Subscriber, type Subscription } from 'rxjs';
import { PipelineError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Envelope, isReuse } from '../record/envelope.ts';

export interface StreamOptions {
  readonly pipeline: Pipeline;
  readonly resources: Readonly<Record<string, unknown>>;
  /** Takes each envelope that reached the end. */
  readonly output: (envelope: Envelope<unknown, unknown>) => void;
  /** The stream ended: an error, or undefined for completion. Not told after `stop`. */
  readonly ended: (error: unknown) => void;
}

/** One subscription of a pipeline's `process`: something to emit into, and its end. */
export class Stream {
  readonly #options: StreamOptions;
  #in: Subscriber<Envelope<unknown, unknown>> | undefined;
  #subscription: Subscription | undefined;
  #over = false;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Builds and subscribes. What `process` throws while it builds the stream is told to `ended`. */
  start(): void {
    const { pipeline, resources, output } = this.#options;
    const source = new Observable<Envelope<unknown, unknown>>((subscriber) => {
      if (this.#in) {
        subscriber.error(
          new PipelineError(
            'pipeline_threw',
            `process of ${pipeline.name} subscribes twice to its source; one envelope cannot take two ways, use split`,
          ),
        );
        return;
      }
      this.#in = subscriber;
    });
    try {
      const built: unknown = pipeline.process(source as never, resources as never);
      if (!isObservable(built)) {
        const text = `process of ${pipeline.name} must return the Observable it has built, got ${typeof built}: is a return missing?`;
        throw new PipelineError('pipeline_threw', text);
      }
      const subscription = (built as Observable<Envelope<unknown, unknown>>).subscribe({
        next: (envelope) => {
          try {
            output(envelope);
          } catch (error) {
            if (!isReuse(error)) this.#end(error); // RxJS would throw it at nobody, from a timer
          }
        },
        error: (error: unknown) => {
          this.#end(error);
        },
        complete: () => {
          this.#end(undefined);
        },
      });
      this.#subscription = subscription;
      if (this.#over)
        subscription.unsubscribe(); // it ended while it was subscribed to
      else if (!this.#in) this.#end(new PipelineError('pipeline_threw', `process of ${pipeline.name} does not subscribe to its source`));
    } catch (error) {
      this.#end(error);
    }
  }

  emit(envelope: Envelope<unknown, unknown>): void {
    if (this.#in && !this.#in.closed) this.#in.next(envelope);
    else this.#end(undefined); // the pipeline left its source and kept its output open
  }

  /** Says that nothing more comes; operators send what they hold. */
  complete(): void {
    this.#in?.complete();
  }

  /** Unsubscribes: calls are aborted. */
  stop(): void {
    this.#over = true;
    this.#subscription?.unsubscribe();
  }

  #end(error: unknown): void {
    if (this.#over) return;
    this.stop();
    this.#options.ended(error);
  }
}
