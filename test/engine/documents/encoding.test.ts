import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeText, readText } from '../../../src/engine/documents/encoding';

/** What TextDecoder undoes: each character by the shortest bytes that decode to it. */
function encode(label: string, text: string): Uint8Array {
  const bytesByCharacter = codeTable(label);
  return Uint8Array.from(
    Array.from(text).flatMap((char) => {
      const bytes = char < '\x80' ? [char.charCodeAt(0)] : bytesByCharacter.get(char);
      assert.ok(bytes, `${label} has no ${char}`);
      return bytes;
    }),
  );
}

function codeTable(label: string): Map<string, number[]> {
  const decoder = new TextDecoder(label, { fatal: true });
  const table = new Map<string, number[]>();
  const add = (...bytes: number[]): void => {
    try {
      const char = decoder.decode(Uint8Array.from(bytes));
      if (Array.from(char).length === 1 && !table.has(char)) table.set(char, bytes);
    } catch {
      // These bytes are no character.
    }
  };
  for (let first = 0x80; first < 0x100; first++) add(first);
  if (/^(?:windows|koi8|iso)/.test(label)) return table;
  for (let first = 0x81; first < 0xff; first++) {
    for (let second = 0x40; second < 0xff; second++) add(first, second);
  }
  return table;
}

function checkGuess(label: string, text: string): void {
  assert.deepEqual(decodeText(encode(label, text)), { text, encoding: label });
}

test('reads Japanese, Chinese and Korean in their older encodings', () => {
  checkGuess('shift_jis', '// 配列の合計を返す関数です\nint sum;\n');
  checkGuess('shift_jis', '# 名前\n');
  checkGuess('euc-jp', '// 配列の合計を返す関数です\nint sum;\n');
  checkGuess('gb18030', '// 返回数组元素之和的函数\nint sum;\n');
  checkGuess('gb18030', '/* 初始化连接池 */');
  checkGuess('big5', '// 傳回陣列元素總和的函式\nint sum;\n');
  checkGuess('euc-kr', '// 배열 요소의 합을 반환하는 함수\nint sum;\n');
});

test('reads Cyrillic, Greek, Hebrew, Turkish and Polish in their older encodings', () => {
  checkGuess('windows-1251', '// Функция возвращает сумму элементов массива\nint sum;\n');
  checkGuess('koi8-r', '// Функция возвращает сумму элементов массива\nint sum;\n');
  checkGuess('windows-1253', '// Η συνάρτηση επιστρέφει το άθροισμα των στοιχείων\n');
  checkGuess('windows-1255', '// הפונקציה מחזירה את סכום האיברים\n');
  checkGuess('windows-1254', '// Fonksiyon dizideki öğelerin toplamını döndürür, şimdi\n');
  checkGuess(
    'windows-1250',
    '// Funkcja zwraca sumę elementów tablicy, jeśli się uda, później źródło\n',
  );
});

test('takes the accents of a short Western text for what they are', () => {
  for (const text of [
    '// café déjà vu\nint x = 1;\n',
    '/* Copyright © 2020 */ int main() {}\n',
    'temperatur = 20 # °C\n',
    'Author: José Müller\n',
  ]) {
    const bytes = Buffer.from(text, 'latin1');
    assert.deepEqual(decodeText(bytes), { text, encoding: 'windows-1252' });
  }
});

test('knows the quotes, dashes and the euro of windows-1252', () => {
  const bytes = Buffer.from('a \x93word\x94 \x96 \x8020 na\xefve\n', 'latin1');
  assert.equal(readText(bytes), 'a “word” – €20 naïve\n');
});

test('reads Japanese mail encoding, which has no high bytes', () => {
  const bytes = Buffer.from('\x1b$B$3$l\x1b(B ok\n', 'latin1');
  assert.deepEqual(decodeText(bytes), { text: 'これ ok\n', encoding: 'iso-2022-jp' });
});

function utf16(text: string, isBig: boolean, hasMark: boolean): Buffer {
  const bytes = Buffer.from((hasMark ? '\ufeff' : '') + text, 'utf16le');
  return isBig ? bytes.swap16() : bytes;
}

test('reads UTF-16 of both byte orders, with and without a mark', () => {
  for (const text of [
    'int main() { return 0; }\n',
    '// 配列の合計 (sum)\nint sum;\n',
    'x = "😀"\n',
  ]) {
    for (const isBig of [false, true]) {
      for (const hasMark of [false, true]) {
        const encoding = isBig ? 'utf-16be' : 'utf-16le';
        assert.deepEqual(decodeText(utf16(text, isBig, hasMark)), { text, encoding });
      }
    }
  }
});

test('drops the mark of UTF-8 and makes all line ends "\\n"', () => {
  assert.equal(readText(Buffer.from('\ufeffa\r\nb\rc\n')), 'a\nb\nc\n');
});

test('calls pictures, programs, archives and PDFs binary', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  const program = Buffer.from('7f454c4602010100000000000000000003003e00', 'hex');
  const integers = Buffer.from(Int32Array.from({ length: 500 }, (_, i) => i * 7).buffer);
  const pdf = Buffer.from('%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n');
  const noise = Buffer.from(Array.from({ length: 300 }, (_, i) => 1 + ((i * 131 + 7) % 255)));
  for (const bytes of [png, program, integers, pdf, noise]) {
    const decoded = decodeText(bytes);
    assert.equal('reason' in decoded && decoded.reason, 'binary', bytes.toString('latin1'));
  }
});

test('keeps control characters, one huge line and an empty file', () => {
  assert.equal(readText(Buffer.from('a\x1b[31mred\x1b[0m\x07\n')), 'a\x1b[31mred\x1b[0m\x07\n');
  assert.equal(readText(Buffer.alloc(2_000_000, 'ab'))?.length, 2_000_000);
  assert.equal(readText(Buffer.alloc(0)), '');
});

test('reads a NUL far into a text as a blank', () => {
  const bytes = Buffer.from(`${'line\n'.repeat(2000)}a\0b\n`);
  assert.equal(readText(bytes)?.slice(-4), 'a b\n');
});

test('gives back any text written as UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const clean = text.replace(/[\0\r\ufeff]/g, '').replaceAll('\x1b', '');
      fc.pre(!clean.startsWith('%PDF-'));
      assert.equal(readText(Buffer.from(clean, 'utf8')), clean);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('answers for any bytes, without NUL and without carriage return', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = readText(bytes);
      assert.ok(text === undefined || !/[\0\r]/.test(text));
    }),
    { seed: 1, numRuns: 500 },
  );
});
