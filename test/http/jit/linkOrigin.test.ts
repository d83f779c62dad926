import { expect, it } from 'vitest';
import { linkOrigin } from '../../../src/http/jit/linkOrigin.ts';

const chosen = 'https://sallyport.contoso.example';

it.each([
  'https://fabrikam.example/api',
  'http://localhost:7071/api',
  'https://sallyport.contoso.example.evil/',
])('links begin with what the settings say, whatever host a call names: %s', (url) => {
  expect(linkOrigin(chosen, url)).toBe(chosen);
});

it.each([
  ['http://localhost:7071/api', 'http://localhost:7071'],
  ['http://127.0.0.1:7071/api', 'http://127.0.0.1:7071'],
  ['http://[::1]:7071/api', 'http://[::1]:7071'],
])('links begin where the call came to on this machine: %s', (url, origin) => {
  expect(linkOrigin(undefined, url)).toBe(origin);
});

it.each([
  'https://fabrikam.example/api',
  'https://localhost.fabrikam.example/api',
  'https://localhost@fabrikam.example/api',
  'https://127.0.0.1.fabrikam.example/api',
])('links begin with nothing that a call could have made up: %s', (url) => {
  expect(linkOrigin(undefined, url)).toBeUndefined();
});
