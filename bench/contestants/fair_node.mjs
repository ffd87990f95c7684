// The contestant of `fairness`: node:http with piscina. Arguments: the port, threads, n of fib(n).
import { createServer } from 'node:http';
import { Piscina } from 'piscina';

const [port, threads, n] = process.argv.slice(2).map(Number);
const pool = new Piscina({
  filename: new URL('./fair_node_task.cjs', import.meta.url).pathname,
  minThreads: threads,
  maxThreads: threads,
});

function send(response, body) {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
}

const server = createServer(async (request, response) => {
  send(response, request.url === '/fib' ? String(await pool.run(n)) : 'Hello, World!');
});
server.listen({ host: '127.0.0.1', port });
