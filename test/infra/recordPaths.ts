import { syntaxOf, type SyntaxNode } from './kusto.ts';

/**
 * The paths that a query reads from the column `Record`, or another of its kind, such as `virtualMachines[].ports[].number`;
 * also those behind names that it gives to a part of it. What it makes of the whole, or passes on whole, is no path.
 */
export function recordPathsOf(query: string, column = 'Record'): string[] {
  const { root, kinds } = syntaxOf(query);
  const kindOf = (node: SyntaxNode) => kinds.get(node.Kind) ?? '';
  const named = new Map([[column, '']]);
  const found = new Set<string>();

  /** Where a node points to in the column; undefined if it does not. */
  function pathOf(node: SyntaxNode): string | undefined {
    const [first, second, third] = childrenOf(node);
    switch (kindOf(node)) {
      case 'NameReference':
        return named.get(textOf(node));
      case 'PathExpression': {
        const base = first === undefined ? undefined : pathOf(first);
        return base === undefined ? undefined : joined(base, textOf(third));
      }
      case 'ElementExpression': {
        const base = first === undefined ? undefined : pathOf(first);
        const [, key = ''] = /^\['(.*)'\]$/.exec(textOf(second)) ?? [];
        if (base === undefined) return undefined;
        return key === '' ? `${base}[]` : joined(base, key);
      }
      default:
        return undefined;
    }
  }

  function walk(node: SyntaxNode, expands: boolean): void {
    const kind = kindOf(node);
    if (kind === 'SimpleNamedExpression') {
      const [name, , value] = childrenOf(node);
      const path = value === undefined ? undefined : pathOf(value);
      if (path !== undefined) named.set(textOf(name), expands ? `${path}[]` : path);
    }
    // A path is not looked into: what it begins with would be told again.
    const path = kind === 'PathExpression' || kind === 'ElementExpression' ? pathOf(node) : undefined;
    if (path !== undefined) found.add(path);
    else for (const child of childrenOf(node)) walk(child, /^Mv(Expand|Apply)Expression$/.test(kind));
  }

  walk(root, false);
  return [...found].sort();
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Array.from({ length: node.ChildCount }, (_, index) => node.GetChild(index)).filter(
    (child) => child !== null,
  );
}

const textOf = (node: SyntaxNode | undefined) => (node?.toString() ?? '').trim();
const joined = (base: string, name: string) => (base === '' ? name : `${base}.${name}`);

/** Every path that a value has, in the same form. */
export function pathsIn(value: unknown, base = ''): string[] {
  if (Array.isArray(value))
    return [...new Set(value.flatMap((each) => [`${base}[]`, ...pathsIn(each, `${base}[]`)]))];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = joined(base, name);
    return [path, ...pathsIn(inner, path)];
  });
}
