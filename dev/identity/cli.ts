import { parseArgs } from 'node:util';
import { people } from '../sample/people.ts';
import { startIdentity } from './server.ts';
import type { IdentityOptions } from './server.ts';

const help = `Usage: npm run dev:identity -- [--port N] [--key-file FILE] [--audience URI] [--resource URI]…

An OIDC issuer for development on 127.0.0.1. It gives a token for any sample person to anybody on this machine:
trust it nowhere else.

  --port N          port to listen on (default 8080; 0 takes a free one)
  --key-file FILE   keeps the signing key across restarts (made when missing, mode 0600)
  --audience URI    audience of people's tokens (default api://sallyport)
  --resource URI    what there are tokens for beside the app and Azure Resource Manager; may be repeated

  GET /token?person=NAME[&lifetime=SECONDS][&format=text][&resource=URI]
      NAME: ${Object.keys(people).join(', ')}; resource: for calls of theirs to Azure
  GET /msi/token?resource=…&api-version=2019-08-01
      the app's managed identity, as App Service serves it
`;

try {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8080' },
      'key-file': { type: 'string' },
      audience: { type: 'string' },
      resource: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(help);
  } else {
    await serve(values.port, {
      resources: values.resource,
      ...(values['key-file'] !== undefined && { keyFile: values['key-file'] }),
      ...(values.audience !== undefined && { audience: values.audience }),
    });
  }
} catch (error) {
  console.error(sentence(error));
  process.exitCode = 1;
}

async function serve(portText: string, options: IdentityOptions): Promise<void> {
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port > 65_535) throw new Error('--port must be a number from 0 to 65535.');
  const identity = await startIdentity({ ...options, port });
  console.log(
    JSON.stringify({
      ready: true,
      url: identity.url,
      issuer: identity.issuer,
      tenantId: identity.tenantId,
      audience: identity.audience,
      managedIdentity: identity.managedIdentity,
      processId: process.pid,
    }),
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void identity.stop().then(() => process.exit()));
  }
}

function sentence(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return 'The port is in use. Choose another with --port.';
  }
  return error instanceof Error ? error.message : String(error);
}
