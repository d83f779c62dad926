import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PartAnswer, PartOrder } from './part.ts';

const main = fileURLToPath(new URL('partProcess.ts', import.meta.url));

/**
 * Runs the parts in `count` processes, each of which takes the next as soon as it is free, and hands each answer over as it
 * comes. A process that dies answers its part with an error and is replaced.
 */
export async function runInProcesses(
  orders: readonly PartOrder[],
  count: number,
  onAnswer: (answer: PartAnswer) => void,
): Promise<void> {
  const queue = [...orders];
  const takeUntilEmpty = async () => {
    let child: ChildProcess | undefined;
    for (let order = queue.shift(); order !== undefined; order = queue.shift()) {
      child = child?.connected === true ? child : fork(main, [], { execArgv: ['--import', 'tsx'] });
      onAnswer(await answerOf(child, order));
    }
    child?.disconnect();
  };
  await Promise.all(Array.from({ length: count }, takeUntilEmpty));
}

function answerOf(child: ChildProcess, order: PartOrder): Promise<PartAnswer> {
  return new Promise((resolve) => {
    const onExit = (code: number | null, signal: NodeJS.Signals | null) => {
      child.off('message', onMessage);
      resolve({
        number: order.number,
        error: `The process ended (${signal ?? String(code)}) before it answered.`,
      });
    };
    const onMessage = (answer: PartAnswer) => {
      child.off('exit', onExit);
      resolve(answer);
    };
    child.once('exit', onExit);
    child.once('message', onMessage);
    child.send(order);
  });
}
