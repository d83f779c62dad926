/**
 * Packages that are required at the top of a file but hardly ever used, each in a file of its own that is read when the
 * package is first touched: in main.cjs they were nearly half of what is compiled at every start.
 */
const durableFunctions = /node_modules[\\/]durable-functions[\\/]/;

/**
 * By what is imported: whose imports are meant, and what is answered without reading the package, which is either its
 * `__esModule` flag or the names that ES modules import from it.
 */
const lazy = {
  axios: { importers: durableFunctions, esModule: false },
  validator: { importers: durableFunctions, esModule: true },
  moment: { importers: durableFunctions, esModule: false },
  'lodash/cloneDeep': { importers: durableFunctions, esModule: false },
  // Only a policy that asks for a pattern needs it.
  re2js: { importers: /./, names: ['RE2JS'] },
};

/**
 * An esbuild plugin that puts a stand-in in the place of each of these packages. `bundleAlone` makes the file of one, from a
 * name for it and its entry point, and resolves with what the file is called.
 */
export const lazyModules = (bundleAlone) => ({
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(${Object.keys(lazy).join('|')})$`) }, async (args) => {
      const { path, importer, resolveDir, pluginData } = args;
      if (pluginData === lazy || !lazy[path].importers.test(importer)) return;
      // A file of CommonJS, since it is read in the middle of what cannot wait. The plugin data ends the recursion.
      const found = await build.resolve(path, {
        kind: 'require-call',
        importer,
        resolveDir,
        pluginData: lazy,
      });
      if (found.errors.length > 0) return { errors: found.errors };
      return { path, namespace: 'lazy', pluginData: { entryPoint: found.path } };
    });
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path, pluginData }) => ({
      contents: standIn(path, await bundleAlone(`lazy-${path.replace('/', '-')}`, pluginData.entryPoint)),
      loader: 'js',
    }));
    build.onResolve({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({ path, external: true }));
  },
});

function standIn(path, file) {
  const { esModule, names } = lazy[path];
  const load = `
    let loaded;
    const load = () => loaded ??= require('./${file}');`;
  if (names !== undefined) {
    return `${load}
    module.exports = { ${names.map((name) => `get ${name}() { return load().${name}; }`).join(', ')} };`;
  }
  return `${load}
    module.exports = new Proxy(function () {}, {
      get: (_, name) => name === '__esModule' ? ${esModule} : load()[name],
      has: (_, name) => name in load(),
      apply: (_, self, args) => Reflect.apply(load(), self, args),
      construct: (_, args) => Reflect.construct(load(), args),
    });`;
}
