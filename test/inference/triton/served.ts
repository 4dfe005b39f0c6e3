import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { type Mock, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { Model, Tensor } from '../../../src/inference/model.ts';
import { triton } from '../../../src/inference/triton/triton.ts';
import type { TritonOptions } from '../../../src/inference/triton/triton-options.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { startTritonServer, type TritonReply, type TritonServerOptions } from '../../helpers/inference/triton-server.ts';

export const apiKey = 'sk-very-secret-0123456789';

/** A model, opened, on a server of its own. */
export async function served(options: Partial<TritonOptions> = {}, server: TritonServerOptions = {}) {
  const far = await startTritonServer(server);
  const log: Mock = vi.fn();
  const { value, close } = await triton({ url: far.url, model: 'toy', apiKey, ...options }).open({
    clock: systemClock,
    signal: new AbortController().signal,
    log,
  });
  onTestFinished(async () => {
    await close();
    await far.close();
  });
  return { model: value, far, log };
}

export const inferred = async (model: Model, ...inputs: readonly Tensor[]) => (await lastValueFrom(model.infer(inputs))).outputs;
export const all = <T>(call: Observable<T>): Promise<T[]> => lastValueFrom(call.pipe(toArray()));
/** How a call fails. */
export const failing = (call: Observable<unknown>) => failureOf(lastValueFrom(call));
export const asked = (far: Awaited<ReturnType<typeof startTritonServer>>) => far.requests.filter(({ path }) => path.endsWith('/infer'));

/** An error as the protocol has it. */
export const said = (status: number, error: string, headers = {}): TritonReply => ({ status, body: JSON.stringify({ error }), headers });
