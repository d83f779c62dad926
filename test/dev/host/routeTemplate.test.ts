import { describe, expect, test } from 'vitest';

import { parseRouteTemplate } from '../../../dev/host/routeTemplate.ts';

describe('A route template', () => {
  test.each<[string, string, Record<string, string> | undefined]>([
    ['a/{b}', 'A/x', { b: 'x' }],
    ['a/{b}', 'a', undefined],
    ['a/{b?}/{c?}', 'a', {}],
    ['a/{b=1}/{c=2}', 'a/x', { b: 'x', c: '2' }],
    ['a/{*rest}', 'a/b/c/', { rest: 'b/c' }],
    ['file-{name}.{ext}', 'file-a.b.txt', { name: 'a.b', ext: 'txt' }],
    ['{n:int:min(3)}', '2', undefined],
    ['{n:range(3,5)}', '5', { n: '5' }],
    ['{n:length(2)}', 'abc', undefined],
    ['{n:length(2,3)}', 'abc', { n: 'abc' }],
    ['{b:bool}', 'TRUE', { b: 'TRUE' }],
    ['{d:datetime}', '2026-11-23', { d: '2026-11-23' }],
    ['{a:alpha}', 'a1', undefined],
    ['{n:long}', '9223372036854775808', undefined],
    ['{x:regex(^a(b|c)d/?$):maxlength(3)}', 'ACD', { x: 'ACD' }],
    ['{x:regex(^$)?}', '', {}],
    ['{x:regex(^$)?}', 'y', undefined],
    ['', '', {}],
    ['', 'a', undefined],
  ])('%s takes %s as %o', (template, path, values) => {
    expect(parseRouteTemplate(template).match(path)).toEqual(values);
  });

  test.each(['{a}/{A}', '{a', 'a}', '{}', '{a:}', '{a:min}', '{a:regex(()}', '{*a?}', 'a?b', 'x{*a}'])(
    '%s is malformed',
    (template) => expect(() => parseRouteTemplate(template)).toThrow(),
  );
});
