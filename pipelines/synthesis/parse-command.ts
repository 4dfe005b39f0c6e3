import { OptionError } from 'millrace';
import { shippedConfig, shippedModes } from './shipped-config.ts';

/** What a command line asks for. */
export type Asked =
  | { readonly kind: 'begin'; readonly config: string; readonly seeds: string; readonly out: string }
  | { readonly kind: 'go-on'; readonly out: string; readonly which: 'open' | 'failed' };

interface Given {
  readonly config?: string | undefined;
  readonly seeds?: string | undefined;
  readonly outputDir?: string | undefined;
  readonly resume?: string | undefined;
  readonly retryFailed?: string | undefined;
}

const usualOut = 'synthesis_results';
const forms =
  'millrace synthesize --config C --seeds S [--output-dir DIR], synthesize web|math|python SEEDS [OUT], or synthesize custom CONFIG SEEDS [OUT]';

/** The long form, the short ones, and going on. @throws OptionError for what is none of them, with all forms. */
export function parseCommand(args: readonly string[], { config, seeds, outputDir, resume, retryFailed }: Given): Asked {
  const wrong = (what: string): OptionError => new OptionError(`${what}; expected ${forms}`);
  const [first, ...rest] = args;
  const again = resume ?? retryFailed;
  if (again !== undefined) {
    const other = resume !== undefined && retryFailed !== undefined;
    if (other || config !== undefined || seeds !== undefined || outputDir !== undefined || first !== undefined)
      throw wrong('--resume DIR and --retry-failed DIR stand alone, as the run has its configuration and seeds');
    return { kind: 'go-on', out: again, which: resume === undefined ? 'failed' : 'open' };
  }
  if (first === undefined) {
    if (config === undefined) throw wrong('nothing says what to do: no --config was given');
    if (seeds === undefined) throw wrong('--seeds must name a JSON file of seeds, or topic:NAME');
    return { kind: 'begin', config, seeds, out: outputDir ?? usualOut };
  }
  if (config !== undefined || seeds !== undefined) throw wrong(`--config and --seeds are for the long form, got ${first}, too`);
  const files = first === 'custom' ? rest : [modeConfig(first, wrong), ...rest];
  const [file, entities, out, ...more] = files;
  if (file === undefined || entities === undefined)
    throw wrong(`synthesize ${first} needs ${first === 'custom' && file === undefined ? 'CONFIG and ' : ''}SEEDS`);
  if (more.length > 0 || (out !== undefined && outputDir !== undefined))
    throw wrong(`there is more than one folder for the results: ${[out, outputDir, ...more].join(', ')}`);
  return { kind: 'begin', config: file, seeds: entities, out: out ?? outputDir ?? usualOut };
}

function modeConfig(given: string, wrong: (what: string) => OptionError): string {
  const mode = shippedModes.find((one) => one === given);
  if (mode === undefined) throw wrong(`there is no mode ${JSON.stringify(given)}`);
  return shippedConfig(mode);
}
