/** The engine's sentences in the reader's language: part by part. That all are known: everySentence.test.ts. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import {
  localised,
  localisedText,
  ruleLabel,
} from '../../../src/clients/extension/engineSentences';
import type { Translate } from '../../../src/base/translate';
import { comparisonSentences, newComparison } from '../../../src/engine/learning/comparison';
import { sentenceOfMark } from '../../../src/engine/search/marks';

const root = installationRoot();
const japanese = JSON.parse(
  fs.readFileSync(path.join(root, 'l10n/bundle.l10n.ja.json'), 'utf8'),
) as Record<string, string>;
const t: Translate = (message, ...args) =>
  (japanese[message] ?? message).replaceAll(/\{(\d+)\}/g, (_, index: string) =>
    String(args[Number(index)]),
  );

test('translates a sentence with what stood in its places', () => {
  assert.equal(localised('cosine 0.83, rank 4', t), 'コサイン 0.83、順位 4');
  assert.equal(localised('cosine 0.83', t), 'コサイン 0.83');
  assert.equal(
    localised('a (1).ts is not indexed: it is not text', t),
    'a (1).ts は索引されません: テキストではありません',
  );
  assert.equal(
    localised('This answer does without a model: There is no folder /m', t),
    'モデルなしの結果です: フォルダー /m がありません',
  );
});

test('translates what learning says, down to its parts', () => {
  const said = {
    'learning a map of embeddings': '埋め込みの写像を学習中',
    '9 marks can be used, and 10 are the least to learn from':
      '使えるのは評価 9 件です。学習には最低 10 件が必要です',
    'Promoted: 8 of 10 unseen queries improved, 0 got worse; near-miss accuracy .500 → .900, 95 % interval +.250 to +.500':
      '採用: 未知の検索語 10 件中 8 件が改善、0 件が悪化。ニアミス正解率 .500 → .900、95 % 区間 +.250 ～ +.500',
    'Promoted: 8 of 10 unseen queries improved, 0 got worse; near-miss accuracy .500 → .900, 95 % interval +.250 to +.500; the right answer stands higher for 3 of 12, lower for 1: MRR@10 .520 → .523, 95 % interval −.010 to +.016':
      '採用: 未知の検索語 10 件中 8 件が改善、0 件が悪化。ニアミス正解率 .500 → .900、95 % 区間 +.250 ～ +.500。正解の順位は 12 件中 3 件で上昇、1 件で低下: MRR@10 .520 → .523、95 % 区間 −.010 ～ +.016',
    'Promoted: 8 of 10 unseen queries improved, 0 got worse; the right answer stands higher for 3 of 12, lower for 1':
      '採用: 未知の検索語 10 件中 8 件が改善、0 件が悪化。正解の順位は 12 件中 3 件で上昇、1 件で低下',
    'Not promoted: One mark can be used, and 10 are the least to learn from':
      '不採用: 使えるのは評価 1 件です。学習には最低 10 件が必要です',
  };
  for (const [english, expected] of Object.entries(said))
    assert.equal(localised(english, t), expected);
});

test('translates what is said of versions, figure by figure', () => {
  const counted = {
    ...newComparison({ current: 'a', candidate: 'b' }, new Date('2026-11-25T12:00:00Z')),
    silent: { searches: 40, different: 12, opened: 9, higher: 5, lower: 2 },
    live: { searches: 30, wins: 8, losses: 4, ties: 6 },
  };
  const said = [
    'Holds: MRR@10 beside the base: 20 marked queries .333 → .500, 10 queries marked since .3 → .5, 9 guard queries 1.000 → 1.000',
    'Does not hold (guard queries): MRR@10 beside the base: 9 guard queries 1.000 → .500',
    "41 % of the folder's text has changed since v1 was measured; `nearmiss learn --recheck` measures it again",
    ...comparisonSentences(counted),
  ];
  assert.deepEqual(
    said.map((sentence) => localised(sentence, t)),
    [
      '有効: 元のモデルに対する MRR@10: 評価した検索語 20 件 .333 → .500、以後に評価した検索語 10 件 .3 → .5、見張りの検索語 9 件 1.000 → 1.000',
      '無効 (見張りの検索語): 元のモデルに対する MRR@10: 見張りの検索語 9 件 1.000 → .500',
      'v1 を測ってからフォルダーの文の 41 % が変わりました。今も有効かは「バージョンを測り直す」で分かります',
      '2026-11-25 から 40 回の検索で静かに比較しました。先頭 3 件が変わるのは 12 回。開かれた結果 9 件のうち 5 件は上がり、2 件は下がるところでした',
      '2026-11-25 から 30 回の検索で混ぜて表示しました。勝敗を決めた結果 12 件のうち 8 件が候補のものでした (95 % 区間 39 % ～ 86 %)。6 件は引き分けです',
    ],
  );
});

test('translates what is put together, down to the words that belong to the file or the driver', () => {
  const said = {
    'b/a.ts is not indexed: its folder b: an ignore rule leaves it out (.gitignore line 3: b/); the line !/b in a .nearmissignore at the top would let it in':
      'b/a.ts は索引されません: フォルダー b について: 無視ルールで外れています (.gitignore の 3 行目: b/)。最上位の .nearmissignore に !/b の行を書くと索引されます',
    'int8-token on cpu: 8 bits with one scale a token are 2.1 times as fast on this processor and right. The CPU is used, for WebGPU: no graphics device is there':
      'cpu で int8-token: このプロセッサではトークン別スケールの 8 ビットが 2.1 倍の速さで、結果も正しいものです。CPU を使います。WebGPU: グラフィック装置がありません',
    'Not promoted (gain on held-out queries, guard queries): 3 of 12 unseen queries improved, 4 got worse; near-miss accuracy .2 → .3, 95 % interval −.1 to +.2':
      '不採用 (検証用の検索語での改善、見張りの検索語): 未知の検索語 12 件中 3 件が改善、4 件が悪化。ニアミス正解率 .2 → .3、95 % 区間 −.1 ～ +.2',
    'The journal of marks is damaged: lines 3, 9 are left out, the other marks count (/d/journal.jsonl); --fix removes what is damaged':
      '評価の記録が壊れています。3, 9 行目を除き、ほかの評価は使われます (/d/journal.jsonl)。`nearmiss doctor --fix` で壊れた行を削除できます',
  };
  for (const [english, expected] of Object.entries(said))
    assert.equal(localised(english, t), expected);
  assert.equal(
    localisedText(['a.ts is not in the index', 'Choose lines that hold text'], t),
    'a.ts は索引にありません。文のある行を選んでください',
  );
});

test('leaves what it does not know as it is', () => {
  for (const sentence of ['', 'Der Ordner fehlt', 'see cosine 0.83, rank 4'])
    assert.equal(localised(sentence, t), sentence);
});

test('knows every sentence about a mark', () => {
  const setFor = '“parse, a file”';
  for (const verdict of ['relevant', 'notRelevant'] as const)
    for (const similarity of [1, 0.95]) {
      const mark = { id: 'm', verdict, isWeak: false, time: '2026-11-25T12:00:00Z', setFor };
      const said = localised(
        sentenceOfMark({ mark: { ...mark, chunk: () => undefined }, similarity }),
        t,
      );
      assert.match(said, /^2026-11-25 に.*“parse, a file” で「関連(あり|なし)」としました/);
      assert.equal(said.includes('0.95'), similarity < 1);
      assert.equal(said.includes('なし'), verdict === 'notRelevant');
    }
});

test('names a rule only where its sentence needs it', () => {
  assert.equal(ruleLabel('isTest', t), '');
  assert.equal(ruleLabel('file support', t), 'ファイル');
  assert.equal(ruleLabel('a rule to come', t), undefined);
});
