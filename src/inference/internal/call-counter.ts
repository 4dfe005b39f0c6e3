import { defer, finalize, type MonoTypeOperatorFunction } from 'rxjs';
import type { ModelState } from '../model.ts';

/** How many calls run, for back ends that do not say how busy they are. */
export class CallCounter {
  #running = 0;

  counted<T>(): MonoTypeOperatorFunction<T> {
    return (source) =>
      defer(() => {
        this.#running += 1;
        return source.pipe(
          finalize(() => {
            this.#running -= 1;
          }),
        );
      });
  }

  state(): ModelState {
    return { running: this.#running, waiting: 0, slots: undefined };
  }
}
