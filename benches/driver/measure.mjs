// One measurement: a fresh server, one generator, one piece of work. What is counted is what the
// server saw and what the kernel charged; nothing rests on what a generator says of itself but its
// latencies and its lateness.

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { paths } from './generators.mjs'
import { cpu, resident, start, stop } from './process.mjs'

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

// Waits for a process to end, but not for longer; the clock alone keeps nobody here.
const ended = (run, seconds) =>
  Promise.race([run.ended, new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref())])

// Seconds within which all must be connected, and a generator must have ended.
const CONNECTING = 120
const ENDING = 90

// Seconds by which the traffic outlasts what is measured of it.
const SLACK = 3

class Server {
  static async start(core, command = [paths.server]) {
    const run = start(core, command)
    for (let tries = 0; tries < 100; tries++) {
      const url = /listening on (\S+)/.exec(run.stdout)?.[1]
      if (url) return new Server(run, url)
      if (run.code !== undefined) break
      await sleep(0.05)
    }
    throw new Error(`the server did not start: ${run.stderr}`)
  }

  constructor(run, url) {
    this.run = run
    this.url = url
  }

  async stats() {
    const answer = await fetch(`${this.url}/stats`)
    return answer.json()
  }

  // Waits until the server's figures are so, while the generator lives.
  async until(holds, generator, seconds) {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      const stats = await this.stats()
      if (holds(stats)) return stats
      if (generator.code !== undefined) throw new Error(`ended early: ${tail(generator)}`)
      await sleep(0.05)
    }
    throw new Error(`nothing happened for ${seconds} s: ${JSON.stringify(await this.stats())}; ${tail(generator)}`)
  }
}

const tail = (run) => `${run.stdout}\n${run.stderr}`.trim().slice(-600)

// What the generator and the server did between two moments.
const snapshot = async (server, generator) => {
  const stats = await server.stats()
  return { at: performance.now() / 1000, ...stats, cpu: cpu(generator), serverCpu: cpu(server.run) }
}

// Measures a generator at a piece of work. `window` is the length of the measured part in seconds,
// `warm` what goes before it.
export const measure = (generator, work, times) =>
  work.connecting ? connect(generator, work, times) : talk(generator, work, times)

const talk = async (generator, work, { window, warm, cores }) => {
  const folder = mkdtempSync(join(tmpdir(), 'assize-bench-'))
  const server = await Server.start(cores[0])
  // The traffic outlasts the window.
  const whole = { ...work, seconds: warm + window + SLACK }
  const run = start(cores[1], generator.command(whole, server.url, folder))
  try {
    const connected = await server.until(({ connected }) => connected >= work.clients, run, CONNECTING)
    const figures = { connectsPerSecond: work.clients / connected.connecting_seconds }
    if (work.idle > 0) {
      await sleep(work.idle / 2)
      figures.idleKiB = resident(run)
      figures.idleCpu = cpu(run)
    }
    // Assize says something before the run, to see whether the server is what the spec says.
    await server.until(({ messages }) => messages > connected.messages, run, work.idle + 30)
    await sleep(warm)
    const before = await snapshot(server, run)
    await sleep(window)
    const after = await snapshot(server, run)
    figures.loadedKiB = resident(run)
    if (run.code !== undefined || figures.loadedKiB === 0) throw new Error('it ended before the window did')
    const messages = after.messages - before.messages
    const used = after.cpu - before.cpu
    const took = after.at - before.at
    Object.assign(figures, {
      messagesPerSecond: messages / took,
      cpuMicros: (used / messages) * 1e6,
      messagesPerCore: messages / used,
      deliveriesPerMessage: (after.deliveries - before.deliveries) / messages,
      core: used / took,
      serverCore: (after.serverCpu - before.serverCpu) / took,
    })
    await ended(run, generator.name === 'Artillery' && !work.rate ? 0 : ENDING)
    await stop(run)
    try {
      Object.assign(figures, generator.told(run, folder))
    } catch {
      // It was stopped before it could say anything.
    }
    return figures
  } finally {
    await stop(run)
    await stop(server.run)
    rmSync(folder, { recursive: true, force: true })
  }
}

// How fast clients are let in by the reference server, and what that costs them. When the first one
// knocked and when the last one was in its conversation stands in the history.
const connect = async (generator, work, { cores }) => {
  const folder = mkdtempSync(join(tmpdir(), 'assize-bench-'))
  const server = await Server.start(cores[0], generator.reference)
  const run = start(cores[1], generator.command({ ...work, seconds: 1 }, server.url, folder))
  try {
    await ended(run, CONNECTING)
    if (run.code === undefined) throw new Error(`not over after ${CONNECTING} s: ${tail(run)}`)
    const { ready, first, last } = arrivals(folder)
    if (ready < work.clients) throw new Error(`${ready} of ${work.clients} were let in: ${tail(run)}`)
    return { connectsPerSecond: ready / (last - first) }
  } finally {
    await stop(run)
    await stop(server.run)
    rmSync(folder, { recursive: true, force: true })
  }
}

const arrivals = (folder) => {
  const made = readdirSync(folder).find((entry) => entry.includes('-bench-'))
  const history = readFileSync(join(folder, made, 'history', 'shard-0.jsonl'), 'utf8')
  const ready = new Map()
  let first = Infinity
  for (const line of history.split('\n')) {
    if (!line.includes('"connecting"') && !line.endsWith('"ready"}')) continue
    const { t, c, e } = JSON.parse(line)
    if (e !== 'ready') first = Math.min(first, t)
    else if (!ready.has(c)) ready.set(c, t)
  }
  return { ready: ready.size, first: first / 1e9, last: Math.max(...ready.values()) / 1e9 }
}
