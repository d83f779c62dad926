/**
 * An esbuild plugin: modules that durable-functions requires at its top but hardly ever uses are evaluated when they
 * are first touched. They are a third of the time that the bundle takes to load.
 */

/** CommonJS only: an `__esModule` flag is answered from here, since asking the module would evaluate it. */
const deferred = { axios: false, validator: true, moment: false, 'lodash/cloneDeep': false };

export const lazyModules = {
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(${Object.keys(deferred).join('|')})$`) }, async (args) => {
      if (args.namespace === 'lazy' || !/node_modules[\\/]durable-functions[\\/]/.test(args.importer)) return;
      return { path: args.path, namespace: 'lazy', pluginData: { resolveDir: args.resolveDir } };
    });
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path, pluginData }) => ({
      resolveDir: pluginData.resolveDir,
      loader: 'js',
      contents: `
        let loaded;
        const load = () => loaded ??= require(${JSON.stringify(path)});
        module.exports = new Proxy(function () {}, {
          get: (_, name) => name === '__esModule' ? ${deferred[path]} : load()[name],
          has: (_, name) => name in load(),
          apply: (_, self, args) => Reflect.apply(load(), self, args),
          construct: (_, args) => Reflect.construct(load(), args),
        });`,
    }));
  },
};
