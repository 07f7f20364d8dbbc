#!/usr/bin/env node
// Whether memory grows while the load does not: one generator process, steady load for some minutes, its
// resident memory every few seconds beside what the server counted. `benches/soak.mjs --help`.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generators, paths } from './driver/generators.mjs'
import { resident, start, stop, stopAll } from './driver/process.mjs'

const HELP = `Usage: benches/soak.mjs [OPTIONS]

Steady load on the server of the benchmarks, and how much memory Assize holds meanwhile. What is remembered
for a while is not counted: growth is measured after the first ${'`--settle`'} seconds.

  --minutes N    how long (10)
  --settle N     seconds after which nothing should grow any more (180)
  --clients N    clients, in pairs (200)
  --group N      members of a conversation (2)
  --rate N       messages per second in all (200)
  --who NAME     'assize', 'assize without file', 'assize without judges' ('assize without file')
  --grows N      exit code 1 beyond so many bytes per 10,000 messages`

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    settle: { type: 'string', default: '180' },
    clients: { type: 'string', default: '200' },
    group: { type: 'string', default: '2' },
    rate: { type: 'string', default: '200' },
    who: { type: 'string', default: 'assize without file' },
    grows: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})

// Seconds between two looks.
const LOOK = 5

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

const listening = async (server) => {
  for (let tries = 0; tries < 100; tries++) {
    const url = /listening on (\S+)/.exec(server.stdout)?.[1]
    if (url) return url
    await sleep(0.1)
  }
  throw new Error(`the server did not start: ${server.stderr}`)
}

// The slope of the line that fits best: bytes per message.
const slope = (samples) => {
  const mean = (of) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length
  const x = mean(({ messages }) => messages)
  const y = mean(({ bytes }) => bytes)
  const over = samples.reduce((sum, one) => sum + (one.messages - x) * (one.bytes - y), 0)
  const under = samples.reduce((sum, one) => sum + (one.messages - x) ** 2, 0)
  return under === 0 ? NaN : over / under
}

const soak = async () => {
  const seconds = Number(options.minutes) * 60
  const settle = Number(options.settle)
  const generator = generators.find(({ name }) => name === options.who)
  if (!generator) throw new Error(`there is no generator \`${options.who}\``)
  for (const needed of [paths.assize, paths.server]) {
    if (!existsSync(needed)) throw new Error(`\`${needed}\` is missing\nhint: \`make bench\` builds it`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'assize-soak-'))
  const server = start(undefined, [paths.server])
  try {
    const url = await listening(server)
    const [clients, group, rate] = [options.clients, options.group, options.rate].map(Number)
    const work = { clients, group, rate, idle: 0, seconds }
    const run = start(undefined, generator.command(work, url, folder))
    const samples = []
    for (let at = 0; at < seconds - LOOK && run.code === undefined; at += LOOK) {
      await sleep(LOOK)
      const { messages } = await (await fetch(`${url}/stats`)).json()
      samples.push({ at: at + LOOK, messages, bytes: resident(run) * 1024 })
      const { bytes } = samples.at(-1)
      process.stderr.write(`${at + LOOK} s  ${messages} messages  ${(bytes / 1048576).toFixed(1)} MiB\n`)
    }
    await stop(run)
    const steady = samples.filter(({ at, bytes }) => at > settle && bytes > 0)
    if (steady.length < 3) throw new Error('it was over before it was steady')
    return { steady, grows: slope(steady) * 10_000 }
  } finally {
    await stop(server)
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  if (options.help) {
    console.log(HELP)
  } else {
    const { steady, grows } = await soak()
    const told = { from: steady[0], to: steady.at(-1), bytesPer10kMessages: Math.round(grows) }
    console.log(JSON.stringify(told, null, 2))
    process.exitCode = options.grows && grows > Number(options.grows) ? 1 : 0
  }
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`)
  process.exitCode = 1
} finally {
  await stopAll()
}
