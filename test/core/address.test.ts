import { describe, expect, it } from 'vitest';
import { aggregate, canonicalPrefix, familyOf, isEverybody, parsePrefix } from '../../src/core/address.ts';

describe('parsePrefix', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7/32'],
    ['203.0.113.0/24', '203.0.113.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['0.0.0.0', '0.0.0.0/32'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1/128'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0/128'],
    ['2001:db8::/48', '2001:db8::/48'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221/128'],
    ['::/0', '::/0'],
  ])('reads %s as %s', (text, prefix) => {
    expect(parsePrefix(text)).toEqual({ ok: true, prefix, family: prefix.includes(':') ? 'IPv6' : 'IPv4' });
  });

  // Each of these is read as some other address by one library or another, or means something wider to Azure.
  it.each([
    '',
    '*',
    'Any',
    'Internet',
    'VirtualNetwork',
    '010.0.0.1',
    '10.0.0.01',
    '0x7f.0.0.1',
    '0x7f000001',
    '2130706433',
    '127.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/08',
    '1.2.3.4/+8',
    '1.2.3.4/-1',
    '1.2.3.4/8/8',
    '1.2.3.4/255.255.255.0',
    '1.2.3.4-1.2.3.9',
    '１.2.3.4',
    '/24',
    '::/129',
    '::/00',
    '1::2::3',
    ':::',
    '12345::',
    '2001:db8::00001',
    '[2001:db8::1]',
    'fe80::1%eth0',
    '224.0.0.1',
    '239.0.0.0/8',
    'ff02::1',
    'ff00::/8',
  ])('refuses %j with a sentence', (text) => {
    const result = parsePrefix(text);
    expect(result).toMatchObject({ ok: false });
    expect(result).toHaveProperty('problem', expect.stringMatching(/^.+\.$/));
    expect(result).not.toHaveProperty('correct');
  });

  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1/32'],
    ['::FFFF:c000:201/128', '192.0.2.1/32'],
    ['0:0:0:0:0:ffff:192.0.2.0/120', '192.0.2.0/24'],
    ['::ffff:192.0.2.1/120', '192.0.2.0/24'],
    ['::192.0.2.1', '192.0.2.1/32'],
    [' 203.0.113.7', '203.0.113.7/32'],
    ['203.0.113.0 / 24', '203.0.113.0/24'],
  ])('refuses %j and says that %s would be right', (text, correct) => {
    expect(parsePrefix(text)).toMatchObject({ ok: false, correct });
  });

  it('does not propose an address that it would refuse', () => {
    expect(parsePrefix('::ffff:224.0.0.1')).not.toHaveProperty('correct');
    expect(parsePrefix('::224.0.0.1')).not.toHaveProperty('correct');
  });

  it('cuts an endless text short in its sentence', () => {
    const result = parsePrefix('9'.repeat(10_000));
    expect(result.ok ? '' : result.problem.length).toBeLessThan(300);
  });
});

describe('canonicalPrefix', () => {
  it('reads what stands in rules of others, multicast included', () => {
    expect(canonicalPrefix('10.0.0.1')).toBe('10.0.0.1/32');
    expect(canonicalPrefix('224.0.0.0/4')).toBe('224.0.0.0/4');
  });

  it.each(['*', 'Internet', '10.0.0.1/8', '::10.0.0.1', '010.0.0.1'])(
    'does not take %s for a prefix',
    (text) => {
      expect(canonicalPrefix(text)).toBeUndefined();
    },
  );
});

describe('aggregate', () => {
  it('drops what is contained and merges siblings up to their parent', () => {
    expect(
      aggregate([
        '10.0.1.0/24',
        '10.0.0.128/25',
        '10.0.0.7/32',
        '10.0.0.0/25',
        '2001:db8:8000::/33',
        '2001:db8::/33',
      ]),
    ).toEqual(['10.0.0.0/23', '2001:db8::/32']);
  });

  it('does not merge neighbours that are no siblings', () => {
    expect(aggregate(['10.0.0.2/32', '10.0.0.1/32'])).toEqual(['10.0.0.1/32', '10.0.0.2/32']);
  });

  it('sees everybody in two halves', () => {
    expect(aggregate(['128.0.0.0/1', '0.0.0.0/1']).some(isEverybody)).toBe(true);
  });
});

describe('familyOf', () => {
  it('tells the families apart', () => {
    expect([familyOf('10.0.0.0/8'), familyOf('2001:db8::/32')]).toEqual(['IPv4', 'IPv6']);
  });
});
