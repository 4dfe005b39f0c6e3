import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { InferenceError } from '../../errors.ts';

/** Whether a model is disposed of, and the calls that end with it. Holds those that run. */
export class Disposal {
  readonly #name: string;
  readonly #running = new Set<() => void>();
  #isOver = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** Passes a call on until the model is disposed of; from then on it fails at once. */
  until<T>(): MonoTypeOperatorFunction<T> {
    return (source) =>
      new Observable<T>((out) => {
        if (this.#isOver) {
          out.error(this.#error());
          return;
        }
        const fail = (): void => {
          out.error(this.#error());
        };
        this.#running.add(fail);
        out.add(() => {
          this.#running.delete(fail);
        });
        source.subscribe(out);
      });
  }

  end(): void {
    this.#isOver = true;
    for (const fail of [...this.#running]) fail();
  }

  #error(): InferenceError {
    return new InferenceError('model_unavailable', `model ${this.#name} was disposed of, or its resource is closed: open it again`);
  }
}
