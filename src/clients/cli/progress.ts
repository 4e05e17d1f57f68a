/** Progress of indexing on stderr: a bar on a terminal, now and then a plain line elsewhere. */
import { Presets, SingleBar } from 'cli-progress';
import type { Disposable } from '../../base/lifecycle';
import type { FolderStatus } from '../../protocol/types';
import type { EngineClient } from '../engineClient';

/** Indexing that is quicker than this shows nothing. */
const showAfterMs = 300;
const plainLineEveryMs = 5000;
const barSteps = 1000;

/** Shows what the engine tells of one folder, until disposed. */
export function showProgress(
  client: EngineClient,
  folderId: string,
  stream: NodeJS.WriteStream,
): Disposable {
  const view = stream.isTTY ? barView(stream) : lineView(stream);
  const startedAt = performance.now();
  const listener = client.on('indexProgress', (status) => {
    if (status.folderId === folderId && performance.now() - startedAt > showAfterMs)
      view.update(status);
  });
  return {
    dispose() {
      listener.dispose();
      view.end();
    },
  };
}

interface View {
  update(status: FolderStatus): void;
  end(): void;
}

/** Called with each reason why work is slow or stands still, once until there is another or none. */
function newReasons(tell: (reason: string) => void): (status: FolderStatus) => void {
  let known: string | undefined;
  return ({ reason }) => {
    if (reason !== undefined && reason !== known) tell(reason);
    known = reason;
  };
}

function barView(stream: NodeJS.WriteStream): View {
  let bar: SingleBar | undefined;
  const tellReason = newReasons((reason) => {
    bar?.stop();
    bar = undefined;
    stream.write(`${reason}\n`);
  });
  return {
    update(status) {
      tellReason(status);
      if (!bar) {
        const format = '{bar} {percentage} %  {what}';
        const options = { stream, format, hideCursor: true, clearOnComplete: true, barsize: 28 };
        bar = new SingleBar(options, Presets.shades_classic);
        bar.start(barSteps, 0, { what: '' });
      }
      bar.update(Math.round(status.fraction * barSteps), { what: workText(status) });
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** For what is no terminal. */
export function lineView(stream: NodeJS.WriteStream): View {
  let lastAt = -Infinity;
  let lastState: string | undefined;
  const tellReason = newReasons((reason) => stream.write(`${reason}\n`));
  return {
    update(status) {
      tellReason(status);
      const isDue = performance.now() - lastAt > plainLineEveryMs || status.state !== lastState;
      if (!isDue) return;
      lastAt = performance.now();
      lastState = status.state;
      stream.write(`${Math.floor(status.fraction * 100)} % ${workText(status)}\n`);
    },
    end() {},
  };
}

/** One line: what is being done, how much of it, and why it is slow or stands still. */
export function progressText(status: FolderStatus): string {
  const text = workText(status);
  return status.reason === undefined ? text : `${text} (${status.reason})`;
}

function workText(status: FolderStatus): string {
  const files = status.documentCount.toLocaleString('en');
  return {
    unknown: 'not compared since the engine started',
    scanning:
      status.documentCount === 0 ? 'looking at files' : `looking for changes in ${files} files`,
    words: `words: ${status.wordDocumentCount.toLocaleString('en')} of ${files} files`,
    static: `chunks: ${status.staticDocumentCount.toLocaleString('en')} of ${files} files`,
    embedding: `embeddings: ${status.embeddedCount.toLocaleString('en')} of ${status.embeddableCount.toLocaleString('en')} chunks`,
    graph: 'building the vector graph',
    idle: 'done',
    paused: 'paused; go on with `nearmiss resume`',
    waiting: 'waiting',
  }[status.state];
}
