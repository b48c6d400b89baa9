// A broker of aedes, set up by the JSON file that the first argument names (see ../README.md).

import { readFileSync } from 'node:fs'
import { createServer as http } from 'node:http'
import { createServer as https } from 'node:https'
import { createServer as tcp } from 'node:net'
import { createServer as tls } from 'node:tls'

import { Aedes } from 'aedes'
import { WebSocketServer, createWebSocketStream } from 'ws'

const setup = JSON.parse(readFileSync(process.argv[2], 'utf8'))

/** True where the filter takes every topic that `asked` takes. */
function covers(filter, asked) {
  const [wide, narrow] = [filter.split('/'), asked.split('/')]
  for (const [place, level] of wide.entries()) {
    if (level === '#') return true
    if (narrow[place] === undefined || narrow[place] === '#') return false
    if (level !== '+' && level !== narrow[place]) return false
  }
  return wide.length === narrow.length
}

function may(client, topic) {
  if (!setup.rights) return true
  const filters = setup.rights[client.plumblineUser ?? ''] ?? []
  return filters.some((filter) => covers(filter, topic))
}

const broker = await Aedes.createBroker({
  authenticate(client, user, password, done) {
    if (!setup.users) return done(null, true)
    const known = user !== undefined && Object.hasOwn(setup.users, user)
    client.plumblineUser = user
    if (known && setup.users[user] !== password?.toString() && setup.tells) {
      return done(Object.assign(new Error('wrong password'), { returnCode: 4 }))
    }
    done(null, known && setup.users[user] === password?.toString())
  },
  authorizeSubscribe(client, subscription, done) {
    done(null, may(client, subscription.topic) ? subscription : null)
  },
  // As aedes' own default does.
  authorizePublish(client, packet, done) {
    if (packet.topic.startsWith('$SYS/')) return done(new Error('$SYS is the broker\'s own'))
    done(may(client, packet.topic) ? null : new Error('no right to write there'))
  },
})

const secrets = setup.certificate && {
  cert: readFileSync(setup.certificate),
  key: readFileSync(setup.key),
}
let server
if (setup.websockets) {
  server = secrets ? https(secrets) : http()
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
    verifyClient: ({ origin }) => !setup.origins || !origin || setup.origins.includes(origin),
  })
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket)
    // A client that goes away in the middle is nothing to fall over.
    stream.on('error', () => {})
    broker.handle(stream, request)
  })
} else {
  server = secrets ? tls(secrets, broker.handle) : tcp(broker.handle)
}
server.on('tlsClientError', () => {})
server.listen(setup.port, '127.0.0.1')
