// The contestants of `http` through fastify. The one argument is the port.
import fastify from 'fastify';

const app = fastify({ keepAliveTimeout: 300_000 });

const answer = {
  type: 'object',
  properties: { message: { type: 'string' }, n: { type: 'integer' } },
};
const query = { type: 'object', properties: { n: { type: 'integer' } } };

app.get('/', (request, reply) => {
  reply.type('text/plain').send('Hello, World!');
});
app.get('/json', { schema: { querystring: query, response: { 200: answer } } },
  (request, reply) => {
    reply.send({ message: 'hello', n: request.query.n });
  });
app.post('/echo', (request, reply) => {
  reply.type('text/plain').send(request.body);
});

await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
