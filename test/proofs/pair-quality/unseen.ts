import type { ScriptedCall } from '../../../src/inference/scripted/script.ts';
import type { Fault } from './pairs.ts';

/** A pair, and what a person says to it who writes in sentences: with the evidence (`null`: it is not in there), and without (left out: they do not know). */
interface Row {
  readonly evidence: string;
  readonly question: string;
  readonly answer: string;
  readonly reads: string | null;
  readonly knows?: string;
  /** Whether that person says that `reads`, or `knows`, and the answer are one. */
  readonly isSame?: false;
  readonly fault?: Fault;
}

const canal = 'Ferdinand de Lesseps had the Suez Canal dug from 1859 to 1869. It is 193 km long since it was made deeper.';
const penguin = 'The little penguin is some 33 cm tall. Male emperor penguins keep the egg on their feet for about 65 days.';
const danube = 'The Danube, the second longest river of Europe, runs 2,850 km to the Black Sea. Its delta is World Heritage since 1991.';
const moon = 'Lunokhod 2 drove 39 km. Richard Garriott bought it at an auction in 1993, though it stands on the Moon.';
const chess = 'Wilhelm Steinitz, born in Prague in 1836, won by ten wins to five. He died in New York in 1900.';
const mill =
  'In the mill, the wheel turns at 12 rounds a minute in summer and at 9 in winter. At night it is -5 degrees in there. 12 % of the flour is bran.';

