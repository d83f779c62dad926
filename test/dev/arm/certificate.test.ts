import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ensureCertificate } from '../../../dev/certificate.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'certificate-'));

it('is for this machine alone, and its key is for its owner alone', async () => {
  const { certificate, keyPath } = await ensureCertificate(folder());
  const parsed = new X509Certificate(certificate);
  expect(parsed.checkHost('localhost')).toBe('localhost');
  expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(parsed.checkHost('management.azure.com')).toBeUndefined();
  expect(statSync(keyPath).mode & 0o777).toBe(0o600);
});

it('is used again while it is valid', async () => {
  const place = folder();
  const first = await ensureCertificate(place);
  expect(await ensureCertificate(place)).toEqual(first);
});

it('is made anew when certificate and key do not belong together', async () => {
  const place = folder();
  const first = await ensureCertificate(place);
  const other = await ensureCertificate(folder());
  writeFileSync(first.keyPath, other.key);
  const second = await ensureCertificate(place);
  expect(second.certificate).not.toBe(first.certificate);
});

it('is one and the same for several that start at once', async () => {
  const place = folder();
  const all = await Promise.all(Array.from({ length: 5 }, () => ensureCertificate(place)));
  expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(1);
  expect(readdirSync(place)).toEqual(['localhost']);
});
