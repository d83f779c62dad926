export type Constraint = (value: string) => boolean;

const integer = /^\s*[+-]?\d+\s*$/;
const real = /^\s*[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const guid =
  /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\))$/i;

/**
 * The constraint that ASP.NET knows by this name, with the text between its brackets.
 * @throws Error for an unknown name or bad arguments
 */
export function constraint(name: string, argument: string | undefined): Constraint {
  const numbers = (argument ?? '').split(',').map((part) => Number(part.trim() || NaN));
  const [first = NaN, second = first] = numbers;
  const needsNumbers = (made: Constraint): Constraint => {
    if (argument === undefined || numbers.some(Number.isNaN)) throw new Error(`"${name}" lacks its number`);
    return made;
  };
  switch (name.toLowerCase()) {
    case 'int':
      return (value) => integer.test(value) && inRange(value, -(2n ** 31n), 2n ** 31n - 1n);
    case 'long':
      return (value) => integer.test(value) && inRange(value, -(2n ** 63n), 2n ** 63n - 1n);
    case 'decimal':
    case 'double':
    case 'float':
      return (value) => real.test(value);
    case 'bool':
      return (value) => /^\s*(true|false)\s*$/i.test(value);
    case 'guid':
      return (value) => guid.test(value.trim());
    case 'datetime':
      return (value) => !Number.isNaN(Date.parse(value));
    case 'alpha':
      return (value) => /^[a-z]*$/i.test(value);
    case 'required':
      return (value) => value !== '';
    case 'length':
      return needsNumbers((value) => value.length >= first && value.length <= second);
    case 'minlength':
      return needsNumbers((value) => value.length >= first);
    case 'maxlength':
      return needsNumbers((value) => value.length <= first);
    case 'min':
      return needsNumbers((value) => integer.test(value) && Number(value) >= first);
    case 'max':
      return needsNumbers((value) => integer.test(value) && Number(value) <= first);
    case 'range':
      return needsNumbers(
        (value) => integer.test(value) && Number(value) >= first && Number(value) <= second,
      );
    case 'regex': {
      const expression = new RegExp(argument ?? '', 'i');
      return (value) => expression.test(value);
    }
    default:
      throw new Error(`the constraint "${name}" is unknown`);
  }
}

function inRange(value: string, least: bigint, most: bigint): boolean {
  const number = BigInt(value.trim().replace(/^\+/, ''));
  return number >= least && number <= most;
}
