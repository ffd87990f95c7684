// The contestants of `http` through node:http. The one argument is the port.
import { createServer } from 'node:http';

function send(response, type, body) {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

const server = createServer((request, response) => {
  const question = request.url.indexOf('?');
  switch (question < 0 ? request.url : request.url.slice(0, question)) {
    case '/':
      send(response, 'text/plain', 'Hello, World!');
      break;
    case '/json': {
      const query = new URLSearchParams(request.url.slice(question + 1));
      const answer = { message: 'hello', n: Number(query.get('n')) };
      send(response, 'application/json', JSON.stringify(answer));
      break;
    }
    case '/echo': {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => send(response, 'text/plain', Buffer.concat(chunks)));
      break;
    }
    default:
      response.writeHead(404).end();
  }
});
server.keepAliveTimeout = 300_000;
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 1024 });
