// What the figures were taken on.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { paths } from './generators.mjs'

const ask = promisify(execFile)

const said = async (...[program, ...words]) => {
  try {
    return (await ask(program, words, { cwd: paths.root })).stdout.trim()
  } catch {
    return 'unknown'
  }
}

const installed = (name) => {
  try {
    return JSON.parse(readFileSync(join(paths.benches, 'node_modules', name, 'package.json'), 'utf8')).version
  } catch {
    return 'unknown'
  }
}

const locked = (name) => {
  const text = readFileSync(join(paths.benches, 'peers', 'Cargo.lock'), 'utf8')
  return new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(text)?.[1] ?? 'unknown'
}

export const machine = async () => ({
  date: new Date().toISOString().slice(0, 19) + 'Z',
  processor: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  files: Number(await said('sh', '-c', 'ulimit -Hn')),
  load: loadavg().map((load) => Math.round(load * 100) / 100),
  commit: await said('git', 'rev-parse', '--short', 'HEAD'),
  versions: {
    assize: (await said(paths.assize, '--version')).replace('assize ', ''),
    rustc: (await said('rustc', '--version')).split(' ')[1],
    'tokio-tungstenite': locked('tokio-tungstenite'),
    node: process.version.slice(1),
    'socket.io-client': installed('socket.io-client'),
    artillery: installed('artillery'),
  },
})
