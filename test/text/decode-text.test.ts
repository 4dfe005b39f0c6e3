import { describe, expect, it } from 'vitest';
import { decodeText } from '../../src/text/decode-text.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

/** Every byte of an encoding by what it decodes to, so that texts can be written in it. */
function encoder(encoding: string): (text: string) => Buffer {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const bytesOf = new Map<string, number[]>();
  const learn = (bytes: number[]): void => {
    try {
      const text = decoder.decode(Uint8Array.from(bytes));
      if (Array.from(text).length === 1 && !bytesOf.has(text)) bytesOf.set(text, bytes);
    } catch {
      // no character
    }
  };
  for (let first = 0; first < 256; first += 1) {
    learn([first]);
    if (first > 128 && /jis|gb|big5|euc/.test(encoding)) for (let second = 0x30; second < 256; second += 1) learn([first, second]);
  }
  return (text) => Buffer.from(Array.from(text).flatMap((one) => bytesOf.get(one) ?? []));
}

const japanese =
  '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。';
const chinese = '关关雎鸠，在河之洲。窈窕淑女，君子好逑。参差荇菜，左右流之。窈窕淑女，寤寐求之。我们今天在这里讨论这个问题。';
const russian =
  'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. Всё смешалось в доме Облонских.';
const french =
  'Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient si vite que je n’avais pas le temps.';
const german = 'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich; natürlich für Geld.';
const korean =
  '나라의 말이 중국과 달라 문자와 서로 통하지 아니하므로 어린 백성이 말하고자 하는 바가 있어도 마침내 제 뜻을 펴지 못하는 사람이 많다.';
const greek =
  'Ἄνδρα μοι'.normalize('NFD').replaceAll(/\p{M}/gu, '') +
  ' εννεπε, Μουσα, πολυτροπον, ος μαλα πολλα πλαγχθη, επει Τροιης ιερον πτολιεθρον επερσε';

describe('decodeText', () => {
  it.each([
    ['utf-8', french],
    ['utf-8', `${japanese}${russian}`],
    ['shift_jis', japanese],
    ['euc-jp', japanese],
    ['gb18030', chinese],
    ['euc-kr', korean],
    ['windows-1251', russian],
    ['koi8-r', russian.replaceAll('ё', 'е')],
    ['windows-1252', french],
    ['windows-1252', german],
    ['iso-8859-7', greek],
  ])('finds %s', (encoding, text) => {
    const bytes = encoding === 'utf-8' ? Buffer.from(text) : encoder(encoding)(text);
    const decoded = decodeText(bytes);
    expect(decoded).toEqual({ text, encoding: expect.any(String) as string, replaced: 0 });
  });

  it.each([
    ['a mark of UTF-8', hex('ef bb bf 68 c3 a9'), 'hé', 'utf-8'],
    ['a mark of UTF-16 LE', hex('ff fe 68 00 e9 00'), 'hé', 'utf-16le'],
    ['a mark of UTF-16 BE', hex('fe ff 00 68 00 e9'), 'hé', 'utf-16be'],
    ['UTF-16 LE without a mark', Buffer.from(french, 'utf16le'), french, 'utf-16le'],
    ['UTF-16 BE without a mark', swapped(french), french, 'utf-16be'],
    ['Russian UTF-16 without a mark', swapped(russian), russian, 'utf-16be'],
    ['Japanese UTF-16 without a mark', Buffer.from(japanese, 'utf16le'), japanese, 'utf-16le'],
    ['Chinese UTF-16 without a mark', swapped(chinese), chinese, 'utf-16be'],
    ['ISO-2022-JP', hex('1b 24 42 46 7c 4b 5c 38 6c 1b 28 42 0a'), '日本語\n', 'iso-2022-jp'],
    ['nothing', hex(''), '', 'utf-8'],
    ['ASCII', Buffer.from('plain'), 'plain', 'utf-8'],
    ['a few controls', Buffer.from(`page one\f${'text '.repeat(40)}\u0007`), `page one\f${'text '.repeat(40)}\u0007`, 'utf-8'],
  ])('reads %s', (_, bytes, text, encoding) => {
    expect(decodeText(bytes)).toEqual({ text, encoding, replaced: 0 });
  });

  it('keeps UTF-8 with damaged places, and counts them', () => {
    const bytes = Buffer.concat([Buffer.from(japanese), hex('e6 97'), Buffer.from(russian), hex('ff')]);
    expect(decodeText(bytes)).toEqual({ text: `${japanese}\ufffd${russian}\ufffd`, encoding: 'utf-8', replaced: 2 });
  });

  it('finds what lies behind a long stretch of ASCII', () => {
    const bytes = Buffer.concat([Buffer.alloc(200_000, 'plain text '), encoder('windows-1251')(russian)]);
    expect(decodeText(bytes).text.endsWith(russian)).toBe(true);
  });

  it('takes what is given, but for a mark', () => {
    expect(decodeText(hex('8365 8358 8367'), { encoding: 'Shift_JIS' })).toEqual({ text: 'テスト', encoding: 'shift_jis', replaced: 0 });
    expect(decodeText(hex('ff fe 68 00'), { encoding: 'utf-8' }).encoding).toBe('utf-16le');
  });

  it.each([
    ['a PNG image', '89504e470d0a1a0a 0000000d49484452'],
    ['a program (ELF)', '7f454c46 02010100 0000000000000000'],
    ['a zip archive (so are docx, xlsx, pptx, odt, epub)', '504b0304 14000000 0800'],
    ['a gzip file', '1f8b0800 0000000000 03'],
    ['a PDF', '255044462d312e37 0a'],
    ['a JPEG image', 'ffd8ffe0 00104a464946'],
  ])('refuses %s, and says that it is one', (kind, bytes) => {
    expect(() => decodeText(hex(bytes))).toThrow(
      expect.objectContaining({
        code: 'unreadable_document',
        message: expect.stringContaining(`expected text, got ${kind} (first bytes `) as string,
      }) as Error,
    );
  });

  it('refuses bytes by chance', () => {
    let seed = 7;
    const bytes = Buffer.from(Array.from({ length: 4_000 }, () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) >> 16));
    expect(() => decodeText(bytes)).toThrow(/more control characters than any text has \(first bytes/);
  });

  it('refuses UTF-32', () => {
    expect(() => decodeText(hex('fffe0000 68000000'))).toThrow('got UTF-32; write it as UTF-8');
  });

  it.each([
    [{ encoding: 'klingon' }, 'decodeText.encoding must be a label of the Encoding Standard such as utf-8 or shift_jis, got "klingon"'],
    [{ encodin: 'utf-8' }, 'decodeText has no option encodin; did you mean encoding?'],
  ])('refuses %j', (options, message) => {
    expect(() => decodeText(hex('68'), options as never)).toThrow(expect.objectContaining({ code: 'invalid_option', message }) as Error);
  });
});
