import { describe, expect, it } from 'vitest';
import { type OpenContext, sharedResource } from '../src/resource.ts';
import { virtualClock } from '../src/virtual-clock.ts';

function rig() {
  const asked: { readonly signal: AbortSignal; readonly succeed: () => void; closed: number }[] = [];
  const resource = sharedResource('pool', ({ signal }) => {
    const opening = Promise.withResolvers<undefined>();
    const one = {
      ...{ signal, closed: 0 },
      succeed: () => {
        opening.resolve(undefined);
      },
    };
    asked.push(one);
    signal.addEventListener('abort', () => {
      opening.reject(new DOMException('aborted', 'AbortError'));
    });
    return opening.promise.then(() => ({
      value: asked.length,
      close: () => {
        one.closed += 1;
        return Promise.resolve();
      },
    }));
  });
  const user = () => {
    const controller = new AbortController();
    const context: OpenContext = { clock: virtualClock(), signal: controller.signal, log: () => undefined };
    const opened = resource.open(context);
    opened.catch(() => undefined);
    return { opened, giveUp: () => controller.abort(new DOMException('enough', 'AbortError')) };
  };
  return { asked, user };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a shared resource', () => {
  it('is opened once, and closed by its last user', async () => {
    const { asked, user } = rig();
    const users = [user(), user()];
    await turn();
    asked[0]?.succeed();
    const [first, second] = await Promise.all(users.map(({ opened }) => opened));
    expect([asked.length, first?.value, second?.value]).toEqual([1, 1, 1]);
    await first?.close();
    await first?.close();
    expect([asked[0]?.closed, asked[0]?.signal.aborted]).toEqual([0, false]);
    await second?.close();
    expect([asked[0]?.closed, asked[0]?.signal.aborted]).toEqual([1, false]); // what is open is closed, not aborted
    const third = user();
    await turn();
    asked[1]?.succeed();
    expect((await third.opened).value).toBe(2);
  });

  it('goes on opening for the others when one gives up, whoever it was', async () => {
    const { asked, user } = rig();
    const [first, second] = [user(), user()];
    await turn();
    first.giveUp();
    await expect(first.opened).rejects.toThrow('enough');
    expect(asked[0]?.signal.aborted).toBe(false);
    asked[0]?.succeed();
    expect((await second.opened).value).toBe(1);
  });

  it('is aborted when nobody waits for it any more, and opened anew for who comes then', async () => {
    const { asked, user } = rig();
    const users = [user(), user()];
    await turn();
    for (const { giveUp } of users) giveUp();
    await Promise.all(users.map(({ opened }) => expect(opened).rejects.toThrow('enough')));
    expect(asked[0]?.signal.aborted).toBe(true);
    const next = user();
    await turn();
    asked[1]?.succeed();
    expect((await next.opened).value).toBe(2);
  });
});