/** Written after the checks, by other ways of saying things than those that the checks were built with. */
const rows: readonly Row[] = [
  { evidence: canal, question: 'For how many years was the Suez Canal dug?', answer: 'ten', reads: 'It took them 10 years.' },
  {
    evidence: canal,
    question: 'How long, in km, is the Suez Canal since it was made deeper?',
    answer: '193 km',
    reads: 'One hundred and ninety-three km',
  },
  {
    evidence: canal,
    question: 'Who had the Suez Canal dug?',
    answer: 'Ferdinand de Lesseps',
    reads: 'de Lesseps did, Ferdinand de Lesseps',
  },
  { evidence: penguin, question: 'How tall is the little penguin, in centimetres?', answer: '33', reads: 'about thirty-three' },
  { evidence: danube, question: 'How many km does the Danube run to the sea?', answer: '2850', reads: '2,850 km.' },
  {
    evidence: danube,
    question: 'Since which year is the delta World Heritage?',
    answer: '1991',
    reads: 'nineteen ninety-one',
    knows: 'It was 1986, I think.',
  },
  { evidence: moon, question: 'Who bought a rover that stands on the Moon?', answer: 'Richard Garriott', reads: 'Mr. Garriott' },
  { evidence: moon, question: 'How far did Lunokhod 2 drive?', answer: '39 km', reads: '39 kilometres' },
  { evidence: chess, question: 'Where was Steinitz born?', answer: 'Prague', reads: 'in the city of Prague' },
  { evidence: chess, question: 'In which new match town of the Duke of York did Steinitz die?', answer: 'New York', reads: 'New York' },
  {
    evidence: chess,
    question: 'How old did Steinitz become, at most?',
    answer: '64',
    reads: 'He died in the year in which he was to be sixty-four.',
  },
  { evidence: mill, question: 'How many rounds a minute does the wheel turn in summer?', answer: '12', reads: 'twelve' },
  { evidence: mill, question: 'How many rounds a minute does the wheel turn in winter?', answer: '9', reads: 'nine' },
  { evidence: mill, question: 'How cold is it at night in the mill, in degrees?', answer: '-5', reads: 'minus five' },
  { evidence: mill, question: 'Which share of the flour is bran?', answer: '12 %', reads: '0.12' },
  { evidence: mill, question: 'Does the wheel turn faster in summer than in winter?', answer: 'yes', reads: 'Yes.' },
  { evidence: mill, question: 'Does the wheel turn slower in winter than in summer, at 9 rounds?', answer: 'yes', reads: 'Yes, it does.' },
  { evidence: '多瑙河流经十个国家。', question: '哪条河流经十个国家？', answer: '多瑙河', reads: '多瑙河。' },
  // the answer is in the question, in other words or another form
  {
    evidence: danube,
    question: 'Since when, nineteen ninety-one or later, is the delta a site of the world?',
    answer: '1991',
    reads: '1991',
    fault: 'closed_book',
  },
  { evidence: danube, question: 'Which river has the Danubian delta?', answer: 'the Danube', reads: 'the Danube', fault: 'closed_book' },
  {
    evidence: canal,
    question: 'Which de Lesseps, Ferdinand by name, built canals?',
    answer: 'Ferdinand de Lesseps',
    reads: 'Ferdinand de Lesseps',
    fault: 'closed_book',
  },
  {
    evidence: danube,
    question: 'Which sea, of the colour of coal, does the Danube reach?',
    answer: 'the Black Sea',
    reads: 'the Black Sea',
    knows: 'That must be the Black Sea.',
    fault: 'closed_book',
  },
  {
    evidence: penguin,
    question: 'The egg is kept for sixty-five days: how many are that?',
    answer: '65',
    reads: '65',
    knows: '65, it says so',
    fault: 'closed_book',
  },
  { evidence: '多瑙河流经维也纳。', question: '多瑙河是哪条流经维也纳的河？', answer: '多瑙河', reads: '多瑙河', fault: 'closed_book' },
  // what the evidence says is something else, or nothing
  { evidence: canal, question: 'In which year did the digging begin?', answer: '1869', reads: '1859', fault: 'answerable' },
  {
    evidence: canal,
    question: 'How many years lie between the first and the last spade?',
    answer: 'eleven',
    reads: 'ten years',
    isSame: false,
    fault: 'answerable',
  },
  {
    evidence: penguin,
    question: 'How tall do little penguins become?',
    answer: '33 m',
    reads: '33 cm',
    isSame: false,
    fault: 'answerable',
  },
  { evidence: mill, question: 'At how many degrees is flour kept there?', answer: '5', reads: '−5', fault: 'answerable' },
  { evidence: mill, question: 'Who owns the mill by the weir?', answer: 'the miller', reads: null, fault: 'answerable' },
  { evidence: chess, question: 'Whom did Steinitz beat?', answer: 'Zukertort', reads: null, knows: 'Zukertort', fault: 'answerable' },
  // what was asked before, in other words
  {
    evidence: canal,
    question: 'By whom was the digging of the Suez Canal ordered?',
    answer: 'Ferdinand de Lesseps',
    reads: 'Ferdinand de Lesseps',
    fault: 'duplicate',
  },
  {
    evidence: chess,
    question: 'In which town did the birth of Steinitz take place?',
    answer: 'Prague',
    reads: 'Prague',
    fault: 'duplicate',
  },
  {
    evidence: mill,
    question: 'In summer, how many rounds does the wheel turn a minute?',
    answer: 'twelve',
    reads: '12',
    fault: 'duplicate',
  },
  {
    evidence: moon,
    question: 'Which man purchased a lunar vehicle under the hammer?',
    answer: 'Richard Garriott',
    reads: 'Richard Garriott',
    fault: 'duplicate',
  },
  // no pair at all
  { evidence: '   ', question: 'What stands on an empty page?', answer: 'nothing', reads: null, fault: 'schema' },
  { evidence: mill, question: `Which ${'very '.repeat(80)}old wheel is it?`, answer: 'the mill’s', reads: 'the mill’s', fault: 'schema' },
];

export const unseenPairs = rows.map(({ evidence, question, answer, fault }) => ({
  fault,
  pair: { question, answer, evidence: [{ step: 0, tool: 'look', input: {}, text: evidence }] },
}));

const part = (text: string, head: string): string => new RegExp(`${head}\\n<data \\w+>\\n([^]*?)\\n</data`).exec(text)?.[1] ?? '';

/** Says what stands in the rows: what is found is found by the checks. */
export function reader({ text }: ScriptedCall): string {
  const row = rows.find(({ question }) => question === part(text, 'Question:'));
  if (text.includes('compare two answers')) {
    const said = [part(text, 'First answer:'), part(text, 'Second answer:')];
    const isGuess = row?.knows !== undefined && said.includes(row.knows) && row.knows !== row.reads;
    // a guess is right where it is a leak
    return JSON.stringify({ same: isGuess ? row.fault === 'closed_book' : row?.isSame !== false });
  }
  const says = text.includes('from the evidence alone') ? row?.reads : row?.knows;
  return JSON.stringify({ known: typeof says === 'string', answer: says ?? '' });
}
