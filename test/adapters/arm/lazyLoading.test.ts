import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

describe('an adapter that not every start needs', () => {
  it.each(['arm/arm', 'arm/credential', 'blobs/auditExport'])(
    'loads no Azure library with %s, only at the first call',
    async (file) => {
      const { metafile } = await build({
        entryPoints: [`src/adapters/${file}.ts`],
        bundle: true,
        packages: 'external',
        format: 'esm',
        write: false,
        metafile: true,
      });
      const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
      const azure = imports.filter(({ path }) => path.startsWith('@azure/'));
      expect(azure.length).toBeGreaterThan(0);
      expect(new Set(azure.map(({ kind }) => kind))).toEqual(new Set(['dynamic-import']));
    },
  );
});
