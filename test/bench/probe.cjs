// Loads an app as the Functions worker does, in a process of its own, and tells what it cost as one line of JSON.
// node probe.cjs MAIN [--count]: with --count files are counted instead of time, since counting takes time.
const fs = require('node:fs');
const Module = require('node:module');

const [, , main, count] = process.argv;

const disposable = { dispose() {} };
const core = {
  version: '0.0.0',
  hostVersion: '4.0.0',
  Disposable: class {},
  registerHook: () => disposable,
  registerFunction: () => (registered++, disposable),
  setProgrammingModel() {},
  getProgrammingModel() {},
  log() {},
};
let registered = 0;
const { require: load } = Module.prototype;
Module.prototype.require = function (id) {
  return id === '@azure/functions-core' ? core : load.call(this, id);
};

let files = 0;
if (count !== undefined) {
  // What the module loader reads its sources with.
  const { readFileSync } = fs;
  fs.readFileSync = (...args) => (files++, readFileSync(...args));
}

const start = performance.now();
require(main);
const milliseconds = performance.now() - start;

console.log(JSON.stringify({ milliseconds, files, registered }));
process.exit();
