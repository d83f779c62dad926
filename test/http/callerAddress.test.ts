import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { callerAddress } from '../../src/http/callerAddress.ts';
import { calledFrom, createAccessRequestApi, errorsOf, vm, withPort } from '../support/accessRequestApi.ts';
import type { AccessRequestApi } from '../support/accessRequestApi.ts';
import { startTokenIssuer } from '../support/tokenIssuer.ts';
import type { TokenIssuer } from '../support/tokenIssuer.ts';

const person = {};
/** Through so many trusted proxies, with the header as the host joins it. */
function from(forwardedFor: string | undefined, hops = 1, caller: { isApplication?: true } = person) {
  const headers = new Headers(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor });
  return callerAddress({ headers }, caller, hops);
}
const detailOf = (result: ReturnType<typeof callerAddress>) => (result.ok ? result.prefix : result.detail);

describe('the address of the caller', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7/32'],
    ['203.0.113.7:50123', '203.0.113.7/32'],
    ['[2001:db8::7]:443', '2001:db8::7/128'],
    ['[2001:db8::7]', '2001:db8::7/128'],
    ['2001:DB8:0:0::7', '2001:db8::7/128'],
    ['::ffff:203.0.113.7', '203.0.113.7/32'],
    ['[::FFFF:203.0.113.7]:443', '203.0.113.7/32'],
    ['::ffff:cb00:7107', '203.0.113.7/32'],
    ['8.8.8.8', '8.8.8.8/32'],
  ])('is read from %s', (entry, prefix) => {
    expect(from(entry)).toEqual({ ok: true, prefix, foundBy: 'It is the last entry of x-forwarded-for.' });
  });

  it('is counted from the right, so that what a caller writes is never it', () => {
    const chain = '198.51.100.1, 203.0.113.7:50123,  10.0.0.4:443';

    expect(from(chain, 2)).toMatchObject({
      prefix: '203.0.113.7/32',
      foundBy: 'It is entry 2 from the right of x-forwarded-for.',
    });
    expect(from(chain, 3)).toMatchObject({ prefix: '198.51.100.1/32' });
    expect(detailOf(from(chain, 1))).toContain('10.0.0.4, a private address');
  });

  it('does not change with anything before the entries of trusted proxies', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[\x21-\x2b\x2d-\x7e]{0,20}$/)), {
          maxLength: 5,
        }),
        (written) => {
          expect(from([...written, '203.0.113.7:1', '10.0.0.4'].join(', '), 2)).toMatchObject({
            prefix: '203.0.113.7/32',
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['10.1.2.3', 'a private address'],
    ['172.31.255.255', 'a private address'],
    ['192.168.0.1:80', 'a private address'],
    ['fd00::1', 'a private address'],
    ['100.64.0.1', 'a carrier shares'],
    ['100.127.255.255', 'a carrier shares'],
    ['127.0.0.1', 'a loopback address'],
    ['::1', 'an address of no host'],
    ['::', 'an address of no host'],
    ['0.0.0.0', 'an address of no host'],
    ['255.255.255.255', 'an address of no host'],
    ['169.254.169.254', 'a link-local address'],
    ['[fe80::1]:443', 'a link-local address'],
    ['224.0.0.1', 'a multicast address'],
    ['ff02::1', 'a multicast address'],
    ['168.63.129.16', 'an address of Azure itself'],
    ['::ffff:10.1.2.3', 'a private address'],
    ['64:ff9b::a01:203', 'an address of no host'],
  ])('cannot be %s, %s', (entry, kind) => {
    expect(detailOf(from(entry))).toContain(kind);
  });

  it.each(['100.63.255.255', '100.128.0.1', '172.32.0.1', '11.0.0.1', '2001:db8::1', '3fff::1'])(
    'may be %s, next to what it cannot be',
    (entry) => {
      expect(from(entry).ok).toBe(true);
    },
  );

  it.each([
    ...['unknown', '', '_x', '203.0.113.0/24', '203.0.113', '0203.0.113.7', '[203.0.113.7]', '"203.0.113.7"'],
    ...[
      '203.0.113.7:',
      '203.0.113.7:123456',
      'fe80::1%eth0',
      '[2001:db8::7',
      '2001:db8::7]:443',
      '203.0.113.7 1',
      '1:2:3:4:5:6:7:8:443',
    ],
  ])('is not guessed from %j', (entry) => {
    expect(from(`198.51.100.1,${entry}`).ok).toBe(false);
  });

  it.each([
    ['no proxy is trusted', from('203.0.113.7', 0), 'has not been told how many proxies'],
    ['there is no header', from(undefined), 'fewer proxies than the 1'],
    ['there are fewer entries than proxies', from('203.0.113.7', 2), 'fewer proxies than the 2'],
    ['the header is endless', from('203.0.113.7,'.repeat(1_000) + '203.0.113.7'), 'too long'],
    ['the caller is an application', from('203.0.113.7', 1, { isApplication: true }), 'An application'],
  ])('is not known where %s, and the refusal says what to do', (_case, result, why) => {
    expect(detailOf(result)).toContain(why);
    expect(detailOf(result)).toContain(
      'behind a VPN or proxy give the address of its gateway or the range of your organisation',
    );
  });
});

