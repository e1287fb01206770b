/**
 * Electron opens an app path given on its command line through `resources/default_app.asar`; without one it exits silently.
 * The runtime that we unpack has none, so this one is written: it takes a path, `--version` and `-r module`.
 */
const entry = `'use strict';
const { app } = require('electron');
const path = require('node:path');
process.on('uncaughtException', (error) => { console.error(error); app.exit(70); });
const args = process.argv.slice(1);
let target = null;
for (let i = 0; i < args.length; i += 1) {
  if (args[i] === '--version' || args[i] === '-v') { console.log('v' + process.versions.electron); process.exit(0); }
  if (args[i] === '-r' || args[i] === '--require') { require(path.resolve(args[i += 1])); continue; }
  if (args[i].startsWith('--app=')) { target = args[i].slice(6); break; }
  if (!args[i].startsWith('-')) { target = args[i]; break; }
}
if (target === null) { console.error('electron: no app path given'); app.exit(64); }
else {
  const file = path.resolve(target);
  const fs = require('node:fs');
  const isFolder = fs.statSync(file).isDirectory();
  const manifest = isFolder ? JSON.parse(fs.readFileSync(path.join(file, 'package.json'), 'utf8')) : {};
  if (manifest.productName || manifest.name) app.name = manifest.productName || manifest.name;
  if (manifest.version) app.setVersion(manifest.version);
  const main = isFolder ? path.resolve(file, manifest.main || 'index.js') : file;
  app.setAppPath(isFolder ? file : path.dirname(file));
  process.argv = [process.argv[0], ...process.argv.slice(1)];
  require('node:module')._load(main, module, true);
}
`;

/** The asar layout: two length-prefixed pickles around the JSON index, then the files one after another. */
export function defaultAppAsar() {
  const files = { 'package.json': JSON.stringify({ name: 'default-app', main: 'main.js' }), 'main.js': entry };
  let offset = 0;
  const index = {};
  for (const [name, text] of Object.entries(files)) {
    const size = Buffer.byteLength(text);
    index[name] = { size, offset: String(offset) };
    offset += size;
  }
  const json = Buffer.from(JSON.stringify({ files: index }));
  const padded = Math.ceil(json.length / 4) * 4;
  const header = Buffer.alloc(16 + padded);
  header.writeUInt32LE(4, 0);
  header.writeUInt32LE(padded + 8, 4);
  header.writeUInt32LE(padded + 4, 8);
  header.writeUInt32LE(json.length, 12);
  json.copy(header, 16);
  return Buffer.concat([header, ...Object.values(files).map((text) => Buffer.from(text))]);
}
