import type { ScriptedCall } from '../../../src/inference/scripted/script.ts';

/** What is known of the world: what a question is about, the words by which evidence says it, and what it says, as a person would put it. */
interface Fact {
  readonly asks: RegExp;
  /** In the evidence. */
  readonly stands: RegExp;
  readonly answer: string;
  /** Whether everybody knows it without reading. */
  readonly isKnown?: true;
}

const facts: readonly Fact[] = [
  { asks: /delta of the Danube/, stands: /since (1991)/, answer: 'in 1991' },
  { asks: /joins the Black Sea/, stands: /The Bosporus joins/, answer: 'Bosporus' },
  { asks: /giant wheel/, stands: /engineer Walter Bassett/, answer: 'Walter Bassett' },
  { asks: /designed the Chain Bridge/, stands: /William Tierney Clark designed/, answer: 'W. T. Clark, the English engineer' },
  { asks: /X-ray cars/, stands: /petites Curies/, answer: 'Petites Curies' },
  { asks: /dial painters/, stands: /in Orange, New Jersey/, answer: 'Orange' },
  { asks: /warm in the lunar night/, stands: /Polonium-210|polonium-210/, answer: 'polonium-210' },
  { asks: /[Ll]ender/, stands: /lender Johann Fust/, answer: 'Johann Fust' },
  { asks: /pilgrims to Aachen/, stands: /mirrors for pilgrims/, answer: 'Mirrors.' },
  { asks: /Jikji/, stands: /Heungdeok Temple/, answer: 'Heungdeok Temple, near Cheongju' },
  { asks: /Laki/, stands: /fissure of 27 km/, answer: '27' },
  { asks: /first on Surtsey/, stands: /a sea rocket/, answer: 'the sea rocket' },
  { asks: /explosion of Krakatoa/, stands: /heard on Rodrigues/, answer: 'Rodrigues' },
  { asks: /fifteen ships/, stands: /the Yellow Fleet/, answer: 'the Yellow Fleet' },
  { asks: /how old was Ferdinand/i, stands: /was 87 when/, answer: '87.0' },
  { asks: /Halliburton/, stands: /36 cents/, answer: '36' },
  { asks: /dark reactions/, stands: /carbon-14/, answer: 'Carbon-14' },
  { asks: /Ingenhousz die/, stands: /at Bowood House/, answer: 'Bowood House in Wiltshire' },
  { asks: /stromatolites/, stands: /Hamelin Pool/, answer: 'Hamelin Pool' },
  { asks: /Salamanca 1497/, stands: /Luis Ramírez de Lucena/, answer: 'Luis Ramirez de Lucena' },
  { asks: /How many wins/, stands: /by ten wins/, answer: 'ten' },
  { asks: /bought the Turk/, stands: /bought it in 1805/, answer: 'Johann Nepomuk Mälzel' },
  { asks: /Turk bought/, stands: /bought it in 1805/, answer: 'Mälzel' },
  { asks: /egg on their feet/, stands: /about 65 days/, answer: '65' },
  { asks: /walk of July 1911/, stands: /to Cape Crozier/, answer: 'Cape Crozier' },
  { asks: /bishop came upon/, stands: /Tomás de Berlanga/, answer: 'Tomas de Berlanga' },
  { asks: /list of the books/, stands: /the Pinakes/, answer: 'the Pinakes' },
  { asks: /fixed memory/, stands: /36,864 words/, answer: '36864' },
  { asks: /km did Lunokhod 2/, stands: /drove 39 km/, answer: '39' },
  { asks: /flight software of Apollo/, stands: /led the flight software/, answer: 'Margaret Hamilton' },
  { asks: /proved in 1900/, stands: /Walter Reed's commission proved/, answer: "Walter Reed's commission" },
  { asks: /how many storeys/, stands: /in three storeys/, answer: 'three' },
  { asks: /hymns of Callimachus/, stands: /six hymns/, answer: 'six' },
  { asks: /metal type in Mainz/, stands: /Johannes Gutenberg of Mainz/, answer: 'Gutenberg', isKnown: true },
  { asks: /on the Moon first/, stands: /Neil Armstrong/, answer: 'Neil Armstrong', isKnown: true },
  { asks: /capital of Austria/, stands: /the capital of Austria/, answer: 'Vienna', isKnown: true },
];

/** Of two ways to say one thing. */
const alike: readonly (readonly [RegExp, RegExp])[] = [
  [/Gutenberg/, /Gutenberg/],
  [/1991/, /1991/],
  [/Clark/, /W\. T\. Clark/],
  [/Heungdeok/, /Heungdeok/],
  [/Bowood/, /Bowood/],
  [/Mälzel/, /Mälzel/],
  [/27/, /27/],
];
/** Who guesses, and is wrong, does not spoil a pair. */
const wrongGuesses: readonly (readonly [RegExp, string])[] = [
  [/How many wins/, 'six'],
  [/bishop/, 'Diego de Landa'],
];

const part = (text: string, head: string): string =>
  new RegExp(`${head}\\n<data \\w+>\\n(?:from: [^\\n]*\\n)?([^]*?)\\n</data`).exec(text)?.[1] ?? '';

/** Answers from what it is shown, says when it does not know, and compares as a person would: a model without faults, so that only the checks can be at fault. */
export function oracle({ text }: ScriptedCall): string {
  const question = part(text, 'Question:');
  if (text.includes('compare two answers')) {
    const [first, second] = [part(text, 'First answer:'), part(text, 'Second answer:')];
    return JSON.stringify({
      same: alike.some(([one, other]) => (one.test(first) && other.test(second)) || (one.test(second) && other.test(first))),
    });
  }
  const fact = facts.find(({ asks }) => asks.test(question));
  const evidence = part(text, 'Evidence 1:');
  if (evidence !== '')
    return JSON.stringify(fact?.stands.test(evidence) ? { known: true, answer: fact.answer } : { known: false, answer: '' });
  const guess = wrongGuesses.find(([asks]) => asks.test(question))?.[1];
  if (guess !== undefined) return JSON.stringify({ known: true, answer: guess });
  return JSON.stringify(fact?.isKnown ? { known: true, answer: fact.answer } : { known: false, answer: '' });
}
