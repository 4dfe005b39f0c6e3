import { readFileSync } from 'node:fs';

/** The checks, by the fault that each is for. */
export const faults = ['schema', 'answerable', 'closed_book', 'duplicate'] as const;
export type Fault = (typeof faults)[number];

interface Row {
  readonly page: string;
  readonly question: string;
  readonly answer: string;
  readonly fault?: Fault;
  readonly hasEvidence?: false;
}

/** Duplicates say again, in other words or other marks, what a row above says. */
const rows: readonly Row[] = [
  { page: 'danube', question: 'In which year did the delta of the Danube become a World Heritage Site?', answer: '1991' },
  { page: 'black-sea', question: 'Which strait joins the Black Sea to the Sea of Marmara?', answer: 'the Bosporus' },
  { page: 'vienna', question: 'Which English engineer built the giant wheel of the Prater in 1897?', answer: 'Walter Bassett' },
  { page: 'budapest', question: 'Who designed the Chain Bridge of Budapest?', answer: 'William Tierney Clark' },
  { page: 'marie-curie', question: 'What were the X-ray cars called that Marie Curie drove to the front?', answer: 'petites Curies' },
  { page: 'radium', question: 'In which town of New Jersey stood the works whose dial painters went to court in 1928?', answer: 'Orange' },
  { page: 'polonium', question: 'Which element kept the moon rovers Lunokhod 1 and 2 warm in the lunar night?', answer: 'Polonium-210' },
  { page: 'gutenberg', question: 'Which lender won a case against Gutenberg in 1455?', answer: 'Johann Fust' },
  { page: 'gutenberg', question: 'What did Gutenberg make in Strasbourg for pilgrims to Aachen?', answer: 'mirrors' },
  { page: 'movable-type', question: 'At which temple was the Jikji of 1377 printed?', answer: 'Heungdeok Temple' },
  { page: 'iceland-volcanoes', question: 'How long, in km, was the fissure along which Laki erupted in 1783?', answer: '27' },
  { page: 'surtsey', question: 'Which vascular plant was found first on Surtsey?', answer: 'a sea rocket' },
  { page: 'krakatoa', question: 'On which island, 4,800 km away, was the explosion of Krakatoa heard?', answer: 'Rodrigues' },
  { page: 'suez-canal', question: 'What were the fifteen ships called that were caught in the Suez Canal?', answer: 'Yellow Fleet' },
  { page: 'lesseps', question: 'How old was Ferdinand de Lesseps when a court found him guilty?', answer: '87' },
  { page: 'panama-canal', question: 'How many cents did Richard Halliburton pay to swim through the Panama Canal?', answer: '36' },
  {
    page: 'photosynthesis',
    question: 'Which isotope did Calvin, Benson and Bassham follow through the dark reactions?',
    answer: 'carbon-14',
  },
  { page: 'ingenhousz', question: 'In which house did Jan Ingenhousz die in 1799?', answer: 'Bowood House' },
  { page: 'cyanobacteria', question: 'In which pool of Western Australia do stromatolites still grow?', answer: 'Hamelin Pool' },
  {
    page: 'chess',
    question: 'Whose book on modern chess, Salamanca 1497, is the first that has come down to us?',
    answer: 'Luis Ramírez de Lucena',
  },
  { page: 'steinitz', question: 'How many wins did Wilhelm Steinitz have against Zukertort in 1886?', answer: 'ten' },
  { page: 'mechanical-turk', question: 'Who bought the Turk in 1805?', answer: 'Johann Nepomuk Mälzel' },
  { page: 'penguins', question: 'For about how many days do male emperor penguins keep the egg on their feet?', answer: '65' },
  {
    page: 'emperor-penguin',
    question: 'To which cape was the walk of July 1911 for three eggs of the emperor penguin?',
    answer: 'Cape Crozier',
  },
  { page: 'galapagos', question: 'Which bishop came upon the Galápagos Islands in 1535?', answer: 'Tomás de Berlanga' },
  {
    page: 'alexandria-library',
    question: 'What is the list of the books of the Library of Alexandria by kind and author called?',
    answer: 'Pinakes',
  },
  { page: 'guidance-computer', question: 'How many words of fixed memory had the Apollo Guidance Computer?', answer: '36,864' },
  { page: 'lunokhod', question: 'How many km did Lunokhod 2 drive?', answer: '39' },
  { page: 'metronome', question: 'In which year did Nikolaus Winkel die?', answer: '1826', fault: 'answerable' },
  {
    page: 'danube',
    question: 'Who led the flight software of Apollo at the Instrumentation Laboratory?',
    answer: 'Margaret Hamilton',
    fault: 'answerable',
  },
  {
    page: 'yellow-fever',
    question: 'Who proved in 1900 that a mosquito carries yellow fever?',
    answer: 'Carlos Finlay',
    fault: 'answerable',
  },
  { page: 'lighthouse', question: 'Of how many storeys was the lighthouse of Alexandria?', answer: 'four', fault: 'answerable' },
  { page: 'maria-theresa', question: 'How tall was Maria Theresa, in cm?', answer: '163', fault: 'answerable' },
  { page: 'callimachus', question: 'How many hymns of Callimachus are left?', answer: 'sixty', fault: 'answerable' },
  {
    page: 'eratosthenes',
    question: 'Which Eratosthenes of Cyrene, called Beta by his friends, had the nickname Beta?',
    answer: 'Beta',
    fault: 'closed_book',
  },
  {
    page: 'apollo-11',
    question: 'Was it the USS Hornet that took up the crew of Apollo 11, or another ship?',
    answer: 'the USS Hornet',
    fault: 'closed_book',
  },
  {
    page: 'lighthouse',
    question: 'On the island of Pharos stood a lighthouse; on which island, Pharos, was that?',
    answer: 'Pharos',
    fault: 'closed_book',
  },
  {
    page: 'printing-press',
    question: 'Who printed with movable metal type in Mainz about 1450?',
    answer: 'Johannes Gutenberg',
    fault: 'closed_book',
  },
  { page: 'apollo-11', question: 'Who walked on the Moon first, in July 1969?', answer: 'Neil Armstrong', fault: 'closed_book' },
  { page: 'vienna', question: 'Which city on the Danube is the capital of Austria?', answer: 'Vienna', fault: 'closed_book' },
  {
    page: 'vienna',
    question: 'Which English engineer built the giant wheel of the Prater, in 1897?',
    answer: 'Walter Bassett',
    fault: 'duplicate',
  },
  { page: 'lesseps', question: 'how old was Ferdinand de Lesseps when a court found him guilty', answer: '87', fault: 'duplicate' },
  {
    page: 'iceland-volcanoes',
    question: 'How long, in km, was the fissure along which Laki erupted in the year 1783?',
    answer: '27 km',
    fault: 'duplicate',
  },
  { page: 'mechanical-turk', question: 'By whom was the Turk bought in 1805?', answer: 'Johann Nepomuk Mälzel', fault: 'duplicate' },
  {
    page: 'gutenberg',
    question: 'Who was the lender that won a case against Gutenberg in 1455?',
    answer: 'Johann Fust',
    fault: 'duplicate',
  },
  { page: 'radium', question: '', answer: 'radium', fault: 'schema' },
  { page: 'radium', question: '12345678 ??', answer: '88', fault: 'schema' },
  { page: 'radium', question: 'Which element has the number 88, as Marie Curie found?', answer: '', fault: 'schema' },
  { page: 'radium', question: 'Which half-life has the most stable isotope of radium?', answer: 'x'.repeat(201), fault: 'schema' },
  {
    page: 'radium',
    question: 'Which half-life has the most stable isotope of radium?',
    answer: '1,600 years',
    fault: 'schema',
    hasEvidence: false,
  },
];

const corpus = new URL('../../../pipelines/synthesis/corpus/pages.jsonl', import.meta.url);
const pages = new Map(
  readFileSync(corpus, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly id: string; readonly text: string })
    .map(({ id, text }) => [id, text]),
);

/** 50 pairs with evidence of the library that comes with the pipeline, and what is wrong with each. */
export const plantedPairs = rows.map(({ page, question, answer, fault, hasEvidence = true }) => ({
  fault,
  pair: {
    question,
    answer,
    evidence: hasEvidence
      ? [
          {
            step: 0,
            tool: 'web_visit',
            input: { url: `corpus://local/${page}` },
            text: pages.get(page) ?? '',
            source: `corpus://local/${page}`,
          },
        ]
      : [],
  },
}));
