#!/usr/bin/env node
// Looks at the Node version before anything newer is parsed: this file keeps to what Node 10 understands.
'use strict';

var fs = require('fs');
var path = require('path');

var needed = [22, 22, 0]; // as package.json's "engines"; test/cli holds the two together

function isOld(version) {
  var found = version.replace(/^v/, '').split(/[.-]/).map(Number);
  for (var i = 0; i < needed.length; i += 1) {
    if (found[i] !== needed[i]) return found[i] < needed[i];
  }
  return false;
}

/** In the repository a Node of the right version comes with "npm ci". */
function ownNode() {
  try {
    var candidate = fs.realpathSync(path.join(__dirname, '..', '..', 'node_modules', '.bin', 'node'));
    return candidate === fs.realpathSync(process.execPath) ? undefined : candidate;
  } catch (error) {
    return undefined;
  }
}

function runWith(node) {
  // the channel closes when this process ends, be it by SIGKILL: then the child drains and ends as well
  var child = require('child_process').spawn(node, [__filename].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: Object.assign({}, process.env, { MILLRACE_LAUNCHED: '1' }),
  });
  // a terminal sends its Ctrl-C to the child as well: passed on, it would count as the second one
  process.on('SIGINT', function () {});
  process.on('SIGTERM', function () {
    child.kill('SIGTERM');
  });
  child.on('error', refuse);
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function refuse() {
  console.error('millrace: needs Node >= ' + needed.join('.') + ', this is ' + process.version + ' (' + process.execPath + ')');
  console.error('  get it from https://nodejs.org, or with: nvm install 24   (fnm, volta and mise do as well)');
  process.exit(1);
}

function runHere() {
  require('module').enableCompileCache(); // half the start is stripping types and compiling
  var main = fs.existsSync(path.join(__dirname, 'main.ts')) ? 'main.ts' : 'main.js'; // the repository's sources, or the package's
  import(require('url').pathToFileURL(path.join(__dirname, main)).href)
    .then(function (loaded) {
      return loaded.main(process.argv.slice(2));
    })
    .catch(function (error) {
      console.error(error);
      process.exit(1);
    });
}

if (!isOld(process.version)) runHere();
else if (ownNode()) runWith(ownNode());
else refuse();
