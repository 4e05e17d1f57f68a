/**
 * `npm run bench -- learns-speed`: how long a query head and a cross-encoder take to learn from a hundred marks.
 * `npm run bench -- learns-code [--recipe JSON] [--judge off]`: marks of people on other queries than the judged ones, and what each part
 * makes of them on the judged ones, with the 95 % interval of the difference. A mark there names one text; negatives are
 * mined from the whole corpus by the base bi-encoder. `--part query-head|shared-head|cross-encoder|bi-encoder`. The
 * cross-encoder learns from the frozen bi-encoder as well (GPL): a mark "not relevant" alone takes the bi-encoder's best
 * other text for its positive, and every negative has the bi-encoder's margin, never against what a person said.
 * `--seeds 1,2,3`: it learns once by each, and the average of what they come to is judged.
 * `npm run bench -- learns-cranfield [--folds N] [--first N of them]`, with the options of `learns-code`: the same where the judged queries
 * of `docs-cranfield` in the other folds are the marks.
 * `npm run bench -- learns-tasks [--folds N] [--first N of them] [--recipe JSON]`: one shared head for searches (marks of people; nDCG@10 on
 * the judged queries) and for likeness (sentence pairs by folds; Spearman): each task alone, both as one InfoNCE in mixed
 * batches, and CoDiEmb, which gives each step one task and each task its own loss; CoDiEmb beside each other with intervals.
 */
import { measureCode, measureCranfield } from './learnsCode';
import { measureSpeed } from './learnsSpeed';
import { measureTasks } from './learnsTasks';
import { benchArgument, note } from './report';

const PIECES: Readonly<Record<string, () => Promise<void>>> = {
  speed: measureSpeed,
  code: measureCode,
  cranfield: measureCranfield,
  tasks: measureTasks,
};

async function main(): Promise<void> {
  const measure = PIECES[benchArgument];
  if (measure) return measure();
  note('Say learns-speed, learns-code, learns-cranfield or learns-tasks');
  process.exitCode = 2;
}

void main();
