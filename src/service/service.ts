import type { Observable } from 'rxjs';
import type { GenerationEvent } from './generation.state.ts';
import type { GenerationRequest } from './generate-routes.ts';
import type { ServiceReport } from './health-routes.ts';

/** Models that are served over HTTP. */
export interface Service {
  /** `http://HOST:PORT`. */
  readonly url: string;
  /** How busy it is. */
  state(): Promise<ServiceReport>;
  /** Begins an answer as `/v1/generate` does, and gives its id. @throws OverloadError when there is no room for it. */
  startGeneration(request: GenerationRequest): string;
  /**
   * An answer's events, from behind the number given, to its end or error event. Cold: each subscription reads for itself. Errors with `call_failed` where there is none
   * of this id, or some of its events are not kept any more.
   */
  results(id: string, after?: number): Observable<GenerationEvent>;
  /** Takes nothing new, waits for what runs up to the deadline (@defaultValue 30,000), ends the rest with an error event, and closes. */
  drain(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Ends what runs, and closes port and models. Idempotent. */
  close(): Promise<void>;
}
