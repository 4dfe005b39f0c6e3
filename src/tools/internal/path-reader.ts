import { OptionError } from '../../errors.ts';

export type PathReader = (value: unknown) => unknown;

/**
 * What stands at a path such as `web.results` or `data[0].hits` in parsed JSON; undefined where there is nothing. An empty path is the value itself.
 * @throws OptionError for what is no path
 */
export function pathReader(name: string, path: unknown): PathReader {
  if (typeof path !== 'string' || !/^([^.[\]]+(\[\d+\])*(\.[^.[\]]+(\[\d+\])*)*)?$/.test(path)) {
    throw new OptionError(`${name} must be a path such as web.results or data[0].hits, got ${JSON.stringify(path)}`);
  }
  const steps = path === '' ? [] : path.split(/[.[\]]+/).filter((step) => step !== '');
  return (value) => {
    let at = value;
    for (const step of steps) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
      at = Reflect.get(at, step) as unknown;
    }
    return at;
  };
}
