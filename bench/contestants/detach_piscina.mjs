// The trivial task through Node's piscina. The one argument is the number of threads.
import { Piscina } from 'piscina';

const threads = Number(process.argv[2]);
const pool = new Piscina({
  filename: new URL('./detach_piscina_task.cjs', import.meta.url).pathname,
  minThreads: threads,
  maxThreads: threads,
});

async function oneAtATime(seconds) {
  const trips = [];
  let now = performance.now();
  const deadline = now + seconds * 1000;
  while (now < deadline) {
    await pool.run(trips.length);
    const done = performance.now();
    trips.push((done - now) * 1000);
    now = done;
  }
  return trips.sort((a, b) => a - b);
}

async function keepOutstanding(count, seconds) {
  let finished = 0;
  const start = performance.now();
  const deadline = start + seconds * 1000;
  const loop = async (i) => {
    do {
      await pool.run(i);
      finished++;
    } while (performance.now() < deadline);
  };
  await Promise.all(Array.from({ length: count }, (_, i) => loop(i)));
  return finished / ((performance.now() - start) / 1000);
}

await oneAtATime(0.5);
const trips = await oneAtATime(0.5);
const mean = trips.reduce((sum, trip) => sum + trip, 0) / trips.length;
const rate = await keepOutstanding(64, 1);
console.log(`mean_us ${mean.toFixed(3)}`);
console.log(`p50_us ${trips[Math.floor(trips.length / 2)].toFixed(3)}`);
console.log(`p99_us ${trips[Math.floor(trips.length * 0.99)].toFixed(3)}`);
console.log(`per_second ${rate.toFixed(0)}`);
await pool.destroy();
