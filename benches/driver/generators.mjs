// Who is measured: for each generator the command that makes it do a piece of work, and what it says
// of itself afterwards.
//
// A piece of work: { clients, group, rate, idle, seconds }. Without a rate each client sends again as
// soon as its last message is acked.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const benches = dirname(dirname(fileURLToPath(import.meta.url)))
const root = dirname(benches)
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
const peers = process.env.CARGO_TARGET_DIR ?? join(benches, 'peers', 'target')

export const paths = {
  root,
  benches,
  assize: join(target, 'release', 'assize'),
  server: join(peers, 'release', 'server'),
  client: join(peers, 'release', 'client'),
  script: join(benches, 'peers', 'script.mjs'),
  artillery: join(benches, 'node_modules', '.bin', 'artillery'),
}

// Clients per second that a scenario lets in; the others connect as fast as they can.
const ARRIVALS = 2_000

const words = ({ clients, group, rate, idle, seconds }, url) => [
  ...['--target', new URL(url).host, '--clients', String(clients), '--group', String(group)],
  ...(rate ? ['--rate', String(rate)] : []),
  ...['--idle', String(idle), '--seconds', String(seconds)],
]

// The last line of standard output, as peers of ours write it.
const told = (run) => {
  const figures = JSON.parse(run.stdout.trim().split('\n').at(-1))
  return {
    ackP99: figures.ack.p99_us / 1e3,
    deliveryP99: figures.delivery.p99_us / 1e3,
    lateP99: figures.late.p99_us / 1e3,
  }
}

const scenario = ({ clients, group, rate, idle, seconds, connecting }) => {
  const rooms = Math.floor(clients / group)
  const talk = connecting
    ? 'send: 10/s in all'
    : rate
    ? `send: ${rate}/s in all, texts: { short: 100% }`
    : 'converse: { share: 100%, think: 0s }'
  const conversations = group === 2 ? `pairs: ${rooms}` : `groups: [{ count: ${rooms}, size: ${group} }]`
  const arriving = connecting ?? Math.max(1, clients / ARRIVALS)
  return `assize: 1
name: bench
about: A piece of work of the benchmarks.
people: { count: ${clients} }
conversations: { ${conversations} }
phases:
  - connect: { lasts: ${arriving * 1000}ms, connect: 100% }
  - idle: { lasts: ${idle * 1000 + 500}ms }
  - traffic: { lasts: ${seconds * 1000}ms, ${talk} }
patience: 30s
`
}

// What the reference server plays.
const REFERENCE = join(root, 'specs', 'callback-ack.yaml')

const assize = (name, about, options) => ({
  name,
  about,
  most: 18_000,
  reference: [paths.assize, 'serve', '--spec', REFERENCE],
  command(work, url, folder) {
    const file = join(folder, 'bench.yaml')
    writeFileSync(file, scenario(work))
    const spec = work.connecting ? REFERENCE : join(benches, 'chat.yaml')
    return [paths.assize, 'run', file, '--spec', spec, '--target', url, '--out', folder, '--shards', '1', ...options]
  },
  told(run, folder) {
    const made = readdirSync(folder).find((entry) => entry.includes('-bench-'))
    const report = JSON.parse(readFileSync(join(folder, made, 'report.json'), 'utf8'))
    const p99 = (series) => report.latencies.find((latency) => latency.series === series)?.actual.p99 / 1e6
    return {
      ackP99: p99('ack'),
      deliveryP99: p99('delivery'),
      lateP99: report.generator.lag.p99 / 1e6,
      exit: run.code,
      verdicts: report.verdicts.filter((verdict) => verdict.standing === 'pass').length,
    }
  },
})

const artilleryScript = ({ clients, group, rate, idle, seconds }, url) => {
  // A virtual user's own pace, as users of Artillery write it: think, then send.
  const think = rate ? clients / rate : 0
  const count = rate ? Math.ceil(seconds / think) + 1 : 1_000_000
  const key = '{{ $randomNumber(1, 1000000000) }}'
  const send = {
    emit: ['send', { room: '{{ room }}', text: 'see you at the station at half past nine', key }],
    acknowledge: {},
  }
  return {
    config: {
      target: url,
      socketio: { transports: ['websocket'], auth: { user: 'a' } },
      processor: join(benches, 'peers', 'artillery.mjs'),
      variables: { group },
      phases: [{ duration: Math.max(1, Math.ceil(clients / 500)), arrivalCount: clients }],
    },
    scenarios: [
      {
        engine: 'socketio',
        flow: [
          { function: 'takeRoom' },
          { emit: ['join', '{{ room }}'], acknowledge: {} },
          { think: idle + Math.max(1, Math.ceil(clients / 500)) },
          { loop: think ? [send, { think }] : [send], count },
        ],
      },
    ],
  }
}

export const generators = [
  assize('assize', 'recorded, judged, history written', []),
  assize('assize without file', 'recorded, judged', ['--no-history']),
  assize('assize without judges', 'recorded', ['--no-history', '--judge', 'off']),
  assize('assize without record', 'neither recorded nor judged', ['--no-history', '--judge', 'off', '--record', 'off']),
  {
    name: 'minimal client',
    about: 'tokio-tungstenite, parses, measures',
    most: 18_000,
    command: (work, url) => [paths.client, ...words(work, url)],
    told,
  },
  {
    name: 'Node script',
    about: 'socket.io-client',
    most: 10_000,
    command: (work, url) => ['node', paths.script, ...words(work, url)],
    told,
  },
  {
    name: 'Artillery',
    about: 'its Socket.IO engine; acks only',
    most: 1_000,
    command(work, url, folder) {
      mkdirSync(folder, { recursive: true })
      const file = join(folder, 'artillery.json')
      writeFileSync(file, JSON.stringify(artilleryScript(work, url)))
      return [paths.artillery, 'run', '--quiet', '--output', join(folder, 'out.json'), file]
    },
    told(_run, folder) {
      const out = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'))
      const ack = out.aggregate.summaries['socketio.response_time']
      return { ackP99: ack?.p99 }
    },
  },
]