describe('a request without a source', () => {
  let issuer: TokenIssuer;
  let api: AccessRequestApi;
  beforeAll(async () => {
    issuer = await startTokenIssuer();
  });
  afterAll(() => issuer.close());
  beforeEach(() => {
    api = createAccessRequestApi(issuer);
  });

  it("is for the caller's own address, and the answer says which and how it was found", async () => {
    const answer = await api.post(withPort({}));

    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({
      virtualMachines: [{ ports: [{ allowedSourceAddressPrefixes: ['203.0.113.7/32'] }] }],
      callerAddress: {
        allowedSourceAddressPrefix: '203.0.113.7/32',
        foundBy: 'It is the last entry of x-forwarded-for.',
      },
    });
  });

  it("says nothing of the caller's address where every source is named", async () => {
    const answer = await api.post(withPort({ allowedSourceAddressPrefix: '203.0.113.7' }), {
      'x-forwarded-for': 'unknown',
    });

    expect(answer.status).toBe(202);
    expect(answer.json).not.toHaveProperty('callerAddress');
  });

  it('is one address also where the policy admits everybody', async () => {
    const answer = await api.post(withPort({}, 'open-1'), { 'x-forwarded-for': '[2001:db8::7]:443' });

    expect(answer.json).toMatchObject({
      virtualMachines: [{ ports: [{ allowedSourceAddressPrefixes: ['2001:db8::7/128'] }] }],
    });
  });

  it('is held against the policy like any other', async () => {
    const answer = await api.post(withPort({}), { 'x-forwarded-for': '198.51.100.7' });

    expect(answer).toMatchObject({ status: 403, json: { code: 'source-not-in-policy' } });
  });

  it('is refused where the address cannot be told, naming every port, and nothing is submitted', async () => {
    const ports = [{ number: 22 }, { number: 22, allowedSourceAddressPrefix: '203.0.113.9' }, { number: 23 }];
    const body = { ...withPort({}), virtualMachines: [{ id: vm('web-1'), ports }] };

    const answer = await api.post(body, { 'x-forwarded-for': '10.0.0.4' });

    expect(answer).toMatchObject({ status: 400, json: { code: 'body-invalid' } });
    expect(errorsOf(answer).map(({ field, code }) => [field, code])).toEqual([
      ['virtualMachines[0].ports[0].allowedSourceAddressPrefix', 'caller-address-unknown'],
      ['virtualMachines[0].ports[2].allowedSourceAddressPrefix', 'caller-address-unknown'],
    ]);
    expect(api.service.calls).toEqual([]);
  });

  it('of an application is refused, and one with a source is not', async () => {
    const token = { authorization: `Bearer ${await issuer.sign({ idtyp: 'app' })}` };

    expect(errorsOf(await api.post(withPort({}), token))[0]?.detail).toContain('An application');
    expect((await api.post(withPort({ allowedSourceAddressPrefix: '203.0.113.7' }), token)).status).toBe(202);
  });

  it('counts a header that was sent twice as one chain', async () => {
    const forged = `198.51.100.1, ${calledFrom['x-forwarded-for']}`;

    expect((await api.post(withPort({}), { 'x-forwarded-for': forged })).status).toBe(202);
  });
});
