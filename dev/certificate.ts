import { randomUUID, X509Certificate, createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate for https on this machine alone. `certificatePath` is what NODE_EXTRA_CA_CERTS wants. */
export interface LocalCertificate {
  certificatePath: string;
  keyPath: string;
  /** PEM. */
  certificate: string;
  /** PEM. */
  key: string;
}

const DAY_MS = 86_400_000;
const VALID_DAYS = 30;

/**
 * Returns the throw-away certificate for localhost, 127.0.0.1 and ::1 in a folder, making it when there is none that is
 * valid for another day. Certificate and key always belong together, also when several processes start at once.
 */
export async function ensureCertificate(folder: string): Promise<LocalCertificate> {
  const pair = resolve(folder, 'localhost');
  const existing = read(pair);
  if (existing) return existing;
  const fresh = resolve(folder, `localhost-${randomUUID()}`);
  mkdirSync(fresh, { recursive: true });
  const { cert, private: key } = await makePair();
  writeFileSync(join(fresh, 'cert.pem'), cert);
  writeFileSync(join(fresh, 'key.pem'), key, { mode: 0o600 });
  // Both files arrive in one rename; whoever comes second finds the folder taken and uses what is there.
  if (existsSync(pair) && !read(pair)) rmSync(pair, { recursive: true });
  try {
    renameSync(fresh, pair);
  } catch (error) {
    rmSync(fresh, { recursive: true });
    if (!read(pair)) throw error;
  }
  const made = read(pair);
  if (!made) throw new Error(`no usable certificate in ${pair}`);
  return made;
}

function read(pair: string): LocalCertificate | undefined {
  const certificatePath = join(pair, 'cert.pem');
  const keyPath = join(pair, 'key.pem');
  try {
    const certificate = readFileSync(certificatePath, 'utf8');
    const key = readFileSync(keyPath, 'utf8');
    const parsed = new X509Certificate(certificate);
    const usable =
      Date.parse(parsed.validTo) > Date.now() + DAY_MS &&
      parsed.checkIP('127.0.0.1') !== undefined &&
      parsed.checkPrivateKey(createPrivateKey(key));
    return usable ? { certificatePath, keyPath, certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

function makePair() {
  // An hour back: a container's clock may lag behind its host's.
  const notBeforeDate = new Date(Date.now() - 3_600_000);
  return generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate: new Date(notBeforeDate.getTime() + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
}
