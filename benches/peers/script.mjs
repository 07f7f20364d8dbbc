// The script that one writes with socket.io-client to load a chat: the same work and the same
// arguments as the minimal client (src/bin/client.rs), without its histograms' precision.

import { io } from 'socket.io-client'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    clients: { type: 'string', default: '100' },
    group: { type: 'string', default: '2' },
    rate: { type: 'string' },
    idle: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '10' },
  },
})
const clients = Number(values.clients)
const group = Number(values.group)
const period = values.rate ? (clients / Number(values.rate)) * 1000 : 0
const [idle, lasts] = [Number(values.idle) * 1000, Number(values.seconds) * 1000]

const acks = []
const deliveries = []
const late = []

// Connections that are opened at once.
const DOORS = 128

const connect = (number) =>
  new Promise((resolve, reject) => {
    const socket = io(`http://${values.target}`, {
      transports: ['websocket'],
      auth: { user: `u${number}` },
      forceNew: true,
      reconnection: false,
    })
    socket.on('message', ({ text }) => {
      deliveries.push(performance.now() - Number(text.slice(0, text.indexOf(' '))))
    })
    socket.on('connect_error', reject)
    socket.on('connect', () => socket.emit('join', `p${Math.floor(number / group)}`, () => resolve(socket)))
  })

const connectAll = async () => {
  const sockets = new Array(clients)
  let next = 0
  const door = async () => {
    while (next < clients) {
      const number = next++
      sockets[number] = await connect(number)
    }
  }
  await Promise.all(Array.from({ length: DOORS }, door))
  return sockets
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

// One send in flight.
const live = async (socket, number, begin) => {
  const end = begin + lasts
  const room = `p${Math.floor(number / group)}`
  let due = begin + (period * number) / clients
  for (let sent = 1; ; sent++) {
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    const now = performance.now()
    if (now >= end) return
    late.push(now - due)
    const text = `${now} see you at the station at half past nine`
    await new Promise((resolve) =>
      socket.emit('send', { room, text, key: `${number}-${sent}-0123-4567-89abcdef` }, resolve),
    )
    const acked = performance.now()
    acks.push(acked - now)
    due = period ? due + period : acked
  }
}

const percentiles = (list) => {
  const sorted = Float64Array.from(list).sort()
  const at = (share) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 1000)
  return { count: sorted.length, p50_us: at(0.5), p99_us: at(0.99) }
}

const sockets = await connectAll()
const begin = performance.now() + idle
await Promise.all(sockets.map((socket, number) => live(socket, number, begin)))
console.log(JSON.stringify({ ack: percentiles(acks), delivery: percentiles(deliveries), late: percentiles(late) }))
for (const socket of sockets) socket.disconnect()
