import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aBody, createAccessRequestApi, errorsOf, withPort } from '../support/accessRequestApi.ts';
import type { AccessRequestApi } from '../support/accessRequestApi.ts';
import { startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

let issuer: TokenIssuer;
let api: AccessRequestApi;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  api = createAccessRequestApi(issuer);
});

describe('a body that is not right', () => {
  it.each([undefined, ''])('is asked for when it is %j, in words that help', async (body) => {
    const answer = await api.post(body);

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-missing' } });
    expect(answer.json['detail']).toContain('JSON object');
    expect(answer.json['detail']).toContain('Content-Length');
    expect(answer.json['detail']).toContain('chunked');
  });

  it.each([
    ['{', 'body-malformed'],
    ['{"a":1}}', 'body-malformed'],
    ["{'a':1}", 'body-malformed'],
    ['undefined', 'body-malformed'],
  ])('is refused as %j', async (body, code) => {
    expect(await api.post(body)).toMatchObject({ status: 400, json: { code } });
  });

  it('is refused when it is not UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"justification":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);

    expect(await api.post(bytes)).toMatchObject({ status: 400, json: { code: 'body-malformed' } });
  });

  it('may have 64 KiB and not a byte more', async () => {
    const text = JSON.stringify(aBody());

    expect((await api.post(text.padEnd(65_536))).status).toBe(202);
    expect(await api.post(text.padEnd(65_537))).toMatchObject({
      status: 400,
      json: { code: 'body-too-large' },
    });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', ''])(
    'is refused as %j',
    async (type) => {
      const answer = await api.post(aBody(), { 'content-type': type });

      expect(answer).toMatchObject({ status: 415, json: { code: 'content-type-unsupported' } });
    },
  );

  it.each(['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'is taken as %j',
    async (type) => {
      expect((await api.post(aBody(), { 'content-type': type })).status).toBe(202);
    },
  );

  it('is answered with every field that is wrong', async () => {
    const answer = await api.post({
      virtualMachines: [{ id: 'web-1', ports: [{ number: 0, protocol: 'Icmp' }] }],
      duration: 'P1M',
      justification: '',
      state: 'active',
    });

    expect(errorsOf(answer).map(({ field, code }) => [field, code])).toEqual([
      ['virtualMachines[0].id', 'vm-id-malformed'],
      ['virtualMachines[0].ports[0].number', 'out-of-range'],
      ['virtualMachines[0].ports[0].protocol', 'not-allowed'],
      ['duration', 'duration-malformed'],
      ['justification', 'empty'],
      ['state', 'unknown'],
    ]);
  });

  const source = 'virtualMachines[0].ports[0].allowedSourceAddressPrefix';
  it.each([
    ['host bits', withPort({ allowedSourceAddressPrefix: '10.1.2.3/8' }), source, '10.0.0.0/8'],
    ['octal', withPort({ allowedSourceAddressPrefix: '010.0.0.1' }), source, undefined],
    ['a short form', withPort({ allowedSourceAddressPrefix: '1.2.3' }), source, undefined],
    [
      'IPv4 as IPv6',
      withPort({ allowedSourceAddressPrefix: '::ffff:203.0.113.7' }),
      source,
      '203.0.113.7/32',
    ],
    ['multicast', withPort({ allowedSourceAddressPrefix: '224.0.0.1' }), source, undefined],
    ['no time', aBody({ duration: 'PT0S' }), 'duration', undefined],
    ['a negative time', aBody({ duration: '-PT1H' }), 'duration', undefined],
    ['a month', aBody({ duration: 'P1M' }), 'duration', undefined],
    ['a year', aBody({ duration: 'P1Y' }), 'duration', undefined],
    ['a time beyond all limits', aBody({ duration: 'PT99999999H' }), 'duration', undefined],
    ['1,001 characters', aBody({ justification: 'x'.repeat(1_001) }), 'justification', undefined],
    ['control characters', aBody({ justification: 'a\u0007b' }), 'justification', undefined],
    ['an unknown field', aBody({ end: '2099-01-01T00:00:00Z' }), 'end', undefined],
    ['a wrong type', aBody({ virtualMachines: 'web-1' }), 'virtualMachines', undefined],
    ['a malformed id', withPort({}, '../web-1'), 'virtualMachines[0].id', undefined],
  ])('with %s is 400, names the field and reaches no service', async (_name, body, field, correct) => {
    const answer = await api.post(body);

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-invalid' } });
    expect(errorsOf(answer)).toMatchObject([{ field, ...(correct !== undefined && { allowed: correct }) }]);
    expect(answer.json['detail']).toContain(field);
    expect(api.service.calls).toEqual([]);
  });

  it('does not get longer answers the more is wrong', async () => {
    const names = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`x${index}`, 1]));

    expect(errorsOf(await api.post(aBody(names)))).toHaveLength(50);
  });
});

describe('a request beyond the policies', () => {
  it('is denied with the reason and what would be allowed', async () => {
    const answer = await api.post(withPort({ allowedSourceAddressPrefix: '198.51.100.7' }));

    expect(answer).toMatchObject({ status: 403, json: { code: 'source-not-in-policy' } });
    expect(errorsOf(answer)).toMatchObject([
      {
        field: 'virtualMachines[0].ports[0].allowedSourceAddressPrefix',
        code: 'source-not-in-policy',
        allowed: ['203.0.113.0/24', '2001:db8::/48'],
      },
    ]);
  });

  it.each([
    ['another port', withPort({ number: 23 }), 403, 'port-not-in-policy', [22]],
    ['another protocol', withPort({ protocol: 'Udp' }), 403, 'protocol-not-in-policy', ['Tcp']],
    ['a longer duration', aBody({ duration: 'PT4H' }), 400, 'duration-exceeds-policy', 'PT3H'],
    ['a virtual machine without a policy', withPort({}, 'unprotected-1'), 403, 'no-policy', undefined],
  ])('is denied %s', async (_name, body, status, code, allowed) => {
    const answer = await api.post(body);

    expect(answer).toMatchObject({ status, json: { code } });
    expect(errorsOf(answer)[0]).toMatchObject({ code, ...(allowed !== undefined && { allowed }) });
  });

  it('answers 404 for a virtual machine that does not exist', async () => {
    const answer = await api.post(withPort({}, 'gone-1'));

    expect(answer).toMatchObject({ status: 404, json: { code: 'vm-not-found' } });
    expect(errorsOf(answer)[0]?.field).toBe('virtualMachines[0].id');
  });

  it.each(['0.0.0.0/0', '::/0'])(
    'is open to %s only where the policy says so',
    async (allowedSourceAddressPrefix) => {
      const denied = await api.post(withPort({ allowedSourceAddressPrefix }));
      const granted = await api.post(withPort({ allowedSourceAddressPrefix }, 'open-1'));

      expect(denied).toMatchObject({ status: 403, json: { code: 'source-not-in-policy' } });
      expect(granted.status).toBe(202);
    },
  );
});
