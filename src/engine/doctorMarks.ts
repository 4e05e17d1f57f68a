/** What doctor looks at in the marks: each folder's journal. Only with `fix` are damaged lines thrown away. */
import * as path from 'node:path';
import { messageOf } from '../base/errors';
import { markFolder, markNames, savedFolder } from './dataFolder';
import { FolderMarks } from './feedback/marks';
import type { DoctorOptions, Tell } from './findings';

export async function checkMarks({ dataFolder, fix }: DoctorOptions, tell: Tell): Promise<void> {
  for (const id of markNames(dataFolder)) {
    const name = `marks ${savedFolder(dataFolder, id)?.folder ?? id}`;
    try {
      const file = path.join(markFolder(dataFolder, id), 'journal.jsonl');
      const marks = await FolderMarks.open(file, id);
      const { count, problems } = marks;
      if (problems.length > 0 && fix) await marks.dropDamaged();
      const level = problems.length === 0 || fix ? 'ok' : 'warn';
      const done = fix ? 'removed' : '--fix removes what is damaged';
      const text = problems.length === 0 ? `${count}, sound` : `${problems.join('; ')}; ${done}`;
      await tell({ level, name, text });
    } catch (error) {
      await tell({ level: 'fail', name, text: messageOf(error) });
    }
  }
}
