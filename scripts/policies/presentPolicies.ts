import { errorEntries } from '../jit/problemText.ts';
import { list, plain } from '../jit/table.ts';
import type { Comparison, Difference } from './comparePolicies.ts';
import type { Trouble } from './policyFile.ts';

const kinds = ['added', 'changed', 'deleted'] as const;
const marks = { added: '+', changed: '~', deleted: '-' } as const;

/** Everything that would be changed, with the app's own sentences, and how many. */
export function comparisonText({ differences, same, onlyThere }: Comparison): string {
  const counts = [
    ...kinds.map((kind) => [differences.filter((each) => each.kind === kind).length, `would be ${kind}`]),
    [onlyThere.length, 'only on the server'],
  ].filter(([count]) => count !== 0);
  return [
    ...differences.map((each) => differenceText(each, `would be ${each.kind}`)),
    ...onlyThere.map((name) => `? ${plain(name)} is only on the server`),
    `${[...counts, [same, 'the same']].map((each) => each.join(' ')).join(', ')}.`,
  ].join('\n');
}

/** One difference as programs read it. */
export function differenceJson({ kind, wanted, change }: Difference) {
  const { policy, changes, effects } = change;
  return {
    kind,
    name: wanted.name,
    ...(kind !== 'deleted' && { version: policy.version }),
    changes,
    effects,
  };
}

/** What was done to one policy. */
export function doneText(difference: Difference): string {
  const { kind, change } = difference;
  return differenceText(
    difference,
    `is ${kind}${kind === 'deleted' ? '' : `, version ${change.policy.version}`}`,
  );
}

function differenceText({ kind, wanted, change }: Difference, what: string): string {
  const effects = change.effects.map(({ networkSecurityGroup: nsg, message }) =>
    nsg === undefined ? message : `${nsg.slice(nsg.lastIndexOf('/') + 1)}: ${message}`,
  );
  return [
    `${marks[kind]} ${plain(wanted.name)} ${what}`,
    ...change.changes.map((sentence) => `    ${plain(sentence)}`),
    ...effects.map((effect) => `    In Azure: ${plain(effect)}`),
  ].join('\n');
}

/** Everything that is wrong, file by file. */
export function troubleText(troubles: readonly Trouble[], width?: number): string {
  return troubles
    .map(({ where, errors, correlationId }) => {
      const entries = errorEntries(
        errors.map((error) => ({ ...error, field: error.field ?? '(all of it)' })),
      );
      const correlation: [string, string][] =
        correlationId === undefined ? [] : [['  correlation', correlationId]];
      return `${plain(where)}\n${list([...entries, ...correlation], width)}`;
    })
    .join('\n');
}

/** What these commands do not touch: policies that Microsoft's API made, or that have no name that a file could have. */
export function leftOutText(ids: readonly string[]): string[] {
  return ids.map((id) => `Left out, as it has no name that a file could have: ${plain(id)}`);
}
