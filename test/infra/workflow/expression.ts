/**
 * Expressions of the Workflow Definition Language of Logic Apps, as much of it as the watchdog uses. Whatever is not known here
 * is an error: the definition may only say what was tried.
 * https://learn.microsoft.com/azure/logic-apps/expression-functions-reference
 */

export type Value = string | number | bigint | boolean | null | Value[] | { [name: string]: Value };

/** What `parameters('x')` and the like are asked of. */
export type Functions = Record<string, (...args: Value[]) => Value>;

/** An expression that cannot be evaluated; the action that has it fails. */
export class ExpressionError extends Error {
  override name = 'ExpressionError';
}

const TOKEN =
  /\s*(?:(?<string>'(?:[^']|'')*')|(?<number>-?\d+)|(?<name>[A-Za-z]\w*)|(?<mark>\?\[|[()[\],]))/y;

/** A value of the definition with every text that begins with `@` evaluated, in lists and objects too. */
export function evaluateIn(value: unknown, functions: Functions): Value {
  if (typeof value === 'string') return evaluateText(value, functions);
  if (Array.isArray(value)) return value.map((item) => evaluateIn(item, functions));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, evaluateIn(item, functions)]),
    );
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  throw new ExpressionError(`A definition cannot hold ${typeof value}.`);
}

function evaluateText(text: string, functions: Functions): Value {
  if (text.includes('@{'))
    throw new ExpressionError('Texts with expressions inside are not known here; use concat.');
  if (!text.startsWith('@') || text.startsWith('@@')) return text.replace(/^@@/, '@');
  return new Reader(text.slice(1), functions).whole();
}

class Reader {
  readonly #text: string;
  readonly #functions: Functions;
  #at = 0;

  constructor(text: string, functions: Functions) {
    this.#text = text;
    this.#functions = functions;
  }

  whole(): Value {
    const value = this.#value();
    if (this.#text.slice(this.#at).trim() !== '') throw this.#error('the end');
    return value;
  }

  #value(): Value {
    let value = this.#head();
    for (let mark = this.#mark(['[', '?[']); mark !== undefined; mark = this.#mark(['[', '?['])) {
      const key = this.#value();
      this.#expect(']');
      value = member(value, key, mark === '?[');
    }
    return value;
  }

  #head(): Value {
    const { string, number, name } = this.#next();
    if (string !== undefined) return string.slice(1, -1).replaceAll("''", "'");
    if (number !== undefined) return Number(number);
    if (name === undefined) throw this.#error('a value');
    if (name === 'null') return null;
    if (name === 'true' || name === 'false') return name === 'true';
    this.#expect('(');
    const args: Value[] = [];
    if (this.#mark([')']) !== undefined) return this.#call(name, args);
    do args.push(this.#value());
    while (this.#mark([',']) !== undefined);
    this.#expect(')');
    return this.#call(name, args);
  }

  #call(name: string, args: Value[]): Value {
    const found = this.#functions[name];
    if (found === undefined) throw new ExpressionError(`The function ${name} is not known here.`);
    return found(...args);
  }

  #next(): Record<string, string | undefined> {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match?.groups === undefined) throw this.#error('a token');
    this.#at = TOKEN.lastIndex;
    return match.groups;
  }

  /** Takes one of the marks if it comes next. */
  #mark(marks: string[]): string | undefined {
    const before = this.#at;
    if (this.#text.slice(before).trim() === '') return undefined;
    const { mark } = this.#next();
    if (mark !== undefined && marks.includes(mark)) return mark;
    this.#at = before;
    return undefined;
  }

  #expect(mark: string): void {
    if (this.#mark([mark]) === undefined) throw this.#error(`"${mark}"`);
  }

  #error(wanted: string): ExpressionError {
    return new ExpressionError(`At ${this.#at} of "${this.#text}": ${wanted} was expected.`);
  }
}

function member(value: Value, key: Value, mayBeMissing: boolean): Value {
  if (typeof key !== 'string') throw new ExpressionError('Only members of objects are known here, by name.');
  if (value === null && mayBeMissing) return null;
  const found = typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined;
  if (found !== undefined) return found;
  if (mayBeMissing) return null;
  throw new ExpressionError(`There is no "${key}".`);
}
