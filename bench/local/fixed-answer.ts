import { createServer } from 'node:net';

const answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}';

/** Answers every request with the same bytes. The argument is the port. */
createServer((socket) => {
  socket.on('data', () => socket.write(answer)).on('error', () => socket.destroy());
}).listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit());
