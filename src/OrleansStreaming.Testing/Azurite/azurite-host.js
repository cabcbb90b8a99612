'use strict';
// Runs Azurite's blob service in this process, or all of its services, for as long as its owner wants them: until standard
// input ends, which also happens when the owner is killed. Then Azurite saves what it has and this process ends.
//
//   node azurite-host.js MAIN FOLDER PORT                  MAIN is azurite's dist/src/blob/main.js
//   node azurite-host.js MAIN FOLDER PORT TABLEPORT        MAIN is azurite's dist/src/azurite.js
//
// Standard output has one line when it is ready, "listening PORT [TABLEPORT]"; what Azurite says goes to FOLDER/azurite.log.
// Exit code 75: somebody else has the port or the folder, try again.
const fs = require('node:fs');
const path = require('node:path');

const [, , main, folder, port, tablePort] = process.argv;
const stopLimit = 20_000;   // ms until a stop that hangs is broken off
const signalGrace = 10_000; // ms that the owner has for its last writes
const placeTaken = 75;

const log = fs.openSync(path.join(folder, 'azurite.log'), 'a');
const listening = { Blob: '', Table: '' };
console.log = console.error = console.warn = text => {
    fs.writeSync(log, `${new Date().toISOString()} ${process.pid} ${text}\n`);
    const [, service, at] = /(\w+) service (?:successfully listens on|is successfully listening at) http:\/\/.*:(\d+)/.exec(text) ?? [];
    if (service) {
        listening[service] = at;
    }

    if (/EADDRINUSE/.test(text)) {
        process.exit(placeTaken);
    }
};
process.on('uncaughtException', error => {
    console.error(error.stack);
    process.exit(error.code === 'EEXIST' ? placeTaken : 1);
});

// No two processes on one folder. The file stays when this process is killed; then the next owner finds nobody with that number.
const pidFile = path.join(folder, 'azurite.pid');
fs.writeFileSync(pidFile, `${process.pid}`, { flag: 'wx' });
process.on('exit', () => fs.rmSync(pidFile, { force: true }));

let stop = () => process.exit(0); // Before it listens it has confirmed nothing.
let stopping = false;
function end() {
    if (!stopping) {
        stopping = true;
        setTimeout(() => {
            console.error(`Azurite did not stop within ${stopLimit} ms.`);
            process.exit(1);
        }, stopLimit).unref();
        stop();
    }
}

process.stdin.on('end', end).on('error', end).resume();
process.stdout.on('error', () => { }); // Nobody reads any more.

// Signals of a terminal or of a service manager go to all processes of the application. The owner still has to write what
// it has in memory; so it decides, not the signal.
process.on('SIGINT', () => { }).on('SIGHUP', () => { }).on('SIGTERM', () => setTimeout(end, signalGrace).unref());

// Azurite asks to be told of signals and of the message "shutdown" once it serves.
const once = process.once;
process.once = function (event, listener) {
    if (event === 'message') {
        stop = () => listener('shutdown');
        process.stdout.write(`listening ${listening.Blob} ${listening.Table}\n`);
    } else if (event !== 'SIGINT' && event !== 'SIGTERM') {
        return once.call(this, event, listener);
    }

    return this;
};

process.argv = [process.execPath, main,
    '--disableTelemetry', '--silent', '--skipApiVersionCheck', '--blobHost', '127.0.0.1', '--blobPort', port, '--location', folder,
    ...tablePort ? ['--queueHost', '127.0.0.1', '--queuePort', '0', '--tableHost', '127.0.0.1', '--tablePort', tablePort] : []];
require(main);
