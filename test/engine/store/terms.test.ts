import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { joinedTermsOf, queryTermsOf, termsOf } from '../../../src/engine/store/terms';

function checkTerms(text: string, expected: string): void {
  assert.equal(joinedTermsOf(text), expected, text);
}

test('gives an identifier whole and in its parts', () => {
  checkTerms('getUserName', 'getusername get user nam');
  checkTerms('get_user_name', 'get_user_name get user nam');
  checkTerms('HTTPServer', 'httpserver http serv');
  checkTerms('parseHTML2', 'parsehtml2 pars html');
  checkTerms('__init__', '__init__ init');
  checkTerms('utf8', 'utf8 utf');
  checkTerms('MAX_RETRY_COUNT', 'max_retry_count max retri count');
});

test('gives a plain word its stem alone', () => {
  checkTerms('Retries the uploads', 'retri the upload');
  checkTerms('x + y', 'x y');
  checkTerms('$scope->user.name', 'scop user nam');
});

test('parts at everything that belongs to no word', () => {
  checkTerms('a-b/c.d"e\'f\0g\u{1f600}h', 'a b c d e f g h');
  checkTerms('___ --- ???', '');
  checkTerms('', '');
});

test('folds accents and compatibility forms', () => {
  checkTerms('Größe café naïve Ørsted', 'gross caf naiv orst');
  checkTerms('ﬁle ＡＢＣ İstanbul', 'fil abc istanbul');
  assert.deepEqual(termsOf('cafe\u0301'), termsOf('café'));
});

test('gives scripts without blanks in pairs of characters and in words', () => {
  checkTerms('設定', '設定');
  checkTerms('データベース', 'デー ータ タベ ベー ース');
  checkTerms('字', '字');
  checkTerms('foo漢字Bar', 'foo 漢字 bar');
  checkTerms('검색어', '검색 색어');
  assert.ok(termsOf('データベースの設定').includes('データベース'));
});

test('cuts what is too long to be a word', () => {
  const terms = termsOf('q'.repeat(5000));
  assert.deepEqual(terms, ['q'.repeat(64)]);
});

test('drops stop words from a query unless nothing else is there', () => {
  assert.deepEqual(queryTermsOf("how does the cache don't work?"), ['cach', 'work']);
  assert.deepEqual(queryTermsOf('what is this'), ['what', 'is', 'this']);
  assert.deepEqual(queryTermsOf('cache Cache caching'), ['cach']);
  assert.deepEqual(queryTermsOf('?!'), []);
});

const anyText = fc.string({ unit: 'binary', maxLength: 80 });

test('finds the same terms in a text and in a query made of it', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const indexed = new Set(termsOf(text));
      for (const term of queryTermsOf(text)) assert.ok(indexed.has(term), term);
    }),
  );
});

test('makes terms of letters, digits, underscores and characters beyond ASCII only', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const term of termsOf(text)) assert.match(term, /^[a-z0-9_\u0080-\uffff]+$/);
    }),
  );
});

test('gives the terms of two texts one after the other when a blank stands between them', () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      assert.deepEqual(termsOf(`${a} ${b}`), [...termsOf(a), ...termsOf(b)]);
    }),
  );
});
