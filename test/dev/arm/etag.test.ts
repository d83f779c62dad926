import { afterEach, beforeEach, expect, it } from 'vitest';
import type { World } from './client.ts';
import { rule, startWorld, textOf, WEB_NSG } from './client.ts';

let world: World;
beforeEach(async () => (world = await startWorld()));
afterEach(() => world.arm.close());

const RULE = `${WEB_NSG}/securityRules/sp-1`;
const bare = (etag: unknown): string => String(etag).slice(3, -1);

async function nsg() {
  const answered = await world.send('GET', WEB_NSG);
  return { etag: textOf(answered.body['etag']), body: answered.body, header: answered.headers.get('etag') };
}

it('a GET has the same etag as header and in the body', async () => {
  const { etag, header } = await nsg();
  expect(header).toBe(etag);
  expect(etag).toMatch(/^W\/"[0-9a-f-]{36}"$/);
});

it('one write changes the etag twice: when it is accepted and when it has ended', async () => {
  const before = (await nsg()).etag;
  const put = (await world.send('PUT', RULE, rule())).body['etag'];
  const during = (await nsg()).etag;
  world.pass(1000);
  const after = (await nsg()).etag;
  expect(during).toBe(put);
  expect(new Set([before, during, after]).size).toBe(3);
});

it('all rules of an NSG share its etag', async () => {
  await world.send('PUT', RULE, rule());
  const { etag } = await nsg();
  const mine = await world.send('GET', RULE);
  const foreign = await world.send('GET', `${WEB_NSG}/securityRules/DenySshFromInternet`);
  expect(mine.headers.get('etag')).toBe(etag);
  expect(foreign.headers.get('etag')).toBe(etag);
});

it('a list has no ETag header', async () => {
  expect((await world.send('GET', `${WEB_NSG}/securityRules`)).headers.get('etag')).toBeNull();
});

it('a whole-NSG PUT with the current etag is accepted', async () => {
  const { etag, body } = await nsg();
  expect((await world.send('PUT', WEB_NSG, body, { 'if-match': etag })).status).toBe(200);
});

it('a stale etag is 412 with both etags, and nothing is written', async () => {
  const { etag, body } = await nsg();
  await world.send('PUT', RULE, rule());
  world.pass(1000);
  const current = (await nsg()).etag;
  const refused = await world.send('PUT', WEB_NSG, body, { 'if-match': etag });
  expect(refused.status).toBe(412);
  expect(refused.headers.get('x-ms-ratelimit-remaining-subscription-global-writes')).toMatch(/^\d+$/);
  expect(refused.body).toEqual({
    error: {
      code: 'PreconditionFailed',
      message: 'Precondition failed.',
      details: [
        {
          code: 'PreconditionFailedEtagMismatch',
          message:
            `Etag provided in if-match header W/"${bare(etag)}" does not match etag W/"${bare(current)}" ` +
            `of resource ${WEB_NSG} in NRP data store.`,
        },
      ],
    },
  });
  expect((await world.send('GET', RULE)).status).toBe(200);
});

it('the etag of a PUT response is stale as soon as the operation has ended', async () => {
  const put = await world.send('PUT', WEB_NSG, { location: 'westeurope' });
  world.pass(1000);
  const again = await world.send('PUT', WEB_NSG, put.body, { 'if-match': textOf(put.body['etag']) });
  expect(again.status).toBe(412);
});

it('garbage in If-Match is 412 and shown as an etag', async () => {
  const { body } = await nsg();
  const refused = await world.send('PUT', WEB_NSG, body, { 'if-match': 'invalid' });
  expect(refused.status).toBe(412);
  expect(textOf(refused.body['error']?.['details']?.[0]?.['message'])).toContain(
    'if-match header W/"invalid"',
  );
});

it('an etag in an ETag header or in the body is ignored', async () => {
  const { body } = await nsg();
  const put = await world.send('PUT', WEB_NSG, { ...body, etag: 'W/"stale"' }, { etag: 'W/"stale"' });
  expect(put.status).toBe(200);
});
