// A TLS server of Node. Arguments: port, options of tls.createServer as JSON, and PEM files with a
// certificate and its key each.
'use strict';
const fs = require('node:fs');
const tls = require('node:tls');

const [port, options, ...files] = process.argv.slice(2);
const pem = files.map((file) => fs.readFileSync(file));
const server = tls.createServer({ ...JSON.parse(options), cert: pem, key: pem }, (socket) => {
  socket.on('error', () => {});
  socket.resume();
});
server.on('tlsClientError', () => {});
server.listen(Number(port), '127.0.0.1');
