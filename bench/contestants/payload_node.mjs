// Payloads through a Node worker's postMessage, which clones them. The cases are those of
// lib/payloads.lua.
import { Worker } from 'node:worker_threads';

const SECONDS = 0.4;
const LEAST = 5;
const MOST = 5000;

// A flat one-byte string; repeat() would build a tree of pieces.
const text = (size) => Buffer.alloc(size, '0123456789abcdef').toString('latin1');

const cases = {
  string_1k: () => text(1024),
  string_64k: () => text(64 * 1024),
  string_1m: () => text(1024 * 1024),
  string_16m: () => text(16 * 1024 * 1024),
  string_64m: () => text(64 * 1024 * 1024),
  integers: () => Array.from({ length: 100000 }, (_, i) => (i + 1) * 7919),
  objects: () => Array.from({ length: 10000 }, (_, i) => ({ id: i + 1, name: `object ${i + 1}` })),
};

const worker = new Worker(
  `const { parentPort } = require('node:worker_threads');
   parentPort.on('message', (value) => parentPort.postMessage(value.length));`,
  { eval: true });

let wake;
worker.on('message', (length) => wake(length));

function send(value) {
  return new Promise((resolve) => {
    wake = resolve;
    worker.postMessage(value);
  });
}

for (const [key, make] of Object.entries(cases)) {
  const value = make();
  const trips = [];
  await send(value);
  const deadline = performance.now() + SECONDS * 1000;
  do {
    const start = performance.now();
    const length = await send(value);
    trips.push((performance.now() - start) * 1000);
    if (length !== value.length) throw new Error(key);
  } while (trips.length < MOST && (trips.length < LEAST || performance.now() < deadline));
  trips.sort((a, b) => a - b);
  console.log(`${key} ${trips[Math.ceil(trips.length / 2) - 1].toFixed(2)}`);
}
await worker.terminate();
