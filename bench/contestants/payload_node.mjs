// Payloads through a Node worker's postMessage, which clones them. The cases are those of
// lib/payloads.lua.
import { Worker } from 'node:worker_threads';

const SECONDS = 0.4;
const LEAST = 15;
const MOST = 5000;

// Flat one-byte strings; repeat() and templates would build trees of pieces, for the clone to join.
const flat = (string) => Buffer.from(string, 'latin1').toString('latin1');

function text(size) {
  const bytes = Buffer.alloc(size, '0123456789abcdef');
  return (trip) => {
    bytes.write(String(trip).padStart(16, '0'), size - 16, 'latin1');
    return bytes.toString('latin1');
  };
}

const integers = () => Array.from({ length: 100000 }, (_, i) => (i + 1) * 7919);

function objects(trip) {
  const list = [];
  for (let i = 1; i <= 10000; i++) list.push({ id: i, name: flat(`object ${trip}.${i}`) });
  return list;
}

// What makes what makes the value of a trip, as there.
const cases = {
  string_1k: () => text(1024),
  string_64k: () => text(64 * 1024),
  string_1m: () => text(1024 * 1024),
  string_16m: () => text(16 * 1024 * 1024),
  string_64m: () => text(64 * 1024 * 1024),
  integers: () => integers,
  objects: () => objects,
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

for (const [key, maker] of Object.entries(cases)) {
  globalThis.gc();
  const make = maker();
  let value = make(0);
  const trips = [];
  await send(value);
  const deadline = performance.now() + SECONDS * 1000;
  do {
    if (make !== integers) value = make(trips.length + 1);
    const start = performance.now();
    const length = await send(value);
    trips.push((performance.now() - start) * 1000);
    if (length !== value.length) throw new Error(key);
  } while (trips.length < MOST && (trips.length < LEAST || performance.now() < deadline));
  trips.sort((a, b) => a - b);
  console.log(`${key} ${trips[Math.ceil(trips.length / 2) - 1].toFixed(2)}`);
}
await worker.terminate();
